package perfdata

import "unsafe"

// Context markers in Sample.Chain: the addresses after one belong to that context until the next
// (include/uapi/linux/perf_event.h enum perf_callchain_context, 7.2). ContextMode knows them all.
const (
	ContextKernel = ^uint64(0) - 128 + 1
	ContextUser   = ^uint64(0) - 512 + 1

	// ContextMax is the least value that is a marker, not an address.
	ContextMax = ^uint64(0) - 4095 + 1

	contextHV           = ^uint64(0) - 32 + 1
	contextUserDeferred = ^uint64(0) - 640 + 1
	contextGuest        = ^uint64(0) - 2048 + 1
	contextGuestKernel  = ^uint64(0) - 2176 + 1
	contextGuestUser    = ^uint64(0) - 2560 + 1
)

// A Mode says whose code an address is in (PERF_RECORD_MISC_CPUMODE_MASK); 0 is not known.
type Mode uint8

// The modes; see IsGuest for those of a virtual machine.
const (
	ModeKernel     Mode = 1
	ModeUser       Mode = 2
	ModeHypervisor Mode = 3

	modeGuestKernel Mode = 4
	modeGuestUser   Mode = 5
	modeMask             = 7
)

// IsGuest reports whether the code is inside a virtual machine.
func (m Mode) IsGuest() bool { return m == modeGuestKernel || m == modeGuestUser }

func (m Mode) isKernel() bool { return m == ModeKernel || m == modeGuestKernel }

// ContextMode returns the mode of the addresses behind a marker; ok is false for a value of ContextMax or above that is
// none. That comes from a user stack that was no stack (a frame pointer that pointed at other data): no address, and
// what follows it is not to be trusted. perf then drops the whole chain, the kernel's part too
// (tools/perf/util/machine.c add_callchain_ip, 6.1).
func ContextMode(marker uint64) (m Mode, ok bool) {
	switch marker {
	case ContextKernel:
		return ModeKernel, true
	case ContextUser, contextUserDeferred:
		return ModeUser, true
	case contextHV:
		return ModeHypervisor, true
	case contextGuestKernel:
		return modeGuestKernel, true
	case contextGuest, contextGuestUser:
		return modeGuestUser, true
	}
	return 0, false
}

// A Sample is a view of one sample, valid until the callback it was given to returns: copy what is to be kept. Fields
// the event does not record are -1 (CPU, PID, TID) or 0.
type Sample struct {
	Event *Event

	IP       uint64
	TimeNS   uint64
	Period   uint64 // in Event.Unit: PERIOD, or how far a counter that is read came, or the fixed period
	PID, TID int32
	CPU      int32
	Mode     Mode // whose code IP is

	// Chain is the call chain, LEAF FIRST, context markers included; nil if the event records none. Addresses after
	// the first of a context are return addresses: look up the address minus one.
	Chain []uint64

	owner *Event // whose attr laid out the record: the group's leader, for its members
	rec   []byte
	o     order
	tail  tailOffsets

	traced *Access // what a trace says, nil of a sample that is a record
}

// tailOffsets is where fields after the call chain begin in the record, 0 for those absent.
type tailOffsets struct {
	raw, branch, weight, dataSrc, physAddr int32
	branchIndex, branchCounters            bool // what this sample's branch stack holds
}

// setFixed reads the fields of fixed place.
func (s *Sample) setFixed(l *layout) {
	rec, o := s.rec, s.o
	s.Mode = Mode(o.u16(rec[4:]) & modeMask)
	s.IP, s.TimeNS, s.PID, s.TID, s.CPU, s.Period = 0, 0, -1, -1, -1, l.fixedPeriod
	if l.ip >= 0 {
		s.IP = o.u64(rec[l.ip:])
	}
	if l.tid >= 0 {
		s.PID, s.TID = int32(o.u32(rec[l.tid:])), int32(o.u32(rec[l.tid+4:]))
	}
	if l.time >= 0 {
		s.TimeNS = o.u64(rec[l.time:])
	}
	if l.cpu >= 0 {
		s.CPU = int32(o.u32(rec[l.cpu:]))
	}
	if l.period >= 0 {
		s.Period = o.u64(rec[l.period:])
	}
}

// walkTail finds the fields from READ on, sets the chain and reports whether all lie inside the record.
func (s *Sample) walkTail(l *layout, scratch *[]uint64) bool {
	at := l.fixedEnd
	s.Chain = nil
	if l.hasRead {
		if at = l.readEnd(s.rec, s.o); at < 0 {
			return false
		}
	}
	if l.hasChain {
		if at+8 > len(s.rec) {
			return false
		}
		n := s.o.u64(s.rec[at:])
		at += 8
		if n > uint64(len(s.rec)-at)/8 {
			return false
		}
		s.Chain = words(s.rec[at:at+8*int(n)], s.o, scratch)
		at += 8 * int(n)
	}
	if l.hasTail {
		return s.walkRare(l, at)
	}
	return true
}

// words returns b as u64s: where they lie if the recording has the byte order and alignment of this machine, else in
// *scratch.
func words(b []byte, o order, scratch *[]uint64) []uint64 {
	if len(b) < 8 {
		return []uint64{}
	}
	p := unsafe.Pointer(unsafe.SliceData(b))
	if o.native() && uintptr(p)%unsafe.Alignof(uint64(0)) == 0 {
		return unsafe.Slice((*uint64)(p), len(b)/8)
	}
	list := (*scratch)[:0]
	for ; len(b) >= 8; b = b[8:] {
		list = append(list, o.u64(b))
	}
	*scratch = list
	return list
}

// walkRare finds the fields after the call chain. A kernel without a branch stack for the sample writes nr = 0 and
// nothing more, even if hw_idx was asked for, and counters only where the hardware gave some (kernel/events/core.c
// perf_output_sample, 6.12), so what a branch stack holds is told by which reading ends where the record does.
func (s *Sample) walkRare(l *layout, at int) bool {
	if l.tail&sampleBranchStack == 0 || !l.branchHW && !l.branchCtr {
		return s.walkFields(l, at) >= 0
	}
	best := -1
	for _, try := range [...]struct{ index, counters bool }{{true, true}, {true, false}, {false, true},
		{false, false}} {
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

// walkFields walks the fields in the order of perf_output_sample and returns where they end, -1 if that is outside the
// record.
func (s *Sample) walkFields(l *layout, at int) int {
	var skipped int32 // where a field stands that nobody asks for
	t := &s.tail
	for _, field := range [...]struct {
		bits uint64
		off  *int32
		size func(*layout, []byte) int
	}{
		{sampleRaw, &t.raw, s.rawSize},
		{sampleBranchStack, &t.branch, s.branchSize},
		{sampleRegsUser, &skipped, func(l *layout, b []byte) int { return s.regsSize(b, l.regsUser) }},
		{sampleStackUser, &skipped, s.stackSize},
		{sampleWeight | sampleWeightStruct, &t.weight, oneWord},
		{sampleDataSrc, &t.dataSrc, oneWord},
		{sampleTransaction, &skipped, oneWord},
		{sampleRegsIntr, &skipped, func(l *layout, b []byte) int { return s.regsSize(b, l.regsIntr) }},
		{samplePhysAddr, &t.physAddr, oneWord},
		{sampleCgroup, &skipped, oneWord},
		{sampleDataPageSize, &skipped, oneWord},
		{sampleCodePageSize, &skipped, oneWord},
		{sampleAux, &skipped, s.auxSize},
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
