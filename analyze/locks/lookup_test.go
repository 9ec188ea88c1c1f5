package locks

import (
	"testing"

	"xfrmscope/analyze/result"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

// Two namespaces have an SA of one SPI, and one of them two, to two addresses:
// none of them is received on several CPUs, and none is another's.
func TestSameSPI(t *testing.T) {
	row := func(netns, lock string, cpu int) bundle.InboundRow {
		return bundle.InboundRow{NetNS: netns, SPI: 0x2001, Lock: lock, CPU: cpu, Packets: 100 + uint64(cpu)}
	}
	got := inbound([]bundle.InboundRow{row("west", "0x3", 2), row("east", "0x1", 0), row("west", "0x2", 1),
		row("east", "0x1", 0)})
	if len(got) != 3 {
		t.Fatalf("inbound %+v, want three SAs", got)
	}
	for i, want := range []struct {
		netns   string
		packets uint64
	}{{"east", 200}, {"west", 101}, {"west", 102}} {
		if in := got[i]; in.NetNS != want.netns || len(in.CPUs) != 1 || in.Packets[0] != want.packets {
			t.Errorf("inbound %+v, want %d packets on one CPU in %s", in, want.packets, want.netns)
		}
	}

	zero := 0
	finds := []bundle.FindRow{
		{NetNS: "east", SPI: 1, State: "0x1", CPU: 0, PCPU: &zero, Count: 10},
		{NetNS: "west", SPI: 1, State: "0x2", CPU: 0, PCPU: &zero, Count: 20},
		{NetNS: "south", SPI: 9, State: "0x3", CPU: 0, Count: 30}, // has no per-CPU SAs
	}
	m := NewMatrix(finds, nil, []int{0})
	if len(m.Rows) != 3 || m.Rows[0].NetNS != "east" || m.Rows[0].Calls[0] != 10 || m.Rows[1].NetNS != "west" ||
		m.Rows[1].Calls[0] != 20 {
		t.Errorf("matrix %+v, want a row for each namespace", m.Rows)
	}
	var f result.Lookups
	shares(&f, finds, nil, 60)
	testrun.WantValue(t, "fallback: no other SA is there", f.Fallback, 0)
}
