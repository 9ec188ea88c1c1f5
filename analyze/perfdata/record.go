package perfdata

import "strconv"

// A recordType is perf_event_header.type: what a record of the data section is. 1..63 come from the kernel
// (include/uapi/linux/perf_event.h, 7.2), 64 and above from perf itself (tools/lib/perf/include/perf/event.h, 7.2).
type recordType uint32

// The record types that are read.
const (
	recordMmap              recordType = 1
	recordLost              recordType = 2
	recordComm              recordType = 3
	recordThrottle          recordType = 5
	recordFork              recordType = 7
	recordSample            recordType = 9
	recordMmap2             recordType = 10
	recordAux               recordType = 11
	recordItraceStart       recordType = 12
	recordLostSamples       recordType = 13
	recordKsymbol           recordType = 17
	recordCallchainDeferred recordType = 22 // the last the kernel has

	recordHeaderAttr        recordType = 64 // the first of perf's own (PERF_RECORD_USER_TYPE_START)
	recordHeaderEventType   recordType = 65
	recordHeaderTracingData recordType = 66
	recordHeaderBuildID     recordType = 67
	recordFinishedRound     recordType = 68
	recordIDIndex           recordType = 69
	recordAuxtraceInfo      recordType = 70
	recordAuxtrace          recordType = 71
	recordAuxtraceError     recordType = 72
	recordEventUpdate       recordType = 78
	recordTimeConv          recordType = 79
	recordHeaderFeature     recordType = 80
	recordCompressed        recordType = 81
	recordCompressed2       recordType = 83
	recordSchedstatDomain   recordType = 86 // the last
)

// known reports whether some perf up to 7.2 writes records of the type.
func (t recordType) known() bool {
	return t >= recordMmap && t <= recordCallchainDeferred || t >= recordHeaderAttr && t <= recordSchedstatDomain
}

// ofPerf reports whether perf record made the record, not the kernel.
func (t recordType) ofPerf() bool { return t >= recordHeaderAttr }

// String returns perf's name of a kernel's record that is read, else "record type N".
func (t recordType) String() string {
	names := [...]string{
		recordMmap: "MMAP", recordLost: "LOST", recordComm: "COMM", recordThrottle: "THROTTLE",
		recordFork:   "FORK",
		recordSample: "SAMPLE", recordMmap2: "MMAP2", recordAux: "AUX", recordLostSamples: "LOST_SAMPLES",
		recordKsymbol: "KSYMBOL", recordCallchainDeferred: "CALLCHAIN_DEFERRED",
	}
	if int64(t) < int64(len(names)) && names[t] != "" {
		return names[t]
	}
	return "record type " + strconv.FormatUint(uint64(t), 10)
}

// Bits of perf_event_header.misc (include/uapi/linux/perf_event.h, 7.2) beside the Mode.
const (
	miscMmapData       = 1 << 13 // MMAP: not executable
	miscMmapBuildID    = 1 << 14 // MMAP2: build id in place of device and inode
	miscBuildIDSize    = 1 << 15 // BUILD_ID: the size byte is valid
	miscLostSamplesBPF = 1 << 15 // LOST_SAMPLES: dropped by a BPF filter
)

// headerSize is sizeof(struct perf_event_header).
const headerSize = 8

// maxRecord is the longest record: its size is a u16.
const maxRecord = 1<<16 - 1

// A rawRecord is one record as it stands in its stream.
type rawRecord struct {
	data []byte // header included; valid until the next record is read
	off  int64  // where it stands in the stream (see Block.offset)
	file int64  // where it (or the piece it was compressed in) ends in the file

	stored bool // it stands in the file as it is, and what follows it outside its size does too
}

// A sampleID is the trailer of a record: when, where and for which event.
type sampleID struct {
	size   int
	event  *Event
	id     uint64 // 0 if not recorded
	tid    int32  // -1 if not recorded
	cpu    int32  // -1 if not recorded
	timeNS uint64
}

// sampleIDOf reads the trailer of a record of event e.
func sampleIDOf(rec []byte, e *Event, o order) sampleID {
	id := sampleID{event: e, tid: -1, cpu: -1}
	if e == nil {
		return id
	}
	t := &e.layout.trailer
	if t.size == 0 || t.size+headerSize > len(rec) {
		return id
	}
	id.size = t.size
	at := func(fromEnd int) []byte { return rec[len(rec)-fromEnd:] }
	if t.tid > 0 {
		id.tid = int32(o.u32(at(t.tid)[4:]))
	}
	if t.time > 0 {
		id.timeNS = o.u64(at(t.time))
	}
	if t.id > 0 {
		id.id = o.u64(at(t.id))
	}
	if t.cpu > 0 {
		id.cpu = int32(o.u32(at(t.cpu)))
	}
	return id
}
