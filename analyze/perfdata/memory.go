package perfdata

import (
	"strings"

	"xfrmscope/collect/bundle"
)

// Memory reports whether the samples are memory accesses chosen for what they are, not for when they happen: perf mem,
// perf c2c, IBS with data sources. Cycles recorded with data addresses (perf record -d) are none.
func (e *Event) Memory() bool {
	if e.IsDummy() || !e.attr.has(sampleAddr) || !e.attr.has(sampleDataSrc) {
		return false
	}
	ibs := strings.HasPrefix(e.Name, "ibs_op/")
	return ibs || !bundle.SamplesTime(e.Name)
}

// Addr returns the data address of the access, 0 if not recorded or not known.
func (s *Sample) Addr() uint64 {
	if at := s.owner.layout.addr; at >= 0 {
		return s.o.u64(s.rec[at:])
	}
	return 0
}

// PhysAddr returns the physical address of the access, 0 if not recorded or not known.
func (s *Sample) PhysAddr() uint64 { return s.word(s.tail.physAddr) }

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

// A Weight is what an access cost. On CPUs that split it (Split), Latency is the memory latency in cycles; else
// Full is one number of the CPU's choosing, cycles of latency as a rule.
type Weight struct {
	Full    uint64
	Split   bool
	Latency uint32
}

// Weight returns the sample's WEIGHT or WEIGHT_STRUCT; zero if it has none.
func (s *Sample) Weight() Weight {
	w := Weight{Full: s.word(s.tail.weight)}
	if s.owner.attr.SampleType&sampleWeightStruct != 0 {
		w.Split, w.Latency = true, uint32(w.Full)
	}
	return w
}

// A DataSrc says where the data of a memory access came from (union perf_mem_data_src, include/uapi/linux/perf_event.h,
// 7.2; the same value on either byte order).
type DataSrc uint64

// DataSrc returns the sample's DATA_SRC, 0 if it has none.
func (s *Sample) DataSrc() DataSrc { return DataSrc(s.word(s.tail.dataSrc)) }

// Load reports whether the access read.
func (d DataSrc) Load() bool { return d>>1&1 != 0 }

// Store reports whether the access wrote. AMD calls a locked read-modify-write a load that is locked.
func (d DataSrc) Store() bool { return d>>2&1 != 0 }

// Locked reports whether the instruction was locked.
func (d DataSrc) Locked() bool { return d>>25&1 != 0 }

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
