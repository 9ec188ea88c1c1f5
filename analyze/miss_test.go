package analyze

import (
	"math"
	"testing"

	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
)

func TestMisses(t *testing.T) {
	event := func(name, unit string, rows ...row) *Event {
		p := profileOf(rows...)
		p.Event.Name, p.Event.Unit = name, unit
		return newEvent(p, stage.Default(), 1, noPackets(bundle.Gap{}))
	}
	misses := newMisses([]*Event{
		event("cycles:k", "cycles", row{0, "a", 100}, row{1, "a", 300}),
		event("L1-dcache-load-misses:k", "count", row{0, "a", 4}),
		event("branch-misses:k", "count", row{0, "a", 4}),
	})
	if len(misses) != 2 || misses[0].CPU != -1 || misses[1].CPU != 0 {
		t.Fatalf("misses = %+v, want L1 on all and on CPU 0", misses)
	}
	wantValue(t, "per 1000 cycles", misses[0].PerKiloCycle, 1000*4.0/400)
	wantValue(t, "per 1000 cycles of CPU 0", misses[1].PerKiloCycle, 1000*4.0/100)
	if got, want := misses[0].PerKiloCycle.SE, 10*math.Sqrt(1/4.0+1/400.0); math.Abs(got-want) > 1e-9 {
		t.Errorf("standard error = %v, want %v", got, want)
	}
	if v := misses[0].PerKiloInstructions; v.Measured() || v.Missing.Why != "the run has no event that counts instructions" {
		t.Errorf("per 1000 instructions = %+v, want not measured", v)
	}
}
