package finding

import (
	"strings"
	"testing"

	"xfrmscope/analyze/lines"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// lineRuns are runs of one mode, each with rows over 100 packets.
func lineRuns(mode string, ns []int, rows ...[]bundle.Line) (result.Curve, []*result.Run) {
	c := result.Curve{Mode: mode}
	var runs []*result.Run
	for i, n := range ns {
		run := &result.Run{Mode: mode, N: n, Name: mode, Lines: lines.New(rows[i], nil,
			metric.Value{ID: metric.PacketsID, Value: 100}, "simulated: no prefetch")}
		run.Events = []*result.Event{{Unit: "cycles", All: result.CPU{PerPacket: metric.Value{Value: 1000,
			Unit: "cycles/packet"}}}}
		c.Runs, runs = append(c.Runs, i), append(runs, run)
	}
	c.Lines = lines.Points(runs)
	return c, runs
}

func TestMovedLines(t *testing.T) {
	owner := 1
	refcnt := bundle.Line{Read: "xfrm_policy.refcnt", Written: "xfrm_policy.refcnt", Reader: "f", Writer: "g",
		Transfers: 300}
	walk := bundle.Line{Read: "xfrm_state.id.daddr", Written: "xfrm_state.lock", Reader: "xfrm_state_find",
		Writer: "spin_unlock", Transfers: 100, Apart: 100, Readers: bundle.CPUSet{0}, Writers: bundle.CPUSet{1},
		Object: bundle.LineObject{SPI: 0x1002, PCPU: &owner}}
	lock := bundle.Line{Read: "xfrm_state.lock", Written: "xfrm_state.lock", Reader: "h", Writer: "h",
		Transfers: 200}
	before, runs := lineRuns("shared", []int{4}, []bundle.Line{refcnt, lock})
	after, more := lineRuns("pcpu", []int{1, 4}, []bundle.Line{{Read: "xfrm_policy.refcnt", Transfers: 1}},
		[]bundle.Line{refcnt, walk})
	for i := range after.Runs {
		after.Runs[i] += len(runs)
	}
	r := &result.Result{Curves: []result.Curve{before, after}, Runs: append(runs, more...)}
	for _, test := range []struct {
		ask   func(*result.Result) []result.Finding
		which int
		want  []string
	}{
		{movedLines, 1,
			[]string{"pcpu on 4 CPUs: xfrm_policy.refcnt moves most between CPUs: 3 times a packet; " +
				"it grows, from 0.01 on 1 CPU", "written by g; read by f",
				"if xfrm_policy.refcnt stayed local: up to 30.0 % of cycles per packet, an upper bound",
				"no prefetch"}},
		{tookAway, 0, []string{"pcpu against shared on 4 CPUs: 4 lines move per packet, not 5",
			"less: xfrm_state.lock 2 -> 0", "still: xfrm_policy.refcnt 3 -> 3",
			"new: xfrm_state.id.daddr 0 -> 1"}},
		{falselyShared,
			0, []string{"pcpu on 4 CPUs: 1 of 4 lines a packet move for nothing that was written: " +
				"xfrm_state.id.daddr with xfrm_state.lock"}},
		{foreignSAs, 0,
			[]string{"pcpu on 4 CPUs: the walk of xfrm_state_find takes 1 transfers/packet from 1 SA"}},
	} {
		found := test.ask(r)
		if len(found) <= test.which {
			t.Errorf("findings %+v, want %q", found, test.want)
			continue
		}
		f := found[test.which]
		text := f.Claim + "\n" + strings.Join(f.Evidence, "\n") + "\n" + f.NotProven
		for _, want := range test.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s\nlacks %q", text, want)
			}
		}
	}
	for _, run := range r.Runs {
		run.Lines = nil
	}
	r.Curves[0].Lines, r.Curves[1].Lines = nil, nil
	for _, ask := range []func(*result.Result) []result.Finding{movedLines, tookAway, falselyShared, foreignSAs} {
		if f := ask(r); len(f) > 0 {
			t.Errorf("without lines: %+v", f)
		}
	}
}
