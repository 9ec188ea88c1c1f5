package finding

import (
	"strings"
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

func spinPoint(mode string, n int, share float64) SpinPoint {
	return SpinPoint{
		Run: mode, Mode: mode, N: n, Event: "cpu-clock",
		Spin:  metric.Value{ID: metric.SpinID, Value: share, Unit: "ratio", SE: 0.004, Samples: 1000},
		Waits: metric.Value{Value: 1059, Unit: "waits"},
	}
}

func TestSpin(t *testing.T) {
	missing := spinPoint("plain", 4, 0)
	missing.Spin = metric.NotMeasured(metric.SpinID, "ratio", bundle.Gap{What: "samples"})
	shared := spinPoint("shared", 4, 0.25)
	shared.Callers = []Caller{{"xfrm_input", 0.6}, {"xfrm_output_resume", 0.39}, {"other", 0.01}}

	got := Spin([]SpinPoint{spinPoint("pcpu", 1, 0), spinPoint("pcpu", 4, 0.0012), missing, spinPoint("shared", 1, 0), shared})
	want := []string{
		"shared: 25.0 +- 0.4 % of busy time on 4 CPUs spins on locks, entered from xfrm_input (60 % of it), xfrm_output_resume (39 % of it)",
		"pcpu: 0.1 +- 0.4 % of busy time on 4 CPUs spins on locks, under the floor of 1 %",
	}
	if len(got) != len(want) {
		t.Fatalf("%d findings, want %d: %+v", len(got), len(want), got)
	}
	for i := range want {
		if got[i].Claim != want[i] {
			t.Errorf("claim %d = %q\nwant %q", i, got[i].Claim, want[i])
		}
		if len(got[i].Evidence) != 2 || !strings.Contains(got[i].Evidence[1], "1059 waits by probe") {
			t.Errorf("evidence %d = %q, want a line a run, with the probe's waits", i, got[i].Evidence)
		}
	}
}

// No sample in a slow path is no proof that there was no wait: how many were
// looked at is said.
func TestSpinNone(t *testing.T) {
	p := spinPoint("pcpu", 4, 0)
	p.Spin.Samples, p.Spin.SE, p.Busy = 0, 0, 6987
	got := Spin([]SpinPoint{p})
	if want := "pcpu: none of 6987 busy samples on 4 CPUs spins on locks"; len(got) != 1 || got[0].Claim != want {
		t.Errorf("found %+v, want %q", got, want)
	}
}
