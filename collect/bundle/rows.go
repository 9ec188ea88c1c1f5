package bundle

import (
	"fmt"
	"slices"
	"strings"
)

// An SA is one xfrm_state as read over netlink (XFRM_MSG_GETSA,
// net/xfrm/xfrm_user.c copy_to_user_state_extra, 6.12). No field for a key
// exists, and none is ever copied.
type SA struct {
	Phase  string  `json:"phase"` // PhaseStart, PhaseEnd, or of the ends of a Phase, see Ends
	TimeNS int64   `json:"time_ns"`
	NetNS  string  `json:"netns,omitempty"`
	Src    string  `json:"src"`
	Dst    string  `json:"dst"`
	Proto  string  `json:"proto"` // "esp", "ah", "comp" or the number
	SPI    uint32  `json:"spi"`
	Mode   string  `json:"mode"`          // "tunnel", "transport", ...
	Dir    string  `json:"dir,omitempty"` // "in", "out"; "" before 6.10 or when not set
	ReqID  uint32  `json:"reqid"`
	PCPU   *uint32 `json:"pcpu,omitempty"` // nil: any CPU, the fallback SA

	Packets uint64 `json:"packets"`       // curlft: counted before ESP framing
	Bytes   uint64 `json:"bytes"`         // inner length
	OSeq    uint64 `json:"oseq"`          // last sequence number sent, ESN high half included
	Seq     uint64 `json:"seq,omitempty"` // highest sequence number received, ESN high half included
	Replay  uint32 `json:"replay_window,omitempty"`
	Drops   SADrop `json:"drops"`

	AddTimeS  uint64 `json:"add_time_s,omitempty"`  // wall clock, seconds since 1970
	UseTimeS  uint64 `json:"use_time_s,omitempty"`  // first use, 0 if there was none
	LastUsedS uint64 `json:"last_used_s,omitempty"` // 0 if not used, or by a kernel that does not tell
	// has no algorithm yet: an acquire is under way, or an SPI was reserved
	Larval  bool     `json:"larval,omitempty"`
	Flags   []string `json:"flags,omitempty"`   // XFRM_STATE_* and XFRM_SA_XFLAG_*: "esn", "oseq-may-wrap"
	Encap   string   `json:"encap,omitempty"`   // "udp 4500 4500": kind, source and destination port
	Offload string   `json:"offload,omitempty"` // "crypto eth0", "packet eth0"
	IfID    uint32   `json:"if_id,omitempty"`
	Mark    uint32   `json:"mark,omitempty"`
}

// Template is the template of a policy that asks for this SA, as in
// Policy.Templates.
func (s *SA) Template() string {
	return fmt.Sprintf("%s %s %s %s reqid %d", s.Proto, s.Mode, s.Src, s.Dst, s.ReqID)
}

// SADrop is xfrm_stats of an SA (include/uapi/linux/xfrm.h).
type SADrop struct {
	ReplayWindow uint32 `json:"replay_window"`
	Replay       uint32 `json:"replay"`
	Integrity    uint32 `json:"integrity"`
}

// Key tells the SA from every other one of its host.
func (s *SA) Key() SAKey {
	return SAKey{s.NetNS, s.Src, s.Dst, s.Proto, s.SPI}
}

// Name is how a report names the SA: "0x1001 of CPU 3".
func (s *SA) Name() string {
	if s.PCPU == nil {
		return fmt.Sprintf("%#x", s.SPI)
	}
	return fmt.Sprintf("%#x of CPU %d", s.SPI, *s.PCPU)
}

// Outbound tells the direction: by attribute XFRMA_SA_DIR (6.10 on), else by the
// sequence number, which only xfrm_replay_overflow of the output path raises
// (net/xfrm/xfrm_replay.c, 6.12). before is the SA as it was, nil if it was not.
func (s *SA) Outbound(before *SA) bool {
	switch {
	case s.Dir != "":
		return s.Dir == "out"
	case before == nil:
		return s.OSeq > 0
	}
	return s.OSeq > before.OSeq
}

// PacketsSince returns the packets since the SA was as before: all of them if
// it was not, or has begun anew.
func (s *SA) PacketsSince(before *SA) uint64 {
	if before == nil || before.Packets > s.Packets {
		return s.Packets
	}
	return s.Packets - before.Packets
}

