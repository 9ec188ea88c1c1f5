// Package result is what analysis finds: data only. Packages packets, locks, cost,
// checks, lines, curves, sides and finding fill it, package reports prints it, and
// results.json is it.
//
//	Result
//	  Runs         Run: one window; Events (by CPU: stages, functions), Packets, SAs, Locks, Lookups,
//	               Lines, Phases, Gates, ConsistencyChecks, Drift, what was lost and what is missing
//	  Curves       Curve: the runs of a mode over N
//	  Comparison   two sides, and Contrasts of modes
//	  Findings     claims with their evidence
//
// Every number is a metric.Value. Names in JSON are kept: old results are read, too.
package result

import (
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/scaling"
	"xfrmscope/collect/bundle"
)

// A Heat is the main event by CPU and time, of a hybrid CPU on all its PMUs: equal
// slices of the window.
type Heat struct {
	Event   string      `json:"event"`
	SliceNS int64       `json:"slice_ns"`
	CPUs    []int       `json:"cpus"`
	Busy    [][]float64 `json:"busy"` // [cpu][slice]: share of the samples that are not idle; -1 without samples
	Spin    [][]float64 `json:"spin"` // share of the busy weight in slow paths; -1 without
}

// SchemaVersion is the version of a Result's JSON.
const SchemaVersion = 1

// A Result is what a report prints: runs side by side, in the order of mode
// and number of CPUs, and what can be said about them. It is data: package
// reports turns it into text, HTML, SVG and pprof files and computes nothing.
type Result struct {
	Schema   int              `json:"schema"`
	Tool     string           `json:"tool"`
	Masked   bool             `json:"masked,omitempty"` // names and addresses stand for others
	Runs     []*Run           `json:"runs"`
	Curves   []Curve          `json:"curves"` // one per mode, in order of first run
	Findings []Finding        `json:"findings"`
	Warnings []bundle.Warning `json:"warnings,omitempty"`

	Headline []string `json:"headline,omitempty"` // metric ids that the sweep named before it was run

	// Contrasts set the modes of the runs against each other: the first against each other
	// one, whose names are those of the sides. Without stages, locks and functions.
	Contrasts []Comparison `json:"contrasts,omitempty"`

	// Comparison is set by Compare: what differs between the runs whose Side is
	// "before" and those whose Side is "after".
	Comparison *Comparison `json:"comparison,omitempty"`
}

// A Curve is the runs of one mode over N, the number of CPUs measured.
type Curve struct {
	Side string `json:"side,omitempty"` // "before" or "after" in a comparison
	Mode string `json:"mode"`           // label "mode" of the runs, "" if none
	Runs []int  `json:"runs"`           // indexes into Result.Runs, by N, then name

	// What more CPUs bring, and what they cost: of modes with packets at two N
	// or more, else nil.
	Scaling   *scaling.Scaling `json:"scaling,omitempty"` // speed-up, efficiency, knee, plateau
	USL       *scaling.USL     `json:"usl,omitempty"`     // the law fitted, or why it was not
	CurveCost                  // of the main event
	// of a hybrid CPU's other PMUs: cycles of unlike cores are never added
	Others []CurveCost `json:"other_pmus,omitempty"`
	// wait ns per packet by lock name, of the wait probe
	LockBreakdowns []scaling.Breakdown `json:"lock_bills,omitempty"`
	// against the mode without IPsec ("plain", "no-ipsec"), if there is one
	Ceiling *scaling.Ceiling `json:"ceiling,omitempty"`
	// does xfrm_state_find get slower with each SA?
	Walk *scaling.Walk `json:"walk,omitempty"`
	// cache lines that moved, by N; none if no run tells
	Lines []LinePoint `json:"lines,omitempty"`
}

// A CurveCost is what a packet costs over N, by one event.
type CurveCost struct {
	Event string `json:"event,omitempty"` // of a hybrid CPU, whose PMUs have a cost each

	// cost per packet at N less at the base
	StageBreakdowns []scaling.Breakdown `json:"stage_bills,omitempty"`
	// at the largest N: self cost by function
	FunctionBreakdown *scaling.Breakdown `json:"function_bill,omitempty"`
	// StageBreakdowns in packets/s that are missing, in their order
	Falls []scaling.Waterfall `json:"falls,omitempty"`
	// functions whose cost per packet grows
	Frames *scaling.FrameTable `json:"frames,omitempty"`
}

// Costs are those of every PMU.
func (c *Curve) Costs() []*CurveCost {
	out := []*CurveCost{&c.CurveCost}
	for i := range c.Others {
		out = append(out, &c.Others[i])
	}
	return out
}

