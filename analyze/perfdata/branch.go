package perfdata

import "iter"

// A Branch is one entry of a branch stack (include/uapi/linux/perf_event.h
// struct perf_branch_entry, 7.2), the most recent first.
type Branch struct {
	From, To     uint64
	Mispredicted bool
	Predicted    bool
	InTx, Abort  bool
	Cycles       uint16 // since the branch before; 0 if not measured
	Type         uint8  // PERF_BR_*; 15 (extended) means see NewType
	Spec         uint8  // speculation outcome, PERF_BR_SPEC_*
	NewType      uint8
	Priv         uint8  // 1 user, 2 kernel, 3 hypervisor
	Counters     uint64 // occurrences of events since the branch before, packed; see HasBranchCounters
}

// IsCallStack reports whether the event's branch stacks are call stacks the
// hardware kept (`--call-graph lbr`), not a history of branches (`-b`). Their
// user part is then in Sample.Chain.
func (e *Event) IsCallStack() bool {
	return e.Attr.Has(SampleBranchStack) && e.Attr.BranchSampleType&BranchCallStack != 0
}

// branchWords is sizeof(struct perf_branch_entry) in words.
const branchWords = 3

// Branches yields the branch stack, most recent first; nothing if the event
// records none.
func (s *Sample) Branches() iter.Seq[Branch] {
	return func(yield func(Branch) bool) {
		n, entries, counters := s.branchStack()
		for i := range n {
			b := s.branch(entries[8*branchWords*i:])
			if counters != nil {
				b.Counters = s.o.u64(counters[8*i:])
			}
			if !yield(b) {
				return
			}
		}
	}
}

// BranchCount returns the number of entries Branches yields.
func (s *Sample) BranchCount() int {
	n, _, _ := s.branchStack()
	return n
}

// BranchHWIndex returns the hardware's index of the most recent entry, which
// tells whether two samples' stacks are continuous; ok is false if it was not
// recorded.
func (s *Sample) BranchHWIndex() (index uint64, ok bool) {
	if s.tail.branch <= 0 || !s.tail.branchIndex {
		return 0, false
	}
	return s.word(s.tail.branch + 8), true
}

// HasBranchCounters reports whether Branch.Counters is recorded. How many bits
// each event has in it is Meta.PMUCaps "branch_counter_width".
func (s *Sample) HasBranchCounters() bool { return s.tail.branch > 0 && s.tail.branchCounters }

// branchStack returns the entries and counters. walkFields saw that they lie
// inside the record.
func (s *Sample) branchStack() (n int, entries, counters []byte) {
	if s.tail.branch <= 0 {
		return 0, nil, nil
	}
	b := s.rec[s.tail.branch:]
	n = int(s.o.u64(b))
	b = b[8:]
	if s.tail.branchIndex {
		b = b[8:]
	}
	entries = b[:8*branchWords*n]
	if s.tail.branchCounters {
		counters = b[len(entries) : len(entries)+8*n]
	}
	return n, entries, counters
}

// branch reads one entry: from, to, and bit fields.
func (s *Sample) branch(b []byte) Branch {
	flags := s.o.u64(b[16:])
	bit := func(off uint) bool { return s.o.bitField(flags, off, 1) != 0 }
	return Branch{
		From: s.o.u64(b), To: s.o.u64(b[8:]),
		Mispredicted: bit(0), Predicted: bit(1), InTx: bit(2), Abort: bit(3),
		Cycles:  uint16(s.o.bitField(flags, 4, 16)),
		Type:    uint8(s.o.bitField(flags, 20, 4)),
		Spec:    uint8(s.o.bitField(flags, 24, 2)),
		NewType: uint8(s.o.bitField(flags, 26, 4)),
		Priv:    uint8(s.o.bitField(flags, 30, 3)),
	}
}

// joinCallStack replaces the user part of the chain by the call stack the
// hardware kept: the newest entry's target, then where each call came from
// (tools/perf/util/machine.c resolve_lbr_callchain_sample, 6.1). It needs the
// kernel's mark of where the user part begins.
func (s *Sample) joinCallStack(scratch *[]uint64) {
	n, entries, _ := s.branchStack()
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