// An SAKey is what identifies an SA: RFC 4301 section 4.1, and the namespace.
type SAKey struct {
	NetNS, Src, Dst, Proto string
	SPI                    uint32
}

// A Counter is one value of /proc, /sys or ethtool. Names are kept as they are
// read, unknown ones too.
type Counter struct {
	Phase  string `json:"phase"` // PhaseStart, PhaseEnd, or PhaseSample: CPU times of the measured CPUs only
	TimeNS int64  `json:"time_ns"`
	Source string `json:"source"` // "/proc/net/xfrm_stat"
	NetNS  string `json:"netns,omitempty"`
	CPU    *int   `json:"cpu,omitempty"`
	Name   string `json:"name"`
	Unit   string `json:"unit"` // "count", "ns"
	Value  uint64 `json:"value"`
}

// Key tells the counter from every other one of its host.
func (c *Counter) Key() CounterKey {
	k := CounterKey{c.Source, c.NetNS, c.Name, -1}
	if c.CPU != nil {
		k.CPU = *c.CPU
	}
	return k
}

// A CounterKey is what makes two rows the same counter.
type CounterKey struct {
	Source, NetNS, Name string
	CPU                 int // -1: of no CPU
}

// IsPause matches names of counters of pause frames, by which a receiver holds
// the sender back. That none was sent must be provable: they are kept at 0 too.
func IsPause(name string) bool {
	// Intel's: rx_flow_control_xoff (igb, ixgbe), link_xoff_rx (i40e, ice)
	return strings.Contains(name, "pause") || strings.Contains(name, "xoff")
}

// IsDrop matches names of counters of packets that were thrown away by the
// receiving machine or its card. They are kept at 0 too.
func IsDrop(name string) bool {
	drops := []string{"drop", "discard", "out_of_buffer", "missed", "no_buffer", "nobuf", "overrun"}
	return slices.ContainsFunc(drops, func(part string) bool { return strings.Contains(name, part) })
}

// A Total is what perf stat counted of one event on one CPU, in the first phase
// without a probe: nothing was sampled then, so that counting had the hardware's
// counters to itself.
type Total struct {
	Event     string  `json:"event"` // as opened: "cycles:k"
	CPU       int     `json:"cpu"`
	Value     uint64  `json:"value"`      // of clocks in ns; perf scales what was on for a part of the time
	RunningNS int64   `json:"running_ns"` // time the event was on
	Running   float64 `json:"running"`    // that, over the time it was enabled: less than 1 if it shared a counter
}

// A LockRow is what a wait probe counted for one lock on one CPU.
type LockRow struct {
	CPU    int    `json:"cpu"`
	Lock   string `json:"lock"`           // address, hex: "0xffff8881..."
	ID     LockID `json:"id,omitzero"`    // if the collector could tell
	Name   string `json:"name,omitempty"` // in place of ID, of bundles before schema 3
	Flags  uint32 `json:"flags"`          // LCB_F_* of include/trace/events/lock.h
	Count  uint64 `json:"count"`          // waits ended
	WaitNS uint64 `json:"wait_ns"`
	MaxNS  uint64 `json:"max_ns"`
	// Hist[i]: waits of [2^i, 2^(i+1)) ns; Hist[0] also 0 ns, Hist[31] all from 2^31
	Hist []uint64 `json:"hist,omitempty"`
}

// A LockAccount is what the wait probe of one CPU saw and missed. Begun is
// Ended + Mismatched + what was still waiting when the probe was read.
type LockAccount struct {
	CPU        int    `json:"cpu"`
	Begun      uint64 `json:"begun"`
	Ended      uint64 `json:"ended"`
	Mismatched uint64 `json:"mismatched"` // begun and given up: the end was not seen
	Nested     uint64 `json:"nested"`     // times the probe's four contexts were all taken; they were given up
	Late       uint64 `json:"late"`       // ended, but the begin was not seen: attached in between
	Overflow   uint64 `json:"overflow"`   // ended, but the lock had no slot: in no LockRow
	OverflowNS uint64 `json:"overflow_ns"`
}

