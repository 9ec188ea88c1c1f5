package cost

import (
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

func TestTotals(t *testing.T) {
	phases := []result.Phase{{Name: "none-0",
		Rate: metric.Value{ID: metric.RateID, Value: 1e6, Unit: "packets/s", SE: 1e4}}}
	got := NewTotals(testrun.CountedRows(), phases, nil)
	if len(got) != 2 {
		t.Fatalf("totals = %+v, want two events", got)
	}
	testrun.WantValue(t, "cycles per second", got[0].PerSecond, 4e9)
	testrun.WantValue(t, "cycles per packet", got[0].PerPacket, 4000)
	testrun.WantValue(t, "misses per packet", got[1].PerPacket, 40)
	testrun.WantValue(t, "misses per 1000 cycles", got[1].PerKiloCycle, 10)
	if got[0].PerPacket.Unit != "cycles/packet" || got[0].PerPacket.SE != 40 || got[1].Running.Value != 0.5 {
		t.Errorf("totals = %+v", got)
	}
	if v := NewTotals(testrun.CountedRows(), nil, nil)[0].PerPacket; v.Measured() ||
		v.Missing.Why != "the run has no phase for it" {
		t.Errorf("without a phase: %+v", v)
	}
	never := NewTotals([]bundle.Total{{Event: "cycles", CPU: 0},
		{Event: "cycles", CPU: 1, Value: 5, RunningNS: 1e9, Running: 1}}, phases, nil)[0]
	if never.PerPacket.Measured() || never.Running.Value != 0 {
		t.Errorf("an event that was never on: %+v", never)
	}
}
