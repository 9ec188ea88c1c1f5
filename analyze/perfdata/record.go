package perfdata

import "strconv"

// A RecordType is perf_event_header.type: what a record of the data section
// is. 1..63 come from the kernel (include/uapi/linux/perf_event.h, 7.2), 64
// and above from perf itself (tools/lib/perf/include/perf/event.h, 7.2).
type RecordType uint32

// The record types this package knows. Others are counted and kept (see
// Sideband.Counts and File.Records).
const (
	RecordMmap              RecordType = 1
	RecordLost              RecordType = 2
	RecordComm              RecordType = 3
	RecordExit              RecordType = 4
	RecordThrottle          RecordType = 5
	RecordUnthrottle        RecordType = 6
	RecordFork              RecordType = 7
	RecordRead              RecordType = 8
	RecordSample            RecordType = 9
	RecordMmap2             RecordType = 10
	RecordAux               RecordType = 11
	RecordItraceStart       RecordType = 12
	RecordLostSamples       RecordType = 13
	RecordSwitch            RecordType = 14
	RecordSwitchCPUWide     RecordType = 15
	RecordNamespaces        RecordType = 16
	RecordKsymbol           RecordType = 17
	RecordBPFEvent          RecordType = 18
	RecordCgroup            RecordType = 19
	RecordTextPoke          RecordType = 20
	RecordAuxOutputHWID     RecordType = 21
	RecordCallchainDeferred RecordType = 22

	RecordHeaderAttr        RecordType = 64
	RecordHeaderEventType   RecordType = 65
	RecordHeaderTracingData RecordType = 66
	RecordHeaderBuildID     RecordType = 67
	RecordFinishedRound     RecordType = 68
	RecordIDIndex           RecordType = 69
	RecordAuxtraceInfo      RecordType = 70
	RecordAuxtrace          RecordType = 71
	RecordAuxtraceError     RecordType = 72
	RecordThreadMap         RecordType = 73
	RecordCPUMap            RecordType = 74
	RecordStatConfig        RecordType = 75
	RecordStat              RecordType = 76
	RecordStatRound         RecordType = 77
	RecordEventUpdate       RecordType = 78
	RecordTimeConv          RecordType = 79
	RecordHeaderFeature     RecordType = 80
	RecordCompressed        RecordType = 81
	RecordFinishedInit      RecordType = 82
	RecordCompressed2       RecordType = 83
	RecordBPFMetadata       RecordType = 84
	RecordSchedstatCPU      RecordType = 85
	RecordSchedstatDomain   RecordType = 86
)

// userRecords is where perf's own record types begin
// (PERF_RECORD_USER_TYPE_START).
const userRecords RecordType = 64

// recordName returns the name perf prints for t, "" for an unknown type.
func recordName(t RecordType) string {
	kernel := [...]string{
		1: "MMAP", "LOST", "COMM", "EXIT", "THROTTLE", "UNTHROTTLE", "FORK", "READ", "SAMPLE", "MMAP2", "AUX",
		"ITRACE_START", "LOST_SAMPLES", "SWITCH", "SWITCH_CPU_WIDE", "NAMESPACES", "KSYMBOL", "BPF_EVENT",
		"CGROUP", "TEXT_POKE", "AUX_OUTPUT_HW_ID", "CALLCHAIN_DEFERRED",
	}
	user := [...]string{
		"ATTR", "EVENT_TYPE", "TRACING_DATA", "BUILD_ID", "FINISHED_ROUND", "ID_INDEX", "AUXTRACE_INFO", "AUXTRACE",
		"AUXTRACE_ERROR", "THREAD_MAP", "CPU_MAP", "STAT_CONFIG", "STAT", "STAT_ROUND", "EVENT_UPDATE", "TIME_CONV",
		"FEATURE", "COMPRESSED", "FINISHED_INIT", "COMPRESSED2", "BPF_METADATA", "SCHEDSTAT_CPU", "SCHEDSTAT_DOMAIN",
	}
	switch {
	case int64(t) < int64(len(kernel)):
		return kernel[t]
	case t >= userRecords && int64(t-userRecords) < int64(len(user)):
		return user[t-userRecords]
	}
	return ""
}

// String returns perf's name of the type, or "record type N".
func (t RecordType) String() string {
	if s := recordName(t); s != "" {
		return s
	}
	return "record type " + strconv.FormatUint(uint64(t), 10)
}

// Bits of perf_event_header.misc (include/uapi/linux/perf_event.h, 7.2).
const (
	MiscCPUModeMask = 7 // the next six values
	MiscKernel      = 1
	MiscUser        = 2
	MiscHypervisor  = 3
	MiscGuestKernel = 4
	MiscGuestUser   = 5

	MiscMmapData       = 1 << 13 // MMAP: not executable
	MiscCommExec       = 1 << 13 // COMM: from exec
	MiscForkExec       = 1 << 13 // FORK: perf's own, before exec
	MiscSwitchOut      = 1 << 13 // SWITCH: away from the task
	MiscExactIP        = 1 << 14 // SAMPLE: IP is the instruction itself
	MiscMmapBuildID    = 1 << 14 // MMAP2: build id in place of device and inode
	MiscBuildIDSize    = 1 << 15 // BUILD_ID: the size byte is valid
	MiscLostSamplesBPF = 1 << 15 // LOST_SAMPLES: dropped by a BPF filter
)

// headerSize is sizeof(struct perf_event_header).
const headerSize = 8

// A rawRecord is one record as it stands in its stream.
type rawRecord struct {
	data []byte // header included; valid until the next record is read
	off  int64  // where it stands in the stream (see Block.Offset)
	file int64  // where it (or the piece it was compressed in) ends in the file
}