// An AcquireRow is what the count and time probes saw of one lock on one CPU,
// measured or not: every acquisition, waited for or not.
type AcquireRow struct {
	Phase string `json:"phase"` // name of the Phase that counted
	CPU   int    `json:"cpu"`
	Lock  string `json:"lock"` // address, hex
	ID    LockID `json:"id,omitzero"`
	Name  string `json:"name,omitempty"` // as LockRow.Name
	Count uint64 `json:"count"`          // acquisitions

	// Of the time probe: acquisitions timed, one in N at random. Fast ones did not
	// enter a slow path; their time above the floor of one CPU is the lock's line
	// coming from elsewhere.
	Fast   uint64 `json:"fast,omitempty"`
	FastNS uint64 `json:"fast_ns,omitempty"`
	// FastHist[i]: acquisitions of [2^(i/2), 2^((i+1)/2)) ns; the last has no upper end
	FastHist []uint64 `json:"fast_hist,omitempty"`
	Slow     uint64   `json:"slow,omitempty"`
	SlowNS   uint64   `json:"slow_ns,omitempty"`
}

// An AcquireAccount is what the count or time probe of one CPU saw and missed.
type AcquireAccount struct {
	Phase      string `json:"phase"`
	CPU        int    `json:"cpu"`
	Count      uint64 `json:"count"`      // acquisitions, those of no AcquireRow too
	Other      uint64 `json:"other"`      // of them, the lock had no slot
	Mismatched uint64 `json:"mismatched"` // timed, but the end was not seen
	Nested     uint64 `json:"nested"`     // timed, but all contexts were taken
	Timed      uint64 `json:"timed"`
}

// A StackRow is a call stack that entered a slow path, from the phase of its
// own in which stacks are taken, one wait in Phase.OneIn. Count is stacks taken.
type StackRow struct {
	CPU    int      `json:"cpu"`
	Lock   string   `json:"lock"`
	Count  uint64   `json:"count"`
	Frames []string `json:"frames"` // kernel addresses, hex, leaf first
}

// A FindRow is what xfrm_state_find returned on one CPU, measured or not, by SA
// (net/xfrm/xfrm_state.c, 6.12).
type FindRow struct {
	CPU   int    `json:"cpu"`
	State string `json:"state"`           // address of the xfrm_state, hex; "" if none was found
	Lock  string `json:"lock,omitempty"`  // address of its x->lock, hex
	NetNS string `json:"netns,omitempty"` // as in the plan; "inode 4026531840" of one that is not
	SPI   uint32 `json:"spi,omitempty"`
	PCPU  *int   `json:"pcpu,omitempty"` // nil: any CPU, the fallback SA, or a kernel that has no per-CPU SAs
	Count uint64 `json:"count"`          // calls that returned it
}

// A FindAccount is all calls of xfrm_state_find on one CPU.
type FindAccount struct {
	CPU        int      `json:"cpu"`
	Calls      uint64   `json:"calls"`
	Other      uint64   `json:"other"`       // in no FindRow: the SA had no slot
	NoSA       uint64   `json:"no_sa"`       // none was returned
	CacheKnown bool     `json:"cache_known"` // the kernel has pol->state_cache_list (6.13)
	CacheEmpty uint64   `json:"cache_empty"` // calls that found pol->state_cache_list empty
	Timed      uint64   `json:"timed"`       // calls timed, one in N at random
	TimedNS    uint64   `json:"timed_ns"`
	Hist       []uint64 `json:"hist,omitempty"`     // log2 ns as LockRow.Hist, of the timed calls
	Walked     uint64   `json:"walked,omitempty"`   // timed calls whose bucket was walked by the probe
	WalkSum    uint64   `json:"walk_sum,omitempty"` // SAs in the buckets walked, summed
	WalkMax    uint64   `json:"walk_max,omitempty"`
	WalkCut    uint64   `json:"walk_cut,omitempty"` // walks that ended at the probe's bound
	Mismatched uint64   `json:"mismatched"`
	Nested     uint64   `json:"nested"`
}

// FindLine is one line of finds.jsonl: exactly one field is set.
type FindLine struct {
	Row     *FindRow     `json:"row,omitempty"`
	Account *FindAccount `json:"account,omitempty"`
	Inbound *InboundRow  `json:"inbound,omitempty"`
}

