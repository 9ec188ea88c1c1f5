package perfdata

import "xfrmscope/collect/bundle"

// A Sideband is everything of a recording that is no sample. Lists are in time
// order (records without a time, which perf made before sampling began, come
// first with TimeNS 0), ties in order of the stream.
type Sideband struct {
	Mmaps      []Mmap
	Comms      []Comm
	Forks      []Task
	Exits      []Task
	KSymbols   []KSymbol
	BPF        []BPFEvent
	Namespaces []Namespaces
	Cgroups    []Cgroup
	Throttles  []Throttle
	BuildIDs   []BuildID // of the BUILD_ID feature and of MMAP2 records, each file once
	IDs        []IDIndex // ID_INDEX: which CPU and task an event id belongs to

	// Counts is the number of records of each type, unknown types included;
	// SampleRecords that of SAMPLE records by Event.Index. A group read is one
	// record here and several Samples.
	Counts        map[RecordType]uint64
	SampleRecords []uint64

	// Losses is what the recording or this reader could not see, in a fixed
	// order. Damage inside samples is found only by decoding: see Stats.
	Losses []bundle.Loss

	// FirstNS and LastNS span the times of the samples; 0 without samples.
	FirstNS, LastNS uint64

	// Rounds is the number of FINISHED_ROUND records.
	Rounds uint64
}

// An Mmap is a mapping that appeared (MMAP, MMAP2). The kernel is file
// "[kernel.kallsyms]_text" (or _stext) with PID -1 and PgOff the address of
// that symbol when recording; modules follow, PID -1, as their .ko path or
// "[name]".
type Mmap struct {
	TimeNS     uint64
	PID, TID   int32
	Start, Len uint64
	PgOff      uint64
	File       string
	BuildID    string // hex, of MMAP2 with MiscMmapBuildID; else ""
	Major      uint32 // device and inode, of MMAP2 without build id
	Minor      uint32
	Inode      uint64
	Prot       uint32 // PROT_EXEC is 4; 0 for MMAP
	Misc       uint16 // CPU mode (MiscKernel, MiscUser, ...); MiscMmapData
}

// A Comm is a task taking a name. Exec means the task began a new program: its
// mappings are gone.
type Comm struct {
	TimeNS   uint64
	PID, TID int32
	Name     string
	Exec     bool
}

// A Task is a FORK (the new task inherits name and mappings of the parent) or
// an EXIT (of a process when PID == TID).
type Task struct {
	TimeNS     uint64
	PID, TID   int32
	PPID, PTID int32
}

// A KSymbol is kernel code that came or went while recording: a BPF program
// (Type 1, "bpf_prog_<tag>_<name>") or an out-of-line trampoline (Type 2).
type KSymbol struct {
	TimeNS     uint64
	Addr       uint64
	Len        uint32
	Type       uint16
	Unregister bool
	Name       string
}

// A BPFEvent is a BPF program loaded (Type 1) or unloaded (Type 2).
type BPFEvent struct {
	TimeNS uint64
	Type   uint16
	ID     uint32
	Tag    string // hex
}

// Namespaces are the namespaces a task entered, by inode; the index is
// net, uts, ipc, pid, user, mnt, cgroup (NR_NAMESPACES order).
type Namespaces struct {
	TimeNS   uint64
	PID, TID int32
	Links    []NamespaceLink
}

// A NamespaceLink is device and inode of a namespace file.
type NamespaceLink struct{ Dev, Inode uint64 }

// A Cgroup names the cgroup ids of samples.
type Cgroup struct {
	TimeNS uint64
	ID     uint64
	Path   string
}

// A Throttle is a moment at which the kernel stopped an event on a CPU because
// it interrupted too often (On false), or let it run again.
type Throttle struct {
	TimeNS uint64
	CPU    int32 // -1 if not recorded
	Event  *Event
	On     bool
}

// An IDIndex is one entry of ID_INDEX.
type IDIndex struct {
	ID       uint64
	CPU, TID int32 // -1 if the event is not bound to one
}

// A lossNote is a loss before it becomes a bundle.Loss.
type lossNote struct {
	kind   bundle.LossKind
	what   string
	count  uint64
	of     uint64
	cpu    int32
	hasCPU bool
	event  string
	effect string
}

func (n lossNote) loss() bundle.Loss {
	l := bundle.Loss{Kind: n.kind, Source: lossSource, What: n.what, Count: n.count, Of: n.of, Event: n.event, Effect: n.effect}
	if n.hasCPU {
		cpu := int(n.cpu)
		l.CPU = &cpu
	}
	return l
}

// lossSource is bundle.Loss.Source of everything this package reports.
const lossSource = "perf"

func (f *File) note(n lossNote) { f.headLosses = append(f.headLosses, n) }