// A Run is one window: its traffic, its events, its locks and its SAs.
type Run struct {
	Name   string            `json:"name"` // "pcpu n=4", or the bundle's directory
	Path   string            `json:"path"`
	Side   string            `json:"side,omitempty"` // "before" or "after" in a comparison
	Mode   string            `json:"mode,omitempty"`
	N      int               `json:"n"`                // CPUs measured, or what Factor says
	Factor string            `json:"factor,omitempty"` // what N counts if not CPUs: "flows", "streams", "threads"
	Labels map[string]string `json:"labels,omitempty"`

	// host, plan, window, commands, events asked and opened, probes
	Manifest bundle.Manifest `json:"manifest"`
	// what a comparison wants alike: host, kernel, tuning, placement at the start
	Config map[string]string `json:"config,omitempty"`

	Packets Packets  `json:"packets"`
	Traffic *Traffic `json:"traffic,omitempty"` // what a traffic generator measured; nil if there was none
	Events  []*Event `json:"events"`
	Misses  []Miss   `json:"misses,omitempty"` // cache-miss ratios; none without miss events
	// what perf stat counted without sampling; none if it did not run, see Gaps
	Counted []Total `json:"counted,omitempty"`
	// cache lines that moved between CPUs; nil if nothing tells
	Lines   *Lines   `json:"lines,omitempty"`
	Locks   Locks    `json:"locks"`
	Lookups *Lookups `json:"finds,omitempty"`  // of the find probe; nil if it did not run, see Gaps
	Matrix  *Matrix  `json:"matrix,omitempty"` // outbound packets by SA and CPU
	Heat    *Heat    `json:"heat,omitempty"`   // main event over time
	SAs     []SA     `json:"sas,omitempty"`
	Drops   []Drop   `json:"drops,omitempty"` // xfrm_stat counters that moved in the window

	Phases            []Phase            `json:"phases,omitempty"`     // what each probe did to the traffic
	ConsistencyChecks []ConsistencyCheck `json:"identities,omitempty"` // sums that must hold, with their residuals
	Gates             []Gate             `json:"gates,omitempty"`      // what would make a comparison meaningless
	// placement facts that changed during the run
	Drift   []Drift  `json:"drift,omitempty"`
	Layouts []Layout `json:"layouts,omitempty"` // which hot fields of the kernel's structures share a line
	// of the measured CPUs, as the kernel accounted; nil if not read
	CPUTimes *CPUTimes `json:"cpu_times,omitempty"`

	Losses   []bundle.Loss    `json:"losses,omitempty"`   // of the run as a whole
	Warnings []bundle.Warning `json:"warnings,omitempty"` // of the run as a whole
	Gaps     []bundle.Gap     `json:"gaps,omitempty"`     // what was not measured, and why
}

// Packets is what the run sent.
type Packets struct {
	Source string       `json:"source"` // "SA counters (outbound)", "traffic.json: ..."
	BySA   bool         `json:"-"`      // counted by SA; Source says it, too
	Total  metric.Value `json:"total"`  // packets, unit "packets"
	Rate   metric.Value `json:"rate"`   // unit "packets/s", in the window of the samples

	// Unperturbed is packets/s after the window, while neither perf nor a probe ran, and
	// PerfEffect how much less was sent while perf sampled; nil if there was no such time.
	Unperturbed *metric.Value `json:"unperturbed_rate,omitempty"`
	PerfEffect  *metric.Value `json:"perf_effect,omitempty"`

	// Measured is the rate of the CPUs measured alone, which costs per packet are
	// over; nil if no other CPU sent.
	Measured *metric.Value `json:"measured_rate,omitempty"`

	PerCPU []CPUValue   `json:"per_cpu,omitempty"`
	Jain   metric.Value `json:"jain"` // how evenly the CPUs measured sent, 1/n..1
}

// Traffic is one run as a traffic generator saw it, outside the machine that
// was measured.
type Traffic struct {
	Source string `json:"source"` // "TRex JSON"
	Counts string `json:"counts"` // "received", or "sent" if what came was not counted
	// what its bits are: "wire", "fcs", "frame", "payload", see importer.Layer
	Layer      string       `json:"layer"`
	Throughput metric.Value `json:"throughput"`            // "bit/s"
	Loss       metric.Value `json:"loss"`                  // of the packets sent
	FrameBytes int          `json:"frame_bytes,omitempty"` // Ethernet frame without FCS
	OfferedPPS float64      `json:"offered_pps,omitempty"` // packets/s the generator was told to send
}

// A CPUValue is a value of one CPU.
type CPUValue struct {
	CPU   int          `json:"cpu"`
	Value metric.Value `json:"value"`
}

