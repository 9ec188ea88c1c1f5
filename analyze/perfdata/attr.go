package perfdata

// An Attr is perf_event_attr: how an event was opened
// (include/uapi/linux/perf_event.h, 7.2). Fields that a shorter, older
// structure does not have are 0.
type Attr struct {
	Type             uint32 // TypeHardware... or a dynamic PMU, see Meta.PMUs
	Size             uint32 // bytes the recorder wrote, 64..144 so far
	Config           uint64
	SamplePeriod     uint64 // sample_period; a frequency in Hz if FlagFreq is set
	SampleType       uint64 // SampleIP | ...
	ReadFormat       uint64 // FormatGroup | ...
	Flags            uint64 // FlagInherit | ..., PreciseIP apart
	PreciseIP        uint8  // 0..3
	WakeupEvents     uint32 // or the watermark, FlagWatermark
	BPType           uint32
	Config1          uint64 // or bp_addr
	Config2          uint64 // or bp_len
	BranchSampleType uint64 // BranchCallStack | ...
	SampleRegsUser   uint64
	SampleStackUser  uint32
	ClockID          int32 // valid with FlagUseClockID
	SampleRegsIntr   uint64
	AuxWatermark     uint32
	SampleMaxStack   uint16
	AuxSampleSize    uint32
	AuxAction        uint32
	SigData          uint64
	Config3          uint64
	Config4          uint64
}

// Values of Attr.Type.
const (
	TypeHardware   = 0
	TypeSoftware   = 1
	TypeTracepoint = 2
	TypeHWCache    = 3
	TypeRaw        = 4
	TypeBreakpoint = 5
)

// Bits of Attr.SampleType: the fields of a sample.
const (
	SampleIP           = 1 << 0
	SampleTID          = 1 << 1
	SampleTime         = 1 << 2
	SampleAddr         = 1 << 3
	SampleRead         = 1 << 4
	SampleCallchain    = 1 << 5
	SampleIDBit        = 1 << 6
	SampleCPU          = 1 << 7
	SamplePeriodBit    = 1 << 8
	SampleStreamID     = 1 << 9
	SampleRaw          = 1 << 10
	SampleBranchStack  = 1 << 11
	SampleRegsUser     = 1 << 12
	SampleStackUser    = 1 << 13
	SampleWeight       = 1 << 14
	SampleDataSrc      = 1 << 15
	SampleIdentifier   = 1 << 16
	SampleTransaction  = 1 << 17
	SampleRegsIntr     = 1 << 18
	SamplePhysAddr     = 1 << 19
	SampleAux          = 1 << 20
	SampleCgroup       = 1 << 21
	SampleDataPageSize = 1 << 22
	SampleCodePageSize = 1 << 23
	SampleWeightStruct = 1 << 24

	// knownSampleType are the fields this package can find. Bit 63 is the
	// kernel's own (__PERF_SAMPLE_CALLCHAIN_EARLY) and no field.
	knownSampleType = 1<<25 - 1 | 1<<63
)

// Bits of Attr.ReadFormat.
const (
	FormatTimeEnabled = 1 << 0
	FormatTimeRunning = 1 << 1
	FormatID          = 1 << 2
	FormatGroup       = 1 << 3
	FormatLost        = 1 << 4
)

// Bits of Attr.Flags, numbered as a little-endian compiler lays them out.
const (
	FlagDisabled               = 1 << 0
	FlagInherit                = 1 << 1
	FlagPinned                 = 1 << 2
	FlagExclusive              = 1 << 3
	FlagExcludeUser            = 1 << 4
	FlagExcludeKernel          = 1 << 5
	FlagExcludeHV              = 1 << 6
	FlagExcludeIdle            = 1 << 7
	FlagMmap                   = 1 << 8
	FlagComm                   = 1 << 9
	FlagFreq                   = 1 << 10
	FlagInheritStat            = 1 << 11
	FlagEnableOnExec           = 1 << 12
	FlagTask                   = 1 << 13
	FlagWatermark              = 1 << 14
	FlagMmapData               = 1 << 17
	FlagSampleIDAll            = 1 << 18
	FlagExcludeHost            = 1 << 19
	FlagExcludeGuest           = 1 << 20
	FlagExcludeCallchainKernel = 1 << 21
	FlagExcludeCallchainUser   = 1 << 22
	FlagMmap2                  = 1 << 23
	FlagCommExec               = 1 << 24
	FlagUseClockID             = 1 << 25
	FlagContextSwitch          = 1 << 26
	FlagWriteBackward          = 1 << 27
	FlagNamespaces             = 1 << 28
	FlagKsymbol                = 1 << 29
	FlagBPFEvent               = 1 << 30
	FlagAuxOutput              = 1 << 31
	FlagCgroup                 = 1 << 32
	FlagTextPoke               = 1 << 33
	FlagBuildID                = 1 << 34
	FlagInheritThread          = 1 << 35
	FlagRemoveOnExec           = 1 << 36
	FlagSigtrap                = 1 << 37
	FlagDeferCallchain         = 1 << 38
	FlagDeferOutput            = 1 << 39

	preciseIPShift = 15
)

// Bits of Attr.BranchSampleType that change what a sample holds or means.
const (
	BranchCallStack = 1 << 11 // the entries are a call stack, not a history
	BranchHWIndex   = 1 << 17
	BranchPrivSave  = 1 << 18
	BranchCounters  = 1 << 19
)

// attrSizeVer0 is PERF_ATTR_SIZE_VER0, what size 0 means
// (kernel/events/core.c perf_copy_attr, 6.12).
const attrSizeVer0 = 64

// parseAttr reads the attr at the start of b: as many fields as both the
// attr's own size and b hold. A longer structure than we know is read as far
// as we know it.
func parseAttr(b []byte, o order) Attr {
	f := fields{o: o, b: b}
	a := Attr{Type: f.u32(), Size: f.u32()}
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
	a.WakeupEvents, a.BPType = f.u32(), f.u32()
	a.Config1, a.Config2 = f.u64(), f.u64()
	a.BranchSampleType, a.SampleRegsUser = f.u64(), f.u64()
	a.SampleStackUser, a.ClockID = f.u32(), int32(f.u32())
	a.SampleRegsIntr, a.AuxWatermark = f.u64(), f.u32()
	a.SampleMaxStack, _ = f.u16(), f.u16()
	a.AuxSampleSize, a.AuxAction = f.u32(), f.u32()
	a.SigData, a.Config3, a.Config4 = f.u64(), f.u64(), f.u64()
	return a
}

// Has reports whether every sample field of bits is in the event's samples.
func (a *Attr) Has(bits uint64) bool { return a.SampleType&bits == bits }

// FrequencyHz returns the sampling frequency asked for, 0 if a period was.
func (a *Attr) FrequencyHz() uint64 {
	if a.Flags&FlagFreq != 0 {
		return a.SamplePeriod
	}
	return 0
}

// FixedPeriod returns the sampling period asked for, 0 if a frequency was.
func (a *Attr) FixedPeriod() uint64 {
	if a.Flags&FlagFreq != 0 {
		return 0
	}
	return a.SamplePeriod
}
