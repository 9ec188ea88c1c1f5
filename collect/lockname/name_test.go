package lockname

import (
	"slices"
	"testing"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
	"xfrmscope/collect/procfs"
)

func TestName(t *testing.T) {
	pcpu := 3
	locks := []string{
		"0xffff000000001068", // x->lock
		"0xffff000000001070",
		"0xffff000000002068",
		"0xffff000000003f00", // a field of a namespace
		"0xffff000000003f04",
		"0xffff800000200140", // CPU 1's copy
		"0xffffffff81000010", // a variable
		"0xffff00000000aaa0", // somebody's, known by who waits
		"0xffff00000000bbb0", // nobody knows
	}
	stacks := []bundle.StackRow{
		{
			Lock: "0xffff00000000aaa0", Count: 2,
			Frames: []string{"0xffffffffc0000004", "0xffffffff80000104", "0xffffffff80000204",
				"0xffffffff80000304"},
		},
		{
			Lock: "0xffff00000000aaa0", Count: 1,
			Frames: []string{"0xffffffff80000104", "0xffffffff80000204", "0xffffffff80000404"},
		},
	}
	n := New(Sources{
		Layouts: []bundle.StructLayout{
			{Struct: "xfrm_state", Size: 0x100, Fields: []bundle.StructField{
				{Name: "lock", Offset: 0x68, Size: 4},
				{Name: "pcpu_num", Offset: 0x6c, Size: 4},
				{Name: "id.daddr", Offset: 0x70, Size: 16},
			}},
			{Struct: "net", Size: 0x1000, Fields: []bundle.StructField{
				{Name: "xfrm.xfrm_state_lock", Offset: 0xf00, Size: 4},
				{Name: "xfrm.other", Offset: 0xf02, Size: 8},
			}},
		},
		PerCPU: PerCPU{
			start: 0x1000, end: 0x9000,
			offsets: []uint64{0xffff800000100000 - 0x1000, 0xffff800000200000 - 0x1000},
		},
		States: []probe.State{
			{CPU: 3, Address: 0xffff000000001000, Net: 0xffff000000003000, NetNS: 7, SPI: 0x1001,
				PCPU: &pcpu},
			{CPU: 3, Address: 0xffff000000002000, Net: 0xffff000000004000, NetNS: 8, SPI: 0x1002,
				Inbound: true},
			{CPU: 3, Address: 0xffff000000001000, Net: 0xffff000000003000, NetNS: 7, SPI: 0x1001,
				PCPU: &pcpu, Inbound: true},
		},
		Namespaces: map[uint32]string{7: "west"}, Locks: locks, Stacks: stacks,
	})
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
	n.Callers(stacks)
	want := []string{
		"x->lock SPI 0x1001 pcpu 3", "x->id.daddr SPI 0x1001 pcpu 3", "x->lock SPI 0x1002 inbound",
		"net->xfrm.xfrm_state_lock of west", "net->xfrm.other+0x2 of west",
		"rt_uncached_list+0x40 of CPU 1", "tasklist_lock+0x10", "in xfrm_output_resume", "",
	}
	var got []string
	for _, lock := range locks {
		got = append(got, n.ID(lock).String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if len(stacks[0].Frames) != 3 {
		t.Errorf("stack %+v", stacks[0])
	}
	if ns := n.NetNS(8); ns != "inode 8" {
		t.Errorf("a namespace of no name: %q", ns)
	}
}

// Without any probe there is nothing to name, and nothing fails.
func TestNameNothing(t *testing.T) {
	if id := New(Sources{}).ID("0x10"); id.Kind != "" {
		t.Errorf("made %+v of nothing", id)
	}
}

func TestNearest(t *testing.T) {
	near := newNearest([]uint64{0xffffffffb007c840, 0xffffffffb107c840, 0xff330dca83901a6c, 0xffffffffaf206080})
	for s, err := range procfs.Root("../procfs/testdata/guest").Symbols() {
		if err != nil {
			t.Fatal(err)
		}
		near.offer(s)
	}
	var names []string
	for _, addr := range near.addrs {
		names = append(names, near.name(addr))
	}
	if want := []string{"", "tasklist_lock", "init_net+0x40", ""}; !slices.Equal(names, want) {
		t.Errorf("locks %q, want %q", names, want)
	}
}
