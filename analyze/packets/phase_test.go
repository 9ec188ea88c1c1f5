package packets

import (
	"math"
	"testing"

	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

func TestPhaseEffect(t *testing.T) {
	phase := func(probe string, packets uint64, counted bool) bundle.Phase {
		return bundle.Phase{Name: probe, Probe: probe, Window: testrun.Window(0, 1), Packets: packets,
			Counted: counted}
	}
	got := NewPhases(&bundle.Manifest{Phases: []bundle.Phase{phase("", 100, true), phase("wait", 99, true),
		phase("", 120, true), phase("find", 108, true), phase("count", 90, false)}})
	testrun.WantValue(t, "wait: beside 100 and 120", got[1].Effect, 99.0/110-1)
	noise := 20.0 / 110 / math.Sqrt2 // of two that differ by 20 in 110
	if se := got[1].Effect.SE; math.Abs(se-99.0/110*noise) > 1e-9 {
		t.Errorf("error %v, want the noise of a window, for half of two and one of twice the length", se)
	}
	if se := got[3].Effect.SE; math.Abs(se-108.0/120*noise*math.Sqrt(1.5)) > 1e-9 {
		t.Errorf("error %v, want the noise of one window and one of twice the length", se)
	}
	testrun.WantValue(t, "find: no phase behind it", got[3].Effect, 108.0/120-1)
	for _, i := range []int{0, 4} {
		if got[i].Effect.Measured() {
			t.Errorf("phase %d: effect %+v, want none", i, got[i].Effect)
		}
	}
}
