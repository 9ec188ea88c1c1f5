package perfdata

import "iter"

// walkRare finds the fields after the call chain. A kernel without a branch
// stack for the sample writes nr = 0 and nothing more, even if hw_idx was
// asked for, and counters only where the hardware gave some
// (kernel/events/core.c perf_output_sample, 6.12), so what a branch stack
// holds is told by which reading ends where the record does.
func (s *Sample) walkRare(l *layout, at int) bool {
	if l.tail&SampleBranchStack == 0 || !l.branchHW && !l.branchCtr {
		return s.walkFields(l, at) >= 0
	}
	best := -1
	for _, try := range [...]struct{ index, counters bool }{{true, true}, {true, false}, {false, true}, {false, false}} {
		if try.index && !l.branchHW || try.counters && !l.branchCtr {
			continue
		}
		s.tail.branchIndex, s.tail.branchCounters = try.index, try.counters
		end := s.walkFields(l, at)
		if end == len(s.rec) {
			return true
		}
		best = max(best, end)
	}
	s.tail.branchIndex, s.tail.branchCounters = l.branchHW, l.branchCtr
	return best >= 0 && s.walkFields(l, at) >= 0
}

// walkFields walks the fields in the order of perf_output_sample and returns
// where they end, -1 if that is outside the record.
func (s *Sample) walkFields(l *layout, at int) int {
	t := &s.tail
	for _, field := range [...]struct {
		bits uint64
		off  *int32
		size func(*layout, []byte) int
	}{
		{SampleRaw, &t.raw, s.rawSize},
		{SampleBranchStack, &t.branch, s.branchSize},
		{SampleRegsUser, &t.regsUser, func(l *layout, b []byte) int { return s.regsSize(b, l.regsUser) }},
		{SampleStackUser, &t.stackUser, s.stackSize},
		{SampleWeight | SampleWeightStruct, &t.weight, oneWord},
		{SampleDataSrc, &t.dataSrc, oneWord},
		{SampleTransaction, &t.transaction, oneWord},
		{SampleRegsIntr, &t.regsIntr, func(l *layout, b []byte) int { return s.regsSize(b, l.regsIntr) }},
		{SamplePhysAddr, &t.physAddr, oneWord},
		{SampleCgroup, &t.cgroup, oneWord},
		{SampleDataPageSize, &t.dataPage, oneWord},
		{SampleCodePageSize, &t.codePage, oneWord},
		{SampleAux, &t.aux, s.auxSize},
	} {
		if l.tail&field.bits == 0 {
			continue
		}
		b := s.rec[at:]
		if len(b) < 8 {
			return -1
		}
		*field.off = int32(at)
		n := field.size(l, b)
		if n < 0 || n > len(b) {
			return -1
		}
		at += n
	}
	return at
}

func oneWord(*layout, []byte) int { return 8 }

// rawSize: u32 size, data, padded so that the field is whole u64s.
func (s *Sample) rawSize(_ *layout, b []byte) int {
	return (4 + int(min(s.o.u32(b), maxRecord)) + 7) &^ 7
}

// branchSize: u64 nr, [u64 hw_idx], nr entries of 24 bytes, [nr counters].
func (s *Sample) branchSize(_ *layout, b []byte) int {
	n := s.o.u64(b)
	if n > uint64(len(b)/24) {
		return -1
	}
	size := 8 + 24*int(n)
	if s.tail.branchIndex {
		size += 8
	}
	if s.tail.branchCounters {
		size += 8 * int(n)
	}
	return size
}

// regsSize: u64 abi, registers unless abi is 0.
func (s *Sample) regsSize(b []byte, regs int) int {
	if s.o.u64(b) == 0 {
		return 8
	}
	return 8 + regs
}

// stackSize: u64 size, then, unless it is 0, the bytes and u64 dyn_size.
func (s *Sample) stackSize(_ *layout, b []byte) int {
	n := s.o.u64(b)
	switch {
	case n == 0:
		return 8
	case n > uint64(len(b)):
		return -1
	}
	return 8 + int(n) + 8
}

// auxSize: u64 size, data.
func (s *Sample) auxSize(_ *layout, b []byte) int {
	n := s.o.u64(b)
	if n > uint64(len(b)-8) {
		return -1
	}
	return 8 + int(n)
}

func (s *Sample) word(at int32) uint64 {
	if at <= 0 {
		return 0
	}
	return s.o.u64(s.rec[at:])
}

func (s *Sample) fixed(at int) uint64 {
	if at < 0 {
		return 0
	}
	return s.o.u64(s.rec[at:])
}

// Addr returns the data address of the event, 0 if not recorded.
func (s *Sample) Addr() uint64 { return s.fixed(s.owner.layout.addr) }

// ID returns the id of the event's instance: which CPU's counter this was. 0
// if not recorded.
func (s *Sample) ID() uint64 { return s.fixed(s.owner.layout.idPos) }

// StreamID returns the id of the instance that was inherited from; 0 if not
// recorded.
func (s *Sample) StreamID() uint64 { return s.fixed(s.owner.layout.stream) }

// Transaction returns the transaction flags (PERF_TXN_*), 0 if not recorded.
func (s *Sample) Transaction() uint64 { return s.word(s.tail.transaction) }

// PhysAddr returns the physical address of the access, 0 if not recorded.
func (s *Sample) PhysAddr() uint64 { return s.word(s.tail.physAddr) }

// Cgroup returns the cgroup id, see Sideband.Cgroups; 0 if not recorded.
func (s *Sample) Cgroup() uint64 { return s.word(s.tail.cgroup) }

// DataPageSize returns the size in bytes of the page Addr is on, 0 if not
// recorded.
func (s *Sample) DataPageSize() uint64 { return s.word(s.tail.dataPage) }

// CodePageSize returns the size in bytes of the page IP is on, 0 if not
// recorded.
func (s *Sample) CodePageSize() uint64 { return s.word(s.tail.codePage) }

// Raw returns the RAW payload, padding included, nil if not recorded: a
// tracepoint's record, or what the PMU adds. Numbers are in Meta.ByteOrder.
func (s *Sample) Raw() []byte {
	if s.tail.raw <= 0 {
		return nil
	}
	b := s.rec[s.tail.raw:]
	n := min(int64(s.o.u32(b)), int64(len(b)-4))
	return b[4 : 4+n]
}

// Reads yields the counters the sample read, the leader's first; none if the
// event reads none. Period already has the difference.
func (s *Sample) Reads() iter.Seq[ReadValue] {
	if s.tail.read <= 0 {
		return func(func(ReadValue) bool) {}
	}
	return s.owner.layout.readValues(s.rec, s.o)
}

// UserStackBytes returns how many bytes of the user stack were copied into the
// sample (`--call-graph dwarf`). This package does not unwind them.
func (s *Sample) UserStackBytes() uint64 { return s.word(s.tail.stackUser) }
