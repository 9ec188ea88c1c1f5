package perfdata

import "iter"

// A branch is one entry of a branch stack (include/uapi/linux/perf_event.h struct perf_branch_entry, 7.2), the most
// recent first.
type branch struct {
	From, To     uint64
	Mispredicted bool
	Cycles       uint16 // since the branch before; 0 if not measured
	Type         uint8  // PERF_BR_*
}

// branches yields the branch stack, most recent first; nothing if the event records none.
func (s *Sample) branches() iter.Seq[branch] {
	return func(yield func(branch) bool) {
		n, entries := s.branchStack()
		for i := range n {
			if !yield(s.branch(entries[8*branchWords*i:])) {
				return
			}
		}
	}
}

// branch reads one entry: from, to, and bit fields.
func (s *Sample) branch(b []byte) branch {
	flags := s.o.u64(b[16:])
	return branch{
		From: s.o.u64(b), To: s.o.u64(b[8:]), Mispredicted: s.o.bitField(flags, 0, 1) != 0,
		Cycles: uint16(s.o.bitField(flags, 4, 16)), Type: uint8(s.o.bitField(flags, 20, 4)),
	}
}
