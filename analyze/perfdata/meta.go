package perfdata

import "encoding/binary"

// Meta is what the recording says about itself: perf's header features. A
// field the recording does not carry is zero.
type Meta struct {
	BigEndian  bool
	ByteOrder  binary.ByteOrder // of every number in the recording, RAW payloads included
	Pipe       bool             // pipe mode, `perf record -o -`
	Directory  bool             // `perf record --threads`
	Unfinished bool             // perf record did not end: no features, records up to the end of the file
	Truncated  bool             // the file is shorter than its header says
	Features   []Feature        // present, ascending

	Hostname    string
	OSRelease   string // uname -r
	PerfVersion string
	Arch        string // uname -m
	CPUDesc     string // "AMD EPYC 7B13"
	CPUID       string // "AuthenticAMD,25,1,1"
	CommandLine []string
	TotalMemKB  uint64

	CPUsOnline    uint32
	CPUsAvailable uint32
	Topology      Topology
	NUMANodes     []NUMANode
	Caches        []Cache
	MemBlockSize  uint64 // bytes of a memory block
	MemNodes      []MemNode

	PMUs      map[uint32]string // Attr.Type of dynamic PMUs to their names
	PMUCaps   []PMUCaps
	HybridPMU []HybridPMU // cpu_core, cpu_atom and their CPUs
	Groups    []Group

	FirstSampleNS, LastSampleNS uint64 // SAMPLE_TIME; 0 if not recorded

	ClockResolutionNS uint64     // CLOCKID
	Clock             *ClockData // CLOCK_DATA; nil if not recorded

	Compression *Compression // nil if the header names none
	DirVersion  uint64       // DIR_FORMAT
	BuildIDs    []BuildID    // BUILD_ID; see Sideband.BuildIDs for those of MMAP2
	TracingData []byte       // tracepoint formats as stored, see ParseTracingData
	eventTypes  []eventType
	described   []describedEvent
	raw         map[Feature][]byte
}

// Raw returns the bytes of a feature this package has no field for
// (BPF_PROG_INFO, BPF_BTF, CPU_DOMAIN_INFO, simpleperf's), nil if absent.
func (m *Meta) Raw(id Feature) []byte { return m.raw[id] }

// A Topology is the CPU_TOPOLOGY feature.
type Topology struct {
	Cores   []string // CPU lists that share a package, "0-7"
	Dies    []string // CPU lists that share a die; nil if not recorded
	Threads []string // CPU lists that share a core
	CPUs    []CPUPlace
}

// A CPUPlace is where one CPU sits; the index in Topology.CPUs is its number.
type CPUPlace struct{ Core, Socket, Die int32 }

// A NUMANode is one node with its memory in KiB.
type NUMANode struct {
	Node            uint32
	TotalKB, FreeKB uint64
	CPUs            string // CPU list
}

// A Cache is one cache of the machine.
type Cache struct {
	Level, LineSize, Sets, Ways uint32
	Type                        string // "Data", "Instruction", "Unified"
	Size                        string // "32K"
	CPUs                        string // CPU list that shares it
}

// A MemNode is the memory blocks of a node, as a bitmap.
type MemNode struct {
	Node, Blocks uint64
	Bitmap       []uint64
}

// PMUCaps are the capabilities of one PMU, in the order recorded.
type PMUCaps struct {
	PMU  string // "cpu" for the feature that names none
	Caps [][2]string
}

// A HybridPMU is one of several core PMUs and its CPUs.
type HybridPMU struct{ PMU, CPUs string }

// A Group is an event group, `{a,b}`, by index of its events.
type Group struct {
	Name    string
	Leader  uint32
	Members uint32 // leader included
}

// ClockData ties the recording's clock to the wall clock, both in
// nanoseconds, read at one moment (perf record -k).
type ClockData struct {
	ClockID uint32 // CLOCK_MONOTONIC is 1
	WallNS  uint64 // CLOCK_REALTIME
	ClockNS uint64 // the recording's clock
}

// Compression is the COMPRESSED feature.
type Compression struct{ Version, Type, Level, Ratio, MmapLen uint32 }

// A BuildID is an entry of the BUILD_ID feature.
type BuildID struct {
	PID    int32 // -1 for the host kernel
	Kernel bool
	File   string // "[kernel.kallsyms]", "/usr/lib/libc.so.6"
	ID     string // hex
}

// A Feature is a bit of perf's feature bitmap
// (tools/perf/util/header.h, 6.16).
type Feature uint32

// The features; simpleperf's begin at 128.
const (
	FeatureTracingData  Feature = 1
	FeatureBuildID      Feature = 2
	FeatureHostname     Feature = 3
	FeatureOSRelease    Feature = 4
	FeatureVersion      Feature = 5
	FeatureArch         Feature = 6
	FeatureNRCPUs       Feature = 7
	FeatureCPUDesc      Feature = 8
	FeatureCPUID        Feature = 9
	FeatureTotalMem     Feature = 10
	FeatureCmdLine      Feature = 11
	FeatureEventDesc    Feature = 12
	FeatureCPUTopology  Feature = 13
	FeatureNUMATopology Feature = 14
	FeatureBranchStack  Feature = 15
	FeaturePMUMappings  Feature = 16
	FeatureGroupDesc    Feature = 17
	FeatureAuxtrace     Feature = 18
	FeatureStat         Feature = 19
	FeatureCache        Feature = 20
	FeatureSampleTime   Feature = 21
	FeatureMemTopology  Feature = 22
	FeatureClockID      Feature = 23
	FeatureDirFormat    Feature = 24
	FeatureBPFProgInfo  Feature = 25
	FeatureBPFBTF       Feature = 26
	FeatureCompressed   Feature = 27
	FeatureCPUPMUCaps   Feature = 28
	FeatureClockData    Feature = 29
	FeatureHybrid       Feature = 30
	FeaturePMUCaps      Feature = 31
	FeatureCPUDomain    Feature = 32

	featureBitCount = 256
)
