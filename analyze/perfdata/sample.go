package perfdata

import "unsafe"

// Context markers in Sample.Chain: the addresses after one belong to that
// context until the next (include/uapi/linux/perf_event.h enum
// perf_callchain_context, 7.2).
const (
	ContextHV           = ^uint64(0) - 32 + 1
	ContextKernel       = ^uint64(0) - 128 + 1
	ContextUser         = ^uint64(0) - 512 + 1
	ContextUserDeferred = ^uint64(0) - 640 + 1
	ContextGuest        = ^uint64(0) - 2048 + 1
	ContextGuestKernel  = ^uint64(0) - 2176 + 1
	ContextGuestUser    = ^uint64(0) - 2560 + 1

	// ContextMax is the least value that is a marker, not an address.
	ContextMax = ^uint64(0) - 4095 + 1
)

// IsContext reports whether a is a marker the kernel writes. A value of
// ContextMax or above that is none comes from a user stack that was no stack
// (a frame pointer that pointed at other data): no address, and what follows it
// is not to be trusted. perf then drops the whole chain, the kernel's part too
// (tools/perf/util/machine.c add_callchain_ip, 6.1).
func IsContext(a uint64) bool {
	switch a {
	case ContextHV, ContextKernel, ContextUser, ContextUserDeferred, ContextGuest, ContextGuestKernel, ContextGuestUser:
		return true
	}
	return false
}

// A Sample is a view of one sample, valid until the callback it was given to
// returns: copy what is to be kept. Fields the event does not record are -1
// (CPU, PID, TID) or 0; the SampleType of the event (for a member of a group
// read: of its leader) tells which it records.
type Sample struct {
	Event  *Event
	Offset int64 // of the record in its stream, for messages

	IP       uint64
	TimeNS   uint64
	Period   uint64 // in Event.Unit: PERIOD, or the growth of the counter for events that read counters, or Attr.SamplePeriod
	PID, TID int32
	CPU      int32
	Misc     uint16 // Misc&MiscCPUModeMask says whose code IP is

	// Chain is the call chain, LEAF FIRST, context markers included; nil if
	// the event records none. Addresses after the first of a context are
	// return addresses: look up the address minus one.
	Chain []uint64

	owner *Event // whose attr laid out the record: the group's leader, for its members
	rec   []byte
	o     order
	tail  tailOffsets
}

// tailOffsets is where the fields after the call chain begin in the record, 0
// for those absent.
type tailOffsets struct {
	read, raw, branch, regsUser, stackUser, weight, dataSrc, transaction, regsIntr, physAddr, cgroup, dataPage, codePage, aux int32
	branchIndex, branchCounters                                                                                               bool // what this sample's branch stack holds
}

// walkTail finds the fields from READ on, sets the chain and reports whether
// all lie inside the record.
func (s *Sample) walkTail(l *layout, scratch *[]uint64) bool {
	at := l.fixedEnd
	s.Chain = nil
	if l.hasRead {
		s.tail.read = int32(at)
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

// words returns b as u64s: where they lie if the recording has the byte order
// and alignment of this machine, else in *scratch.
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
