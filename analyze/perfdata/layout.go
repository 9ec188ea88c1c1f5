package perfdata

import "math/bits"

// tailType are the fields of a sample that stand after PERIOD, in the order
// of kernel/events/core.c perf_output_sample (6.12). READ and CALLCHAIN vary
// in length, as do most others, so they are walked.
const tailType = sampleRead | sampleCallchain | afterChain

const afterChain = sampleRaw | sampleBranchStack | sampleRegsUser | sampleStackUser | sampleWeight |
	sampleWeightStruct |
	sampleDataSrc | sampleTransaction | sampleRegsIntr | samplePhysAddr | sampleCgroup | sampleDataPageSize |
	sampleCodePageSize | sampleAux

// A layout is where the fields of one event's samples stand: byte offsets
// from the start of the record, -1 for a field the samples do not have.
// Computed once for an event.
type layout struct {
	ip, tid, time, addr, id, cpu, period int

	fixedEnd int    // end of the fields of fixed place
	tail     uint64 // the fields after them, bits of sample_type
	dummy    bool   // the event has no samples of its own
	hasTail  bool   // any field after the call chain
	hasRead  bool
	hasChain bool

	readHead    int  // words before the first counter: nr, enabled, running
	readEntry   int  // words of one counter: value, id, lost
	readGroup   bool // several counters, formatGroup
	readID      bool // counters carry their id
	delta       bool // Period is the counter's growth, not the PERIOD field
	perTask     bool // counters are separate for each task (inherit)
	branchHW    bool
	branchCtr   bool
	callStack   bool // the branch stack is a call stack
	deferred    bool // chains may end in a cookie
	regsUser    int  // bytes of registers
	regsIntr    int
	fixedPeriod uint64 // for samples without PERIOD

	trailer trailer
	idPos   int // where the id of a sample stands, -1 if samples have none
}

// A trailer is where the fields of the sample_id stand, as bytes from the END
// of a record; 0 for a field that is absent.
type trailer struct {
	size, tid, time, id, cpu int
}

func newLayout(a *attr) layout {
	l := layout{fixedPeriod: a.SamplePeriod, tail: a.SampleType & tailType, idPos: -1, dummy: a.isDummy()}
	place := func(bit uint64) int {
		if a.SampleType&bit == 0 {
			return -1
		}
		return headerSize + 8*idWords(a.SampleType, bit)
	}
	l.ip, l.tid, l.time, l.addr = place(sampleIP), place(sampleTID), place(sampleTime), place(sampleAddr)
	l.id = place(sampleIDBit)
	l.cpu, l.period = place(sampleCPU), place(samplePeriodBit)
	l.fixedEnd = headerSize + 8*idWords(a.SampleType, 0)
	l.hasTail = l.tail&afterChain != 0
	l.hasChain = l.tail&sampleCallchain != 0
	if l.idPos = l.id; a.has(sampleIdentifier) {
		l.idPos = headerSize
	}
	l.readLayout(a)
	l.branchHW = a.BranchSampleType&branchHWIndex != 0
	l.branchCtr = a.BranchSampleType&branchCounters != 0
	l.callStack = l.hasChain && a.has(sampleBranchStack) && a.BranchSampleType&branchCallStack != 0
	l.deferred = l.hasChain && a.Flags&flagDeferCallchain != 0
	l.regsUser = 8 * bits.OnesCount64(a.SampleRegsUser)
	l.regsIntr = 8 * bits.OnesCount64(a.SampleRegsIntr)
	l.trailer = newTrailer(a)
	return l
}

// taskOf returns the thread id of a sample, -1 if it has none.
func (l *layout) taskOf(rec []byte, o order) int32 {
	if l.tid < 0 || l.tid+8 > len(rec) {
		return -1
	}
	return int32(o.u32(rec[l.tid+4:]))
}

// counterTask returns the task whose counters a sample reads, 0 if they are not
// separate.
func (l *layout) counterTask(rec []byte, o order) int32 {
	if !l.perTask {
		return 0
	}
	return l.taskOf(rec, o)
}

// readLayout: include/uapi/linux/perf_event.h struct read_format (7.2).
func (l *layout) readLayout(a *attr) {
	l.hasRead = a.has(sampleRead)
	l.readGroup = a.ReadFormat&formatGroup != 0
	l.readID = a.ReadFormat&formatID != 0
	l.delta = l.hasRead && l.readID
	l.perTask = a.Flags&flagInherit != 0 && a.has(sampleTID)
	l.readEntry = 1 + bits.OnesCount64(a.ReadFormat&(formatID|formatLost))
	l.readHead = bits.OnesCount64(a.ReadFormat & (formatTimeEnabled | formatTimeRunning))
	if l.readGroup {
		l.readHead++
	}
}

// newTrailer: kernel/events/core.c __perf_event__output_id_sample (6.12):
// TID, TIME, ID, STREAM_ID, CPU, IDENTIFIER.
func newTrailer(a *attr) trailer {
	t := trailer{size: trailerSize(a)}
	if t.size == 0 {
		return t
	}
	from, stream := t.size, 0
	for _, f := range []struct {
		bit uint64
		at  *int
	}{
		{sampleTID, &t.tid}, {sampleTime, &t.time}, {sampleIDBit, &t.id}, {sampleStreamID, &stream},
		{sampleCPU, &t.cpu},
	} {
		if a.SampleType&f.bit != 0 {
			*f.at = from
			from -= 8
		}
	}
	if a.has(sampleIdentifier) {
		t.id = 8
	}
	return t
}

// idWords returns how many u64 of a sample precede the field bit; every field
// before PERIOD is one word (kernel/events/core.c perf_output_sample, 6.12).
func idWords(sampleType, bit uint64) int {
	order := [...]uint64{
		sampleIdentifier, sampleIP, sampleTID, sampleTime, sampleAddr, sampleIDBit, sampleStreamID, sampleCPU,
		samplePeriodBit,
	}
	words := 0
	for _, field := range order {
		if field == bit {
			break
		}
		if sampleType&field != 0 {
			words++
		}
	}
	return words
}

// trailerType is the part of sample_type that the sample_id at the end of
// other records repeats (kernel/events/core.c perf_event__id_header_size).
const trailerType = sampleTID | sampleTime | sampleIDBit | sampleStreamID | sampleCPU | sampleIdentifier

// trailerSize returns the bytes of that sample_id.
func trailerSize(a *attr) int {
	if a.Flags&flagSampleIDAll == 0 {
		return 0
	}
	return 8 * bits.OnesCount64(a.SampleType&trailerType)
}
