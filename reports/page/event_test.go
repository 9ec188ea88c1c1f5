package page

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

func eventOn(name string, cpu int, function string, spin metric.Value) *result.Event {
	weight := metric.Estimate{Samples: 4, Period: 4, VarSum: 4}
	share := result.Share{Name: function, Weight: weight, Share: metric.Value{Value: 1, Unit: "ratio"}}
	c := result.CPU{CPU: cpu, Total: weight, Busy: weight, SpinShare: spin, LockWordShare: spin,
		PerPacket: metric.NotMeasured(metric.CostID, "", bundle.Gap{What: "packets"}),
		Functions: []result.Share{share}, Stages: []result.Share{share}}
	all := c
	all.CPU = result.AllCPUs
	return &result.Event{Name: name, Unit: "cycles", All: all, CPUs: []result.CPU{c}}
}

// unsaid is what a page does not say of the runs: style, scripts, classes, and
// how the metrics are defined.
func unsaid() *regexp.Regexp {
	return regexp.MustCompile(`(?s)<style.*?</style>|<script.*?</script>| class="[^"]*"|` +
		`<table id="formulas".*?</table>`)
}

// pageOf is what a page of runs says.
func pageOf(t *testing.T, runs ...*result.Run) string {
	t.Helper()
	var b bytes.Buffer
	curve := result.Curve{}
	for i := range runs {
		curve.Runs = append(curve.Runs, i)
	}
	r := &result.Result{Runs: runs, Curves: []result.Curve{curve}}
	if err := Write(&b, r, Options{Static: true, FlameBytes: -1}); err != nil {
		t.Fatal(err)
	}
	return unsaid().ReplaceAllString(b.String(), "")
}

// A share of misses, faults or waits is none of busy time, in no table, chart
// or head of the page, of one run, of several and over N.
func TestPageOfNoTime(t *testing.T) {
	unknown := metric.NotMeasured(metric.SpinID, "ratio", bundle.Gap{What: "time in locks", Why: "no time"})
	for _, event := range []string{"L1-dcache-load-misses", "page-faults", "lock:contention_begin"} {
		run := func(name string, n int) *result.Run {
			return &result.Run{Name: name, N: n, Events: []*result.Event{
				eventOn(event, 0, "xfrm_state_find", unknown)},
				Heat: &result.Heat{Event: event, SliceNS: 1e9, CPUs: []int{0}, Busy: [][]float64{{1}},
					Spin: [][]float64{{0}}}}
		}
		for _, runs := range [][]*result.Run{{run("a", 1)}, {run("a", 1), run("b", 1)},
			{run("a", 1), run("b", 2)}} {
			text := pageOf(t, runs...)
			if i := strings.Index(text, "busy"); i >= 0 {
				t.Errorf("%s, %d runs: busy is said in %q", event, len(runs), text[max(0, i-100):i+50])
			}
			for _, want := range []string{"Functions by self share of " + event + " samples",
				"Stages, share of " + event + " samples", "% of samples"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s, %d runs: %q is not in the page", event, len(runs), want)
				}
			}
		}
	}
}

// Both PMUs of a hybrid CPU are on the page: CPUs, functions, stages, figures.
func TestHybridPage(t *testing.T) {
	ratio := func(v float64) metric.Value { return metric.Value{ID: metric.SpinID, Value: v, Unit: "ratio"} }
	text := pageOf(t, &result.Run{Name: "a", N: 2, Events: []*result.Event{
		eventOn("cpu_core/cycles/", 5, "native_queued_spin_lock_slowpath", ratio(1)),
		eventOn("cpu_atom/cycles/", 17, "xfrm_state_find", ratio(0))}})
	for _, table := range []struct{ id, want string }{
		{"cpu-table", ">5<"}, {"cpu-table", ">17<"}, {"runs-table", ">a cpu_core/cycles/<"},
		{"runs-table", ">a cpu_atom/cycles/<"}, {"stage-table", "a cpu_core/cycles/"},
		{"stage-table", "a cpu_atom/cycles/"}, {"functions-0", "native_queued_spin_lock_slowpath"},
		{"functions-1", "xfrm_state_find"},
	} {
		_, rest, found := strings.Cut(text, `id="`+table.id+`"`)
		if rest, _, _ = strings.Cut(rest, "</table>"); !found || !strings.Contains(rest, table.want) {
			t.Errorf("%s: %q is not in\n%s", table.id, table.want, rest)
		}
	}
	for _, want := range []string{"event cpu_core/cycles/ in cycles and cpu_atom/cycles/ in cycles",
		"CPU 17: 4 samples"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
}
