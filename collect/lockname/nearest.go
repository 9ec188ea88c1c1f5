package lockname

import (
	"fmt"
	"slices"

	"xfrmscope/collect/procfs"
)

// nearest finds, of all symbols it is offered, the last at or below each of its
// addresses. The zero value has no addresses.
type nearest struct {
	addrs []uint64 // sorted
	found map[uint64]procfs.Symbol
}

// maxOffset is how far behind a symbol an address may lie: in a structure, in an
// array such as a hash table's, in a function.
const maxOffset = 16 << 10

func newNearest(addrs []uint64) *nearest {
	n := &nearest{addrs: slices.Clone(addrs), found: make(map[uint64]procfs.Symbol)}
	slices.Sort(n.addrs)
	n.addrs = slices.Compact(n.addrs)
	return n
}

// offer compares a symbol with every address just behind it. Of equals the first
// wins.
func (n *nearest) offer(s procfs.Symbol) {
	i, _ := slices.BinarySearch(n.addrs, s.Addr)
	for ; i < len(n.addrs) && n.addrs[i]-s.Addr < maxOffset; i++ {
		if best, ok := n.found[n.addrs[i]]; !ok || best.Addr < s.Addr {
			n.found[n.addrs[i]] = s
		}
	}
}

// name returns the symbol of an address, with the offset from it: "futex_queues",
// "futex_queues+0x40"; "" if there is none.
func (n *nearest) name(addr uint64) string {
	s, ok := n.found[addr]
	switch {
	case !ok:
		return ""
	case s.Addr == addr:
		return s.Name
	}
	return fmt.Sprintf("%s+%#x", s.Name, addr-s.Addr)
}

// function returns the symbol of an address in code, "" if there is none.
func (n *nearest) function(addr uint64) string {
	if s, ok := n.found[addr]; ok && s.IsText() {
		return s.Name
	}
	return ""
}
