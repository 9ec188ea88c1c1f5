package finding

import (
	"testing"

	"xfrmscope/analyze/cost"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/analyze/testrun"
)

// The fast path of a caller is set against the highest run of one CPU of its mode.
func TestWordFloor(t *testing.T) {
	run := func(mode string, n int, word uint64) *result.Run {
		p := result.Packets{Rate: metric.Value{ID: metric.RateID, Value: 1e6, Unit: "packets/s"}}
		e := cost.NewEvent(cost.Classify(testrun.Profile(
			testrun.At(0, "xfrm_output_resume;_raw_spin_lock_bh", word), testrun.At(0, "xfrm_output_resume", 900),
		), stage.Default()), 1, p)
		return &result.Run{Mode: mode, N: n, Events: []*result.Event{e}}
	}
	four := run("pcpu", 4, 40)
	all := []*result.Run{run("pcpu", 1, 10), run("pcpu", 1, 12), run("shared", 1, 30), four}
	caller := lockPoints(all, []*result.Run{four})[0].Callers[0]
	testrun.WantValue(t, "on 4 CPUs", caller.Cost, 40)
	testrun.WantValue(t, "on 1 CPU", caller.Floor, 12)
	if one := lockPoints(all, all[:1])[0].Callers[0]; one.Floor.Measured() {
		t.Errorf("one CPU is measured against itself: %+v", one.Floor)
	}
	if got := wordFloor(all, four, four.Events[0].Name, "another"); !got.Measured() || got.Value != 0 {
		t.Errorf("a caller without a sample on one CPU: %+v, want 0", got)
	}
}
