package checks

import (
	"strings"
	"testing"

	"xfrmscope/analyze/cost"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/testdata/testrun"
)

func TestMultiplexGate(t *testing.T) {
	event := func(name, unit string) *result.Event { return &result.Event{Name: name, Unit: unit} }
	cycles, misses := event("cycles:k", "cycles"), event("L1-dcache-load-misses:k", "count")
	totals := cost.NewTotals(testrun.CountedRows(), nil, nil)
	for _, test := range []struct {
		events         []*result.Event
		counted        []result.Total
		status, reason string
	}{
		{[]*result.Event{event("cpu-clock", "nanoseconds")}, nil, result.GateOK, "software clocks"},
		{[]*result.Event{cycles}, nil, result.NotMeasured, "how long cycles:k was on"},
		{[]*result.Event{cycles}, totals[:1], result.GateOK, "for all of the time"},
		{[]*result.Event{cycles, misses}, totals[:1], result.NotMeasured,
			"how long L1-dcache-load-misses:k was on"},
		{[]*result.Event{cycles, misses}, totals, result.GateFailed, "L1-dcache-load-misses:k was on for 50 %"},
	} {
		g := multiplexGate(&result.Run{Events: test.events, Counted: test.counted})
		if g.Status != test.status || !strings.Contains(g.Evidence, test.reason) {
			t.Errorf("%d events, %d counted: %+v, want %s, %s", len(test.events), len(test.counted), g,
				test.status, test.reason)
		}
	}
}

// Cycles by samples are held against cycles counted.
func TestCostByCounting(t *testing.T) {
	value := func(v float64) metric.Value {
		return metric.Value{ID: metric.CostID, Value: v, Unit: "cycles/packet"}
	}
	for _, test := range []struct {
		sampled, counted float64
		verdict          string
	}{{4100, 4000, result.CheckHolds}, {4400, 4000, result.CheckBroken}} {
		e := &result.Event{Name: "cycles:k", Unit: "cycles"}
		e.All.PerPacket, e.All.Total.Period, e.All.Busy.Period = value(test.sampled), 1e9, 1e9
		got := costByAccounting(&result.Run{Events: []*result.Event{e},
			Counted: []result.Total{{Event: "cycles:k", PerPacket: value(test.counted)}}}, nil)
		if got.Verdict != test.verdict {
			t.Errorf("%v sampled, %v counted: %+v, want %s", test.sampled, test.counted, got, test.verdict)
		}
	}
	e := &result.Event{Name: "cycles:k", Unit: "cycles"}
	e.All.PerPacket = value(1)
	if got := costByAccounting(&result.Run{Events: []*result.Event{e}}, nil); got.Verdict != result.NotMeasured ||
		!strings.Contains(got.Why, "was not counted") {
		t.Errorf("nothing counted: %+v", got)
	}
}