// An InboundRow is packets of one inbound SPI on one CPU: RFC 9611 wants one
// CPU a SPI.
type InboundRow struct {
	CPU     int    `json:"cpu"`
	NetNS   string `json:"netns,omitempty"` // as FindRow.NetNS
	SPI     uint32 `json:"spi"`
	PCPU    *int   `json:"pcpu,omitempty"`
	Lock    string `json:"lock,omitempty"` // address of its x->lock, hex
	Packets uint64 `json:"packets"`
}

// LockLine is one line of locks.jsonl: exactly one field is set.
type LockLine struct {
	Row            *LockRow        `json:"row,omitempty"`
	Account        *LockAccount    `json:"account,omitempty"`
	Acquire        *AcquireRow     `json:"acquire,omitempty"`
	AcquireAccount *AcquireAccount `json:"acquire_account,omitempty"`
	Stack          *StackRow       `json:"stack,omitempty"`
}

// A Policy is one xfrm_policy as read over netlink (XFRM_MSG_GETPOLICY).
type Policy struct {
	NetNS    string `json:"netns,omitempty"`
	Dir      string `json:"dir"` // "in", "out", "fwd"; of a socket "socket in", "socket out"
	Index    uint32 `json:"index"`
	Priority uint32 `json:"priority"`
	Src      string `json:"src"` // selector prefixes
	Dst      string `json:"dst"`
	Action   string `json:"action"` // "allow", "block"
	// "esp tunnel 10.0.0.1 10.0.0.2 reqid 1", then "spi 0x1001" and "optional" if so
	Templates  []string `json:"templates,omitempty"`
	CPUAcquire bool     `json:"cpu_acquire,omitempty"` // XFRM_POLICY_CPU_ACQUIRE (6.13)
	IfID       uint32   `json:"if_id,omitempty"`
}

// A Fact is one setting or state of the machine that decides where packets are
// processed, read at the start and at the end of the run: placement.jsonl.
// Facts with equal Topic, Subject and Name are the same fact.
type Fact struct {
	Phase   string `json:"phase"`   // PhaseStart or PhaseEnd
	Topic   string `json:"topic"`   // see TopicIRQ and those below it
	Subject string `json:"subject"` // "eth0", "eth0 rx-3", "cpu 4"; in another network namespace "west/eth0"
	Name    string `json:"name"`    // "affinity", "rx_pause_frames"
	Value   string `json:"value"`
	// Value is a running count: a difference is a measurement, not drift; left out if 0 at both
	// ends, but for pause frames and drops
	Counter bool `json:"counter,omitempty"`
}

// A StructLayout is one structure of the running kernel, from its BTF:
// layouts.json holds an array of them.
type StructLayout struct {
	Struct string        `json:"struct"` // "xfrm_state", "xfrm_policy", "net"
	Size   uint32        `json:"size"`   // bytes
	Fields []StructField `json:"fields"` // by offset; of anonymous members the members
}

// A StructField is one field of a StructLayout.
type StructField struct {
	Name   string `json:"name"`   // "lock", "km.state"
	Offset uint32 `json:"offset"` // bytes
	Size   uint32 `json:"size"`   // bytes
}

// Objects is objects.json: what names an address of the kernel's memory that was sampled.
type Objects struct {
	Objects []KernelObject `json:"objects"`
	Structs []StructLayout `json:"structs"` // of their kinds, each field the innermost member
}

// KernelHalf is where addresses of a 64-bit kernel begin.
const KernelHalf = 1 << 63

// A KernelObject lay in the kernel's memory when the window ended. One that has a Cache was
// not seen by its pointer: memory that was sampled belonged to that slab cache then.
type KernelObject struct {
	Start  string `json:"start"`            // address, hex
	Struct string `json:"struct,omitempty"` // "xfrm_state"; "" of a cache that does not tell
	Size   uint32 `json:"size,omitempty"`   // bytes, of an object of a slab cache
	LineObject
}

// Traffic is traffic.json: packets that the load itself counted.
type Traffic struct {
	Source  string       `json:"source"`            // where the numbers come from
	Window  Window       `json:"window"`            // between the two reads; zero: the run's own window
	Packets uint64       `json:"packets"`           // in that window
	PerCPU  []CPUPackets `json:"per_cpu,omitempty"` // if the source tells CPUs apart
}

