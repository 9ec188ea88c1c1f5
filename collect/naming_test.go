package collect

import (
	"slices"
	"testing"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
	"xfrmscope/collect/procfs"
)

func TestNaming(t *testing.T) {
	pcpu := 3
	c := &counted{
		waits: &probe.Waits{Rows: []bundle.LockRow{
			{Lock: "0xffff000000001068"}, // x->lock
			{Lock: "0xffff000000001070"},
			{Lock: "0xffff000000002068"},
			{Lock: "0xffff000000003f00"}, // a field of a namespace
			{Lock: "0xffff000000003f04"},
			{Lock: "0xffff800000200140"}, // CPU 1's copy
			{Lock: "0xffffffff81000010"}, // a variable
			{Lock: "0xffff00000000aaa0"}, // somebody's, known by who waits
			{Lock: "0xffff00000000bbb0"}, // nobody knows
		}},
		find: &probe.Finds{States: []probe.State{
			{CPU: 3, Address: 0xffff000000001000, Net: 0xffff000000003000, NetNS: 7, SPI: 0x1001, PCPU: &pcpu},
		}},
		inbound: &probe.Finds{States: []probe.State{
			{CPU: 3, Address: 0xffff000000002000, Net: 0xffff000000004000, NetNS: 8, SPI: 0x1002, Inbound: true},
			{CPU: 3, Address: 0xffff000000001000, Net: 0xffff000000003000, NetNS: 7, SPI: 0x1001, PCPU: &pcpu, Inbound: true},
		}},
		stacks: &probe.StackCounts{Rows: []bundle.StackRow{
			{Lock: "0xffff00000000aaa0", Count: 2, Frames: []string{"0xffffffffc0000004", "0xffffffff80000104", "0xffffffff80000204", "0xffffffff80000304"}},
			{Lock: "0xffff00000000aaa0", Count: 1, Frames: []string{"0xffffffff80000104", "0xffffffff80000204", "0xffffffff80000404"}},
		}},
	}
	layouts := []bundle.StructLayout{
		{Struct: "xfrm_state", Size: 0x100, Fields: []bundle.StructField{{Name: "lock", Offset: 0x68, Size: 4}, {Name: "pcpu_num", Offset: 0x6c, Size: 4}, {Name: "id.daddr", Offset: 0x70, Size: 16}}},
		{Struct: "net", Size: 0x1000, Fields: []bundle.StructField{{Name: "xfrm.xfrm_state_lock", Offset: 0xf00, Size: 4}, {Name: "xfrm.other", Offset: 0xf02, Size: 8}}},
	}
	percpu := perCPU{start: 0x1000, end: 0x9000, offsets: []uint64{0xffff800000100000 - 0x1000, 0xffff800000200000 - 0x1000}}
	n := newNaming(c, layouts, percpu, map[uint32]string{7: "west"}, false)
	for _, s := range []procfs.Symbol{
		{Addr: 0x1100, Type: 'd', Name: "rt_uncached_list"},
		{Addr: 0xffffffff81000000, Type: 'd', Name: "tasklist_lock"},
		{Addr: 0xffffffff80000100, Type: 'T', Name: "native_queued_spin_lock_slowpath"},
		{Addr: 0xffffffff80000200, Type: 'T', Name: "_raw_spin_lock_bh"},
		{Addr: 0xffffffff80000300, Type: 't', Name: "xfrm_output_resume"},
		{Addr: 0xffffffff80000400, Type: 't', Name: "esp_output"},
	} {
		n.near.offer(s)
	}
	c.name(n)
	want := []string{
		"x->lock SPI 0x1001 pcpu 3", "x->id.daddr SPI 0x1001 pcpu 3", "x->lock SPI 0x1002 inbound",
		"net->xfrm.xfrm_state_lock of west", "net->xfrm.other+0x2 of west",
		"rt_uncached_list+0x40 of CPU 1", "tasklist_lock+0x10", "in xfrm_output_resume", "",
	}
	var got []string
	for _, row := range c.waits.Rows {
		got = append(got, row.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if row := c.stacks.Rows[0]; len(row.Frames) != 3 || row.Name != "in xfrm_output_resume" {
		t.Errorf("stack %+v", row)
	}
	lines := c.findLines(n, map[uint32]string{7: "west"})
	if len(lines) != 3 || lines[0].Row.Lock != "0xffff000000001068" || lines[0].Row.NetNS != "west" || lines[1].Inbound.NetNS != "inode 8" {
		t.Errorf("lines %+v", lines)
	}
}

// Without any probe there is nothing to name, and nothing fails.
func TestNamingNothing(t *testing.T) {
	c := &counted{}
	n := newNaming(c, nil, perCPU{}, nil, false)
	c.name(n)
	if len(c.lockLines()) != 0 || len(c.findLines(n, nil)) != 0 || n.name("0x10") != "" {
		t.Error("made something of nothing")
	}
}

func TestPhases(t *testing.T) {
	plan := bundle.Plan{DurationNS: 20e9, Probes: Probes()}
	want := []string{"none-0", "wait", "none-1", "count", "none-2", "time", "none-3", "find", "none-4", "stacks", "none-5"}
	if got := phaseNames(plan); !slices.Equal(got, want) {
		t.Errorf("phases %q", got)
	}
	for _, test := range []struct {
		phase, duration time.Duration
		probe, free     time.Duration
	}{{0, 20e9, 2e9, 1e9}, {0, 1e9, 1e9, 5e8}, {4e9, 1e9, 4e9, 2e9}} {
		plan := bundle.Plan{DurationNS: 1, PhaseNS: 0}
		plan.PhaseNS, plan.DurationNS = test.phase, test.duration
		if phaseLength(plan, "count") != test.probe || phaseLength(plan, "none-1") != test.free {
			t.Errorf("phase %v of a run of %v: %v, %v", plan.PhaseNS, plan.DurationNS, phaseLength(plan, "count"), phaseLength(plan, "none-1"))
		}
	}
}

func TestSentBetween(t *testing.T) {
	sa := func(spi uint32, dir string, packets, oseq uint64) bundle.SA {
		return bundle.SA{Proto: "esp", SPI: spi, Dir: dir, Packets: packets, OSeq: oseq}
	}
	tests := []struct {
		name          string
		before, after []bundle.SA
		packets       uint64
		counted       bool
	}{
		{"none", nil, nil, 0, false},
		{"inbound", []bundle.SA{sa(1, "in", 1, 0)}, []bundle.SA{sa(1, "in", 9, 0)}, 0, false},
		{"outbound", []bundle.SA{sa(1, "out", 1, 1), sa(2, "out", 0, 0)}, []bundle.SA{sa(1, "out", 9, 9), sa(2, "out", 0, 0)}, 8, true},
		{"new", nil, []bundle.SA{sa(1, "out", 9, 9)}, 9, true},
		{"anew", []bundle.SA{sa(1, "out", 10, 1)}, []bundle.SA{sa(1, "out", 9, 9)}, 9, true},
		{"by the sequence number", []bundle.SA{sa(1, "", 1, 1), sa(2, "", 1, 0)}, []bundle.SA{sa(1, "", 5, 5), sa(2, "", 7, 0)}, 4, true},
	}
	for _, test := range tests {
		if packets, counted := sentBetween(test.before, test.after); packets != test.packets || counted != test.counted {
			t.Errorf("%s: %d packets, counted %t", test.name, packets, counted)
		}
	}
}

// What an SA carried that was deleted in between is not known.
func TestDeletedBetween(t *testing.T) {
	cpu := uint32(3)
	there := bundle.SA{NetNS: "west", SPI: 1, Dir: "out"}
	before := []bundle.SA{there, {NetNS: "west", SPI: 2, Dir: "out", PCPU: &cpu}, {NetNS: "west", SPI: 3, OSeq: 9},
		{NetNS: "west", SPI: 4, Dir: "in"}, {NetNS: "west", SPI: 5, Dir: "out", Larval: true}, {NetNS: "east", SPI: 6, Dir: "out"}}
	if got := deletedBetween(before, []bundle.SA{there}); !slices.Equal(got, []string{"0x2 of CPU 3", "0x3"}) {
		t.Errorf("%q were deleted, want 0x2 and 0x3: not an inbound or a larval one, nor one of a namespace that was not read", got)
	}
}

func TestSentWithin(t *testing.T) {
	read := func(at int64, packets uint64) saRead {
		return saRead{at, []bundle.SA{{Proto: "esp", SPI: 1, Dir: "out", Packets: packets}}}
	}
	tests := []struct {
		name  string
		reads []saRead
		want  uint64
		edge  uint64
	}{
		{"in the middle", []saRead{read(90, 0), read(110, 20), read(190, 100), read(210, 120)}, 100, 40},
		{"at once", []saRead{read(100, 0), read(100, 0), read(200, 100), read(200, 100)}, 100, 0},
		{"late to start", []saRead{read(100, 0), read(140, 40), read(200, 100), read(200, 100)}, 100, 40},
		{"late to end", []saRead{read(100, 0), read(100, 0), read(180, 80), read(220, 120)}, 100, 40},
		{"none within", []saRead{read(90, 0), read(215, 125)}, 100, 0},
	}
	for _, test := range tests {
		if got, counted := sentWithin(bundle.Window{StartNS: 100, EndNS: 200}, test.reads); got != test.want || !counted {
			t.Errorf("%s: %d, %t", test.name, got, counted)
		}
		if edge := sentAtEnds(test.reads); edge != test.edge {
			t.Errorf("%s: %d at the ends", test.name, edge)
		}
	}
}
