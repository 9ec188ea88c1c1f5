package analyze

import (
	"strings"
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

// countedRows are the counts of two CPUs over a second: misses were on for half of it
// on CPU 1, and perf scaled them.
func countedRows() []bundle.Total {
	return []bundle.Total{
		{Event: "cycles:k", CPU: 0, Value: 3e9, RunningNS: 1e9, Running: 1},
		{Event: "cycles:k", CPU: 1, Value: 1e9, RunningNS: 1e9, Running: 1},
		{Event: "L1-dcache-load-misses:k", CPU: 0, Value: 3e7, RunningNS: 1e9, Running: 1},
		{Event: "L1-dcache-load-misses:k", CPU: 1, Value: 1e7, RunningNS: 5e8, Running: 0.5},
	}
}

func TestTotals(t *testing.T) {
	phases := []Phase{{Name: "none-0", Rate: metric.Value{ID: metric.RateID, Value: 1e6, Unit: "packets/s", SE: 1e4}}}
	got := newTotals(countedRows(), phases, nil)
	if len(got) != 2 {
		t.Fatalf("totals = %+v, want two events", got)
	}
	wantValue(t, "cycles per second", got[0].PerSecond, 4e9)
	wantValue(t, "cycles per packet", got[0].PerPacket, 4000)
	wantValue(t, "misses per packet", got[1].PerPacket, 40)
	wantValue(t, "misses per 1000 cycles", got[1].PerKiloCycle, 10)
	if got[0].PerPacket.Unit != "cycles/packet" || got[0].PerPacket.SE != 40 || got[1].Running.Value != 0.5 {
		t.Errorf("totals = %+v", got)
	}
	if v := newTotals(countedRows(), nil, nil)[0].PerPacket; v.Measured() || v.Missing.Why != "the run has no phase for it" {
		t.Errorf("without a phase: %+v", v)
	}
	never := newTotals([]bundle.Total{{Event: "cycles", CPU: 0}, {Event: "cycles", CPU: 1, Value: 5, RunningNS: 1e9, Running: 1}}, phases, nil)[0]
	if never.PerPacket.Measured() || never.Running.Value != 0 {
		t.Errorf("an event that was never on: %+v", never)
	}
}

func TestMultiplexGate(t *testing.T) {
	event := func(name, unit string) *Event { return &Event{Name: name, Unit: unit} }
	cycles, misses := event("cycles:k", "cycles"), event("L1-dcache-load-misses:k", "count")
	totals := newTotals(countedRows(), nil, nil)
	for _, test := range []struct {
		events         []*Event
		counted        []Total
		status, reason string
	}{
		{[]*Event{event("cpu-clock", "nanoseconds")}, nil, GateOK, "software clocks"},
		{[]*Event{cycles}, nil, GateNotMeasured, "how long cycles:k was on"},
		{[]*Event{cycles}, totals[:1], GateOK, "for all of the time"},
		{[]*Event{cycles, misses}, totals[:1], GateNotMeasured, "how long L1-dcache-load-misses:k was on"},
		{[]*Event{cycles, misses}, totals, GateFailed, "L1-dcache-load-misses:k was on for 50 %"},
	} {
		g := multiplexGate(&Run{Events: test.events, Counted: test.counted})
		if g.Status != test.status || !strings.Contains(g.Evidence, test.reason) {
			t.Errorf("%d events, %d counted: %+v, want %s, %s", len(test.events), len(test.counted), g, test.status, test.reason)
		}
	}
}

// Cycles by samples are held against cycles counted.
func TestCostByCounting(t *testing.T) {
	value := func(v float64) metric.Value { return metric.Value{ID: metric.CostID, Value: v, Unit: "cycles/packet"} }
	for _, test := range []struct {
		sampled, counted float64
		verdict          string
	}{{4100, 4000, Holds}, {4400, 4000, Broken}} {
		e := &Event{Name: "cycles:k", Unit: "cycles"}
		e.All.PerPacket, e.All.Total.Period, e.All.Busy.Period = value(test.sampled), 1e9, 1e9
		got := costByAccounting(&Run{Events: []*Event{e}, Counted: []Total{{Event: "cycles:k", PerPacket: value(test.counted)}}}, nil)
		if got.Verdict != test.verdict {
			t.Errorf("%v sampled, %v counted: %+v, want %s", test.sampled, test.counted, got, test.verdict)
		}
	}
	e := &Event{Name: "cycles:k", Unit: "cycles"}
	e.All.PerPacket = value(1)
	if got := costByAccounting(&Run{Events: []*Event{e}}, nil); got.Verdict != NotMeasured || !strings.Contains(got.Why, "was not counted") {
		t.Errorf("nothing counted: %+v", got)
	}
}
