package finding

import (
	"strings"
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

func spinning(mode string, n int, share float64, callers ...result.Share) *result.Run {
	r := sampled(mode, n, "nanoseconds", result.CPU{
		SpinShare:   metric.Value{ID: metric.SpinID, Value: share, Unit: "ratio", SE: 0.004, Samples: 1000},
		SpinCallers: callers,
	})
	r.Locks.Waits = metric.Value{Value: 1059, Unit: "waits"}
	return r
}

func TestSpin(t *testing.T) {
	missing := spinning("plain", 4, 0)
	missing.Events[0].All.SpinShare = none("ratio")
	entered := func(name string, share float64) result.Share {
		return result.Share{Name: name, Share: metric.Value{Value: 0.25 * share}}
	}
	got := spin(&result.Result{Runs: []*result.Run{
		spinning("pcpu", 1, 0), spinning("pcpu", 4, 0.0012), missing, {Name: "no samples"},
		spinning("shared", 1, 0),
		spinning("shared", 4, 0.25, entered("xfrm_input", 0.6), entered("xfrm_output_resume", 0.39),
			entered("other", 0.01)),
	}})
	claims(t, got,
		"shared: 25.0 +- 0.8 % of busy time on 4 CPUs spins on locks, entered from xfrm_input (60 % of it), "+
			"xfrm_output_resume (39 % of it)",
		"pcpu: <= 0.9 % of busy time on 4 CPUs spins on locks, under the floor of 1 %",
	)
	for i, f := range got {
		if len(f.Evidence) != 2 || !strings.Contains(f.Evidence[1], "1059 waits by probe") {
			t.Errorf("evidence %d = %q, want a line a run, with the probe's waits", i, f.Evidence)
		}
	}
}

// No sample in a slow path is no proof that there was no wait: how many were
// looked at is said.
func TestSpinNone(t *testing.T) {
	r := spinning("pcpu", 4, 0)
	all := &r.Events[0].All
	all.SpinShare.Samples, all.SpinShare.SE, all.Busy.Samples = 0, 0, 6987
	claims(t, spin(inModes(r)), "pcpu: none of 6987 busy samples on 4 CPUs spins on locks")
}

// Of repeats the claim is of the run that digest and tables show, that of median packets/s.
func TestSpinOfRepeats(t *testing.T) {
	r := &result.Result{Curves: []result.Curve{{Mode: "shared"}}}
	for i, repeat := range []struct{ rate, share float64 }{{300, 0.0042}, {100, 0.002}, {400, 0.008}} {
		run := spinning("shared", 8, repeat.share)
		run.Packets.Rate = metric.Value{Value: repeat.rate, Unit: "packets/s"}
		run.Events[0].Name, run.Events[0].Unit = bundle.SimPrefix+"cycles", "cycles"
		run.Events[0].All.SpinShare.SE = 0
		r.Runs, r.Curves[0].Runs = append(r.Runs, run), append(r.Curves[0].Runs, i)
	}
	got := spin(r)
	claims(t, got, "shared: 0.4 % of busy cycles on 8 CPUs spins on locks, under the floor of 1 %")
	if strings.Contains(strings.Join(got[0].Evidence, ""), "samples") {
		t.Errorf("%q: of a simulated machine every cycle is counted, not sampled", got[0].Evidence)
	}
	r.Runs[0].Events[0].All.SpinShare.Value = 0
	claims(t, spin(r), "shared: none of the busy cycles on 8 CPUs are spent in waiting for locks")
}
