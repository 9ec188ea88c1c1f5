package perfdata

// An attr is perf_event_attr: how an event was opened (include/uapi/linux/perf_event.h, 7.2), as far as reading its
// samples and naming it needs. Fields that a shorter, older structure does not have are 0.
type attr struct {
	Type             uint32 // typeHardware... or a dynamic PMU, see Meta.pmus
	Size             uint32 // bytes the recorder wrote, 64..144 so far
	Config           uint64
	SamplePeriod     uint64 // a frequency in Hz if flagFreq is set
	SampleType       uint64 // sampleIP | ...
	ReadFormat       uint64 // formatGroup | ...
	Flags            uint64 // flagInherit | ..., PreciseIP apart
	PreciseIP        uint8  // 0..3
	Config1          uint64 // the address of a breakpoint
	BranchSampleType uint64 // branchCallStack | ...
	SampleRegsUser   uint64
	SampleRegsIntr   uint64
}

// Values of attr.Type.
const (
	typeHardware   = 0
	typeSoftware   = 1
	typeTracepoint = 2
	typeHWCache    = 3
	typeRaw        = 4
	typeBreakpoint = 5
)

// Bits of attr.SampleType: the fields of a sample.
const (
	sampleIP           = 1 << 0
	sampleTID          = 1 << 1
	sampleTime         = 1 << 2
	sampleAddr         = 1 << 3
	sampleRead         = 1 << 4
	sampleCallchain    = 1 << 5
	sampleIDBit        = 1 << 6
	sampleCPU          = 1 << 7
	samplePeriodBit    = 1 << 8
	sampleStreamID     = 1 << 9
	sampleRaw          = 1 << 10
	sampleBranchStack  = 1 << 11
	sampleRegsUser     = 1 << 12
	sampleStackUser    = 1 << 13
	sampleWeight       = 1 << 14
	sampleDataSrc      = 1 << 15
	sampleIdentifier   = 1 << 16
	sampleTransaction  = 1 << 17
	sampleRegsIntr     = 1 << 18
	samplePhysAddr     = 1 << 19
	sampleAux          = 1 << 20
	sampleCgroup       = 1 << 21
	sampleDataPageSize = 1 << 22
	sampleCodePageSize = 1 << 23
	sampleWeightStruct = 1 << 24

	// knownSampleType are the fields this package can find. Bit 63 is the kernel's own
	// (__PERF_SAMPLE_CALLCHAIN_EARLY) and no field.
	knownSampleType = 1<<25 - 1 | 1<<63
)

// Bits of attr.ReadFormat.
const (
	formatTimeEnabled = 1 << 0
	formatTimeRunning = 1 << 1
	formatID          = 1 << 2
	formatGroup       = 1 << 3
	formatLost        = 1 << 4
)

// Bits of attr.Flags, numbered as a little-endian compiler lays them out.
const (
	flagInherit        = 1 << 1
	flagExcludeUser    = 1 << 4
	flagExcludeKernel  = 1 << 5
	flagExcludeHV      = 1 << 6
	flagFreq           = 1 << 10
	flagSampleIDAll    = 1 << 18
	flagExcludeHost    = 1 << 19
	flagExcludeGuest   = 1 << 20
	flagUseClockID     = 1 << 25
	flagDeferCallchain = 1 << 38

	preciseIPShift = 15
)

// Bits of attr.BranchSampleType that change what a sample holds or means.
const (
	branchCallStack = 1 << 11 // the entries are a call stack, not a history
	branchHWIndex   = 1 << 17
	branchCounters  = 1 << 19
)

// attrSizeVer0 is PERF_ATTR_SIZE_VER0, what size 0 means (kernel/events/core.c perf_copy_attr, 6.12).
const attrSizeVer0 = 64

// parseAttr reads the attr at the start of b: as many fields as both the attr's own size and b hold. A longer structure
// than we know is read as far as we know it.
func parseAttr(b []byte, o order) attr {
	f := fields{o: o, b: b}
	a := attr{Type: f.u32(), Size: f.u32()}
	if a.Size == 0 {
		a.Size = attrSizeVer0
	}
	if n := int64(a.Size) - 8; n >= 0 && n < int64(len(f.b)) {
		f.b = f.b[:n]
	}
	a.Config, a.SamplePeriod, a.SampleType, a.ReadFormat = f.u64(), f.u64(), f.u64(), f.u64()
	flags := f.u64()
	a.PreciseIP = uint8(o.bitField(flags, preciseIPShift, 2))
	a.Flags = o.flags(flags) &^ (3 << preciseIPShift)
	_ = f.u64() // wakeup_events, bp_type
	a.Config1, _ = f.u64(), f.u64()
	a.BranchSampleType, a.SampleRegsUser = f.u64(), f.u64()
	_ = f.u64() // sample_stack_user, clockid
	a.SampleRegsIntr = f.u64()
	return a
}

// has reports whether every sample field of bits is in the event's samples.
func (a *attr) has(bits uint64) bool { return a.SampleType&bits == bits }
