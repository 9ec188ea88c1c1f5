package perfdata

import "iter"

// A Branch is one entry of a branch stack (include/uapi/linux/perf_event.h struct perf_branch_entry, 7.2), the most
// recent first.
type Branch struct {
	From, To     uint64
	Mispredicted bool
	Cycles       uint16 // since the branch before; 0 if not measured
	Type         uint8  // PERF_BR_*
}

// IsCallStack reports whether the event's branch stacks are call stacks the hardware kept (`--call-graph lbr`), not a
// history of branches (`-b`). Their user part is then in Sample.Chain.
func (e *Event) IsCallStack() bool {
	return e.attr.has(sampleBranchStack) && e.attr.BranchSampleType&branchCallStack != 0
}

// branchWords is sizeof(struct perf_branch_entry) in words.
const branchWords = 3

// Branches yields the branch stack, most recent first; nothing if the event records none.
func (s *Sample) Branches() iter.Seq[Branch] {
	return func(yield func(Branch) bool) {
		n, entries := s.branchStack()
		for i := range n {
			if !yield(s.branch(entries[8*branchWords*i:])) {
				return
			}
		}
	}
}

// branch reads one entry: from, to, and bit fields.
func (s *Sample) branch(b []byte) Branch {
	flags := s.o.u64(b[16:])
	return Branch{
		From: s.o.u64(b), To: s.o.u64(b[8:]), Mispredicted: s.o.bitField(flags, 0, 1) != 0,
		Cycles: uint16(s.o.bitField(flags, 4, 16)), Type: uint8(s.o.bitField(flags, 20, 4)),
	}
}

// branchStack returns the entries. walkFields saw that they lie inside the record.
func (s *Sample) branchStack() (n int, entries []byte) {
	if s.tail.branch <= 0 {
		return 0, nil
	}
	b := s.rec[s.tail.branch:]
	n = int(s.o.u64(b))
	b = b[8:]
	if s.tail.branchIndex {
		b = b[8:]
	}
	return n, b[:8*branchWords*n]
}

// joinCallStack replaces the user part of the chain by the call stack the hardware kept: the newest entry's target,
// then where each call came from (tools/perf/util/machine.c resolve_lbr_callchain_sample, 6.1). It needs the kernel's
// mark of where the user part begins.
func (s *Sample) joinCallStack(scratch *[]uint64) {
	n, entries := s.branchStack()
	if n == 0 {
		return
	}
	for i, a := range s.Chain {
		if a != ContextUser {
			continue
		}
		joined := append((*scratch)[:0], s.Chain[:i+1]...)
		joined = append(joined, s.o.u64(entries[8:]))
		for j := range n {
			joined = append(joined, s.o.u64(entries[8*branchWords*j:]))
		}
		*scratch = joined
		s.Chain = joined
		return
	}
}