// An Event is the analysis of one sampled event. Events are never merged. Of
// most runs of a large sweep it has no Profile, and its CPUs no functions: see
// Result.Warnings.
type Event struct {
	Name    string           `json:"name"` // "cpu-clock", "cycles:k"
	Unit    string           `json:"unit"` // of a period: "nanoseconds", "cycles", "count"
	Profile *profile.Profile `json:"-"`    // may be nil
	// samples are memory accesses (perf mem, IBS): none of them is time
	Memory bool `json:"memory,omitempty"`

	All  CPU   `json:"all"`  // all measured CPUs together, CPU -1
	CPUs []CPU `json:"cpus"` // each CPU that has samples, ascending

	// Unmatched lists leaf functions no stage claims, heaviest first, with
	// their share of the non-idle weight.
	Unmatched []Share `json:"unmatched,omitempty"`

	// Self is the self weight of each function on all CPUs: what runs are
	// compared by. It sums to All.Busy.
	Self []Self `json:"-"`

	Losses   []bundle.Loss    `json:"losses,omitempty"`
	Warnings []bundle.Warning `json:"warnings,omitempty"`
}

// A CPU is one event on one CPU (or on all). Shares are over the non-idle
// weight, Busy.
type CPU struct {
	CPU   int             `json:"cpu"` // -1: all
	Total metric.Estimate `json:"total"`
	Idle  metric.Estimate `json:"idle"`
	Busy  metric.Estimate `json:"busy"` // Total less Idle

	// Unsure is the part of Idle that may be interrupts: samples of the idle task
	// in a recording without a name of a kernel function. Shares are not measured.
	Unsure metric.Estimate `json:"idle_or_interrupt,omitzero"`

	SpinShare     metric.Value `json:"spin_share"`      // leaf in a queued-spin slow path
	LockWordShare metric.Value `json:"lockword_share"`  // leaf in an acquire fast path
	PerPacket     metric.Value `json:"cost_per_packet"` // busy weight / packets: "ns/packet", "cycles/packet"

	Stages      []Share `json:"stages"`       // every stage with weight, table order; sums to Busy
	Functions   []Share `json:"functions"`    // self weight, heaviest first, at most TopFunctions
	SpinCallers []Share `json:"spin_callers"` // who entered the slow path: first caller that is no lock primitive

	// Of all CPUs together only:
	Receive         []Share `json:"receive,omitempty"`          // the part of each stage below the XFRM input path
	Directions      []Share `json:"directions,omitempty"`       // "transmit", "receive", "neither": sums to Busy
	LockWordCallers []Share `json:"lockword_callers,omitempty"` // who took the locks of LockWordShare
}

// TopFunctions bounds CPU.Functions.
const TopFunctions = 40

// A Share is a part of the non-idle weight of one CPU and event.
type Share struct {
	Name      string          `json:"name"`
	Module    string          `json:"module,omitempty"` // "[esp4]"; "" for stages
	Weight    metric.Estimate `json:"weight"`           // in the event's unit
	Share     metric.Value    `json:"share"`            // ratio of Busy, with standard error
	PerPacket metric.Value    `json:"per_packet"`
}

// A Miss is one cache-miss event on one CPU, or on all, against the run's other
// events.
type Miss struct {
	Event               string       `json:"event"` // "L1-dcache-load-misses:k"
	CPU                 int          `json:"cpu"`   // -1: all
	PerKiloCycle        metric.Value `json:"per_kilo_cycle"`
	PerKiloInstructions metric.Value `json:"per_kilo_instructions"`
	PerPacket           metric.Value `json:"per_packet"`

	// Functions are those that miss most, heaviest first, of all CPUs together.
	Functions []Intensity `json:"functions,omitempty"`
}

// An Intensity is how much more a function misses than it runs. A sample may
// stand some instructions behind the miss, in the next function even.
type Intensity struct {
	Name   string       `json:"name"`
	Module string       `json:"module,omitempty"`
	Misses metric.Value `json:"miss_share"` // of the misses
	Work   metric.Value `json:"work_share"` // of the cycles, or of the time
	Value  metric.Value `json:"miss_intensity"`
}

// A Total is one event counted on all measured CPUs while nothing was sampled.
type Total struct {
	Event        string       `json:"event"`
	PerSecond    metric.Value `json:"per_second"`     // all CPUs together
	PerPacket    metric.Value `json:"per_packet"`     // "cycles/packet"
	PerKiloCycle metric.Value `json:"per_kilo_cycle"` // per 1000 cycles counted
	Running      metric.Value `json:"running"`        // of the CPU where it was on least
}

