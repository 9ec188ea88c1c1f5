package record

import (
	"testing"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/lockname"
	"xfrmscope/collect/probe"
)

// The rows of all probes get their locks' names.
func TestCountedNames(t *testing.T) {
	const lock = "0xffff000000001068"
	c := &counted{
		waits: &probe.Waits{Rows: []bundle.LockRow{{Lock: lock}}},
		acquisitions: []*probe.Acquisitions{
			{Rows: []bundle.AcquireRow{{Lock: lock}}},
		},
		outbound: &probe.Lookups{States: []probe.State{
			{CPU: 3, Address: 0xffff000000001000, NetNS: 7, SPI: 0x1001},
		}},
		inbound: &probe.Lookups{States: []probe.State{
			{CPU: 3, Address: 0xffff000000002000, NetNS: 8, SPI: 0x1002, Inbound: true},
		}},
		stacks: &probe.StackCounts{Rows: []bundle.StackRow{{Lock: lock, Count: 2}}},
	}
	n := lockname.New(lockname.Sources{
		Layouts: []bundle.StructLayout{
			{Struct: "xfrm_state", Size: 0x100,
				Fields: []bundle.StructField{{Name: "lock", Offset: 0x68, Size: 4}}},
		},
		States: c.states(), Namespaces: map[uint32]string{7: "west"}, Locks: c.locks(), Stacks: c.stackRows(),
	})
	c.identify(n)
	for _, id := range []bundle.LockID{c.waits.Rows[0].ID, c.acquisitions[0].Rows[0].ID} {
		if id != (bundle.LockID{Kind: bundle.LockOfSA, Name: "lock", SPI: 0x1001}) {
			t.Errorf("a row's lock is %+v", id)
		}
	}
	lines := c.lookupLines(n)
	if len(lines) != 2 || lines[0].Row.Lock != lock || lines[0].Row.NetNS != "west" ||
		lines[1].Inbound.NetNS != "inode 8" {
		t.Errorf("lines %+v", lines)
	}
}

func TestCountedNothing(t *testing.T) {
	c := &counted{}
	n := lockname.New(lockname.Sources{})
	c.identify(n)
	if len(c.lockLines()) != 0 || len(c.lookupLines(n)) != 0 {
		t.Error("made something of nothing")
	}
}
