package cost

import (
	"strings"
	"testing"

	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/stage"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

// Without a name of a kernel function the idle task may be interrupted as well:
// none of its samples is busy, and no share of what is busy is told.
func TestIdleWithoutNames(t *testing.T) {
	made := func(function int) *profile.Profile {
		p := &profile.Profile{
			Event:     profile.Event{Name: "cpu-clock", Unit: "nanoseconds"},
			Mappings:  []profile.Mapping{{File: "[kernel.kallsyms]", Kernel: true}},
			Functions: []profile.Function{{Name: "memcpy"}},
			Locations: []profile.Location{{Address: 0xffffffff81000010, Function: function}},
			Stacks:    []profile.Stack{{0}}, Comms: []string{"swapper/1", "ksoftirqd/1"},
		}
		for _, c := range []struct{ cpu, pid, comm int32 }{{0, 0, -1}, {1, -1, 0}, {1, -1, 1}, {2, 7, 1}} {
			p.Cells = append(p.Cells,
				profile.Cell{CPU: c.cpu, PID: c.pid, TID: c.pid, Comm: c.comm, Count: 3, Period: 30})
		}
		return p
	}
	e := NewEvent(Classify(made(-1), stage.Default()), 1,
		packets.None(bundle.Gap{What: "packets", Why: "none read"}))
	for i, want := range []uint64{0, 3, 3} {
		c := e.CPUs[i]
		if c.Busy.Samples != want || c.Unsure.Empty() == (i < 2) {
			t.Errorf("CPU %d: busy %+v, unsure %+v, want %d busy", i, c.Busy, c.Unsure, want)
		}
		if len(c.Functions) > 0 && c.Functions[0].Share.Measured() == (i < 2) {
			t.Errorf("CPU %d: a share of the busy time %+v", i, c.Functions[0])
		}
	}
	if len(e.Warnings) != 1 || !strings.Contains(e.Warnings[0].Text, "idle or interrupt, not told apart") {
		t.Errorf("warnings %+v", e.Warnings)
	}
	access := made(-1)
	access.Event.Name, access.Event.Memory = "cpu/mem-loads/", true
	if a := NewEvent(Classify(access, stage.Default()), 1, packets.None(bundle.Gap{})); a.All.Busy.Samples != 12 ||
		!a.All.Functions[0].Share.Measured() || len(a.Warnings) != 0 {
		t.Errorf("accesses to memory are of no time: %+v, warnings %+v", a.All, a.Warnings)
	}
	named := NewEvent(Classify(made(0), stage.Default()), 1,
		packets.None(bundle.Gap{What: "packets", Why: "none read"}))
	if !named.All.Unsure.Empty() || named.All.Busy.Samples != 12 || len(named.Warnings) != 0 {
		t.Errorf("with names: %+v, warnings %+v", named.All, named.Warnings)
	}
}

// Samples of user space alone tell nothing of locks; a recording that has the
// kernel's in spite of its name does.
func TestTimeInLocksOfUserSpace(t *testing.T) {
	for event, want := range map[string]bool{"cycles": true, "cycles:u": false, "cycles:k": true} {
		for _, kernel := range []bool{false, true} {
			p := testrun.Profile(testrun.At(0, "a;main", 5))
			p.Event.Name, p.Event.Unit = event, "cycles"
			p.Mappings = []profile.Mapping{{File: "a", Kernel: kernel}}
			for i := range p.Locations {
				p.Locations[i].Mapping = 0
			}
			e := NewEvent(Classify(p, stage.Default()), 1, packets.None(bundle.Gap{What: "packets"}))
			if got := e.All.SpinShare.Measured(); got != (want || kernel) {
				t.Errorf("%s, kernel %v: spin share %+v", event, kernel, e.All.SpinShare)
			}
		}
	}
}