// Locks is what the wait probe counted.
type Locks struct {
	AttachMode string       `json:"rung,omitempty"`     // "" if no probe ran; then Gap says why
	Blind      []string     `json:"blind,omitempty"`    // what the attach mode cannot see
	Gap        *bundle.Gap  `json:"gap,omitempty"`      // not measured
	Waits      metric.Value `json:"waits"`              // count in the window, all CPUs
	WaitNS     metric.Value `json:"wait_ns"`            // sum, "ns"
	PerPkt     metric.Value `json:"wait_ns_per_packet"` // by the packets of the probe's own window

	Acquired metric.Value `json:"acquisitions"` // of the count probe, all locks it watches

	// Effect is what the probe did to the traffic: packets/s in its phase over
	// those of the phases without probe beside it, less 1; of runs without
	// phases, over packets/s in the window of the samples, and the load's own
	// drift is in it.
	Effect metric.Value `json:"probe_effect"`

	CPUs   []LockCPU     `json:"cpus,omitempty"`
	Rows   []Lock        `json:"rows,omitempty"` // heaviest wait first, then most acquisitions
	Losses []bundle.Loss `json:"losses,omitempty"`
}

// A LockCPU is the waits of one CPU.
type LockCPU struct {
	CPU    int    `json:"cpu"`
	Waits  uint64 `json:"waits"`
	WaitNS uint64 `json:"wait_ns"`
	MaxNS  uint64 `json:"max_ns"`
}

// A Lock is one lock, all CPUs.
type Lock struct {
	Lock   string        `json:"lock"` // address
	ID     bundle.LockID `json:"-"`    // which it is, as far as is known; Name says it, too
	Name   string        `json:"name,omitempty"`
	Waits  uint64        `json:"waits"`
	WaitNS uint64        `json:"wait_ns"`
	MaxNS  uint64        `json:"max_ns"`
	Hist   []uint64      `json:"hist,omitempty"` // log2 ns, see bundle.LockRow
	CPUs   []int         `json:"cpus"`           // CPUs that waited
	P50    metric.Value  `json:"p50_ns"`         // upper end of the bin of Hist that holds it
	P99    metric.Value  `json:"p99_ns"`
	PerPkt metric.Value  `json:"wait_ns_per_packet"` // by the packets of the probe's own window

	Acquisitions metric.Value `json:"acquisitions"`         // of the count probe, in its phase
	Contention   metric.Value `json:"contention_ratio"`     // waits/s over acquisitions/s, each in its phase
	Bounce       metric.Value `json:"bounce_ns_per_packet"` // fast-path time above Floor
	Floor        *Floor       `json:"bounce_floor,omitempty"`
	SPI          uint32       `json:"spi,omitempty"` // if it is an SA's x->lock
	PCPU         *int         `json:"pcpu,omitempty"`
	Callers      []Share      `json:"callers,omitempty"` // who waited for it, of the stacks phase

	// acquisitions timed that did not wait, by length: see bundle.AcquireRow
	FastHist []uint64 `json:"fast_hist,omitempty"`
}

// A Floor is what Lock.Bounce stands on: the mean fast acquisition on one CPU.
type Floor struct {
	Of string `json:"of"` // the locks timed there: "x->lock", or "all locks"
	// of the lock's own class; else a lock slower than others on one CPU, too, seems to bounce
	Own  bool    `json:"own"`
	NS   float64 `json:"ns"`
	SE   float64 `json:"se"`           // the larger of sampling error and spread between the runs
	DF   float64 `json:"df,omitempty"` // of SE, if it is the spread: see metric.Value.DF
	Runs int     `json:"runs"`         // of one CPU

	Hist []uint64 `json:"hist,omitempty"` // of their acquisitions, as Lock.FastHist
}

// An SA is what one SA carried in the window.
type SA struct {
	bundle.SA           // as it was at the end; Drops of the window
	DeltaPackets uint64 `json:"delta_packets"`
	DeltaBytes   uint64 `json:"delta_bytes"`
	Reset        bool   `json:"reset,omitempty"` // counter went backwards or the SA is new: deltas are from zero
	// in the window: what it carried until then is not known, the deltas are 0
	Deleted  bool `json:"deleted,omitempty"`
	Outbound bool `json:"outbound"`
	Fallback bool `json:"fallback"` // outbound, no pcpu number
}

// A Drop is an xfrm_stat counter that moved.
type Drop struct {
	NetNS string `json:"netns,omitempty"`
	Name  string `json:"name"`
	Delta uint64 `json:"delta"`
}

// A Self is what one function costs by itself, idle time left out. Functions of
// one name are one: no comparison can tell them apart either.
type Self struct {
	Name   string
	Caller string // who calls it most, "" if there is none with a name
	Weight metric.Estimate
}

// Unlisted sums the functions that are not listed.
const Unlisted = "(functions not listed)"