// The side that packets or bits were counted at.
const (
	Received = "received"
	Sent     = "sent"
)

// CPUPackets is the packets one CPU sent in the window.
type CPUPackets struct {
	CPU     int    `json:"cpu"`
	Packets uint64 `json:"packets"`
}

// SimPrefix begins the name of each event that a simulated machine counted: all of
// them, without a sampling error.
const SimPrefix = "sim-"

// Simulated reports whether an event is one that a simulated machine counted.
func Simulated(event string) bool { return strings.HasPrefix(event, SimPrefix) }

// SimTransferCycles is what an access of the simulated machine waits for a line that
// another CPU's cache holds (cost in collect/lab/plugin/coherent.c).
const SimTransferCycles = 100

// A Line is the transfers of cache lines, from one CPU's cache to another's, that
// one pair of functions made at one place: lines.jsonl.
//
//	{"read":"xfrm_state.id.daddr","written":"xfrm_state.lock","object":{"cache":"xfrm_state","spi":4098,"pcpu":1},
//	 "reader":"xfrm_state_find","writer":"xfrm_output_resume","transfers":6640,"apart":6640,"readers":"0-3",
//	 "writers":"1"}
type Line struct {
	Read      string     `json:"read"`    // what was asked for: an address, hex, or "STRUCT.FIELD"
	Written   string     `json:"written"` // what was written last in the line
	Object    LineObject `json:"object,omitzero"`
	Reader    string     `json:"reader"` // functions
	Writer    string     `json:"writer"`
	Transfers uint64     `json:"transfers"`
	Apart     uint64     `json:"apart,omitempty"` // of them those that read no byte written: false sharing
	Readers   CPUSet     `json:"readers"`
	Writers   CPUSet     `json:"writers"` // of a simulated machine: measured CPUs all, or none of them
}

// A LineObject says which one of its kind a line is in, as far as was found out; the
// zero value: nothing is known but what Line.Read says.
type LineObject struct {
	Cache  string `json:"cache,omitempty"`  // its slab cache: "xfrm_state", "kmalloc-1k"
	SPI    uint32 `json:"spi,omitempty"`    // of an SA
	PCPU   *int   `json:"pcpu,omitempty"`   // and its CPU
	Policy uint32 `json:"policy,omitempty"` // the index of a policy
	Device string `json:"device,omitempty"` // a network device, or that of a qdisc or a dst: "black"
	CPU    *int   `json:"cpu,omitempty"`    // whose copy of a per-CPU variable it is
}

// String names the object for a reader: "SPI 0x1002 pcpu 1", "policy 8", "of black",
// "of CPU 2", "" if nothing is known.
func (o LineObject) String() string {
	switch {
	case o.SPI != 0 && o.PCPU != nil:
		return fmt.Sprintf("SPI %#x pcpu %d", o.SPI, *o.PCPU)
	case o.SPI != 0:
		return fmt.Sprintf("SPI %#x", o.SPI)
	case o.Policy != 0:
		return fmt.Sprintf("policy %d", o.Policy)
	case o.Device != "":
		return "of " + o.Device
	case o.CPU != nil:
		return fmt.Sprintf("of CPU %d", *o.CPU)
	}
	return ""
}

// A FieldRow is one instruction of the kernel and one member of a structure that it
// touched: fields.jsonl. It holds for the build of the kernel that Host names, wherever
// that lies in memory: an instruction is told by its function.
//
//	{"function":"xfrm_state_find","offset":452,"field":"xfrm_state.id.daddr","seen":7012,"misses":6981,
//	 "transfers":6640}
type FieldRow struct {
	Function string `json:"function"`
	Offset   uint64 `json:"offset"`           // of the instruction in it, bytes
	Module   string `json:"module,omitempty"` // "" for the kernel itself
	Field    string `json:"field"`            // named as Line.Read is
	Store    bool   `json:"store,omitempty"`  // the instruction writes
	// Weights among the rows of an instruction, of which at most 64 addresses a window are followed:
	// its misses of the first cache, the transfers among them, and Seen, misses and a sample of hits.
	Seen      uint64 `json:"seen"`
	Misses    uint64 `json:"misses,omitempty"`
	Transfers uint64 `json:"transfers,omitempty"`
}
