package perfdata

import (
	"strings"

	"xfrmscope/collect/bundle"
)

// Memory reports whether the samples are memory accesses chosen for what they are, not for when they happen: perf mem,
// perf c2c, IBS with data sources, SPE. Cycles recorded with data addresses (perf record -d) are none.
func (e *Event) Memory() bool {
	if e.spe {
		return true
	}
	if e.IsDummy() || !e.attr.has(sampleAddr) || !e.attr.has(sampleDataSrc) {
		return false
	}
	ibs := strings.HasPrefix(e.Name, "ibs_op/")
	return ibs || !bundle.SamplesTime(e.Name)
}

// An Access is what a sample says of one access to memory: one of a recording, or of a text that perf made of one.
type Access struct {
	Event      string
	IP, Period uint64
	CPU        int32  // -1 if not known
	Addr, Phys uint64 // of the data; 0 if not recorded or not known
	Latency    uint64 // cycles of the CPU's choosing; 0 if not known
	Source     DataSrc
	Write      bool   // by Source, or by what the PMU itself recorded, which knows of a load whether it also wrote
	Function   string // at IP, as a text calls it; "" in a recording

	// SourceUnknown: this reader does not know the CPU's data sources, and Source is what its events say.
	SourceUnknown bool
}

// Access returns the access that a sample of an Event.Memory is of.
func (s *Sample) Access(m *Meta) Access {
	if s.traced != nil {
		return *s.traced
	}
	a := Access{Event: s.Event.Name, IP: s.IP, Period: s.Period, CPU: s.CPU, Addr: s.addr(),
		Phys: s.word(s.tail.physAddr), Latency: s.latency(), Source: DataSrc(s.word(s.tail.dataSrc))}
	a.Write = a.Source.Writes()
	if writes, ok := s.ibsWrites(m); ok { // which the data source drops of a load
		a.Write = writes
	}
	return a
}

// addr returns the data address of the access, 0 if not recorded or not known.
func (s *Sample) addr() uint64 {
	if at := s.owner.layout.addr; at >= 0 {
		return s.o.u64(s.rec[at:])
	}
	return 0
}

// Raw returns the RAW payload, padding included, nil if not recorded: a tracepoint's record, or what the PMU adds.
func (s *Sample) Raw() []byte {
	if s.tail.raw <= 0 {
		return nil
	}
	b := s.rec[s.tail.raw:]
	n := min(int64(s.o.u32(b)), int64(len(b)-4))
	return b[4 : 4+n]
}

// word returns the field at a place in the record, 0 if it has none.
func (s *Sample) word(at int32) uint64 {
	if at <= 0 {
		return 0
	}
	return s.o.u64(s.rec[at:])
}

// latency returns what an access cost, 0 if that is not recorded. CPUs that split it (WEIGHT_STRUCT) have the latency
// of the memory in the lower half, others one number of the CPU's choosing, cycles of latency as a rule.
func (s *Sample) latency() uint64 {
	w := s.word(s.tail.weight)
	if s.owner.attr.SampleType&sampleWeightStruct != 0 {
		w = uint64(uint32(w))
	}
	return w
}

// A DataSrc says where the data of a memory access came from (union perf_mem_data_src, include/uapi/linux/perf_event.h,
// 7.2; the same value on either byte order).
type DataSrc uint64

// Load reports whether the access read.
func (d DataSrc) Load() bool { return d>>1&1 != 0 }

// Store reports whether the access is called a store.
func (d DataSrc) Store() bool { return d>>2&1 != 0 }

// Writes reports whether the access wrote: a locked read-modify-write is a load that is locked on AMD.
func (d DataSrc) Writes() bool { return d.Store() || d>>25&1 != 0 }

// HitModified reports whether another core held the line modified: the mark of a line that bounces.
func (d DataSrc) HitModified() bool { return d>>23&1 != 0 }

// Peer reports whether the line was another core's without saying that it was modified (SNOOPX FWD or PEER).
func (d DataSrc) Peer() bool { return d>>38&3 != 0 }

// OtherCache reports whether the older half of the value says that another core's cache answered: PERF_MEM_LVL_REM_CCE1
// and _REM_CCE2. Coarse encodings of AMD set it beside L3, and then it may be the same CCX.
func (d DataSrc) OtherCache() bool { return d>>15&3 != 0 }

// Level returns PERF_MEM_LVLNUM_* of where the access was answered: 1..4 the caches L1 to L4, 12 a fill buffer, 13 RAM.
func (d DataSrc) Level() uint8 { return uint8(d >> 33 & 15) }

// Remote reports whether that level was not the core's own, Hops how far it is: 1 another core of the node, 2 another
// node of the socket, 3 another socket.
func (d DataSrc) Remote() bool { return d>>37&1 != 0 }

// Hops: see Remote.
func (d DataSrc) Hops() uint8 { return uint8(d >> 43 & 7) }

// ibsWrites reports whether an op that AMD's ibs_op sampled wrote memory, as the raw part of the sample says: a word of
// capabilities, then the MSRs that the kernel read, IBS_OP_DATA3 the fifth (arch/x86/events/amd/ibs.c
// perf_ibs_handle_irq, 6.12). ok is false of samples without it.
func (s *Sample) ibsWrites(m *Meta) (writes, ok bool) {
	const at, load, store, locked = 4 + 4*8, 1 << 0, 1 << 1, 1 << 15
	raw := s.Raw()
	if m.pmus[s.owner.attr.Type] != "ibs_op" || len(raw) < at+8 {
		return false, false
	}
	v := s.o.u64(raw[at:])
	return v&store != 0 || v&locked != 0 && v&load != 0, true
}
