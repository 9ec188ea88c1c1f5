package perfdata

// IsCallStack reports whether the event's branch stacks are call stacks the hardware kept (`--call-graph lbr`), not a
// history of branches (`-b`). Their user part is then in Sample.Chain.
func (e *Event) IsCallStack() bool {
	return e.attr.has(sampleBranchStack) && e.attr.BranchSampleType&branchCallStack != 0
}

// branchWords is sizeof(struct perf_branch_entry) in words.
const branchWords = 3

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
