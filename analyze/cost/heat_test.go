package cost

import (
	"fmt"
	"testing"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/stage"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

// The heat of a hybrid CPU has the CPUs of both PMUs, in order.
func TestHeatOfTwoPMUs(t *testing.T) {
	w := bundle.Window{StartNS: 0, EndNS: 60e9}
	var mains []*Classified
	for _, e := range []struct {
		name, stack string
		cpu         int32
	}{
		{"cpu_core/cycles/", "a;xfrm_output_resume;_raw_spin_lock_bh;native_queued_spin_lock_slowpath", 17},
		{"cpu_atom/cycles/", "a;xfrm_input", 5},
	} {
		p := testrun.Profile(testrun.At(int(e.cpu), e.stack, 1))
		p.Event.Name = e.name
		p.Timeline = []profile.Slot{{CPU: e.cpu, Slice: 2, Stack: p.Cells[0].Stack, Period: 7}}
		mains = append(mains, Classify(p, stage.Default()))
	}
	h := NewHeat(mains, w)
	if got := fmt.Sprint(h.Event, h.CPUs, h.Busy[0][2], h.Busy[1][2], h.Spin[0][1:3], h.Spin[1][1:3]); got !=
		"cpu_core/cycles/ and cpu_atom/cycles/[5 17] 1 1 [-1 0] [-1 1]" {
		t.Errorf("heat is %s", got)
	}
	if h := NewHeat(nil, w); h != nil {
		t.Errorf("no event has a heat: %v", h)
	}

	events := []*perfdata.Event{{Name: "cpu_core/cycles/"}, {Name: "cpu_core/instructions/"},
		{Name: "cpu_atom/cycles/"}}
	if asked := TimelineOf(events, w).Events; len(asked) != 2 || asked[1] != events[2] {
		t.Errorf("asked for %v", asked)
	}
}
