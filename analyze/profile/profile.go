package profile

import "xfrmscope/collect/bundle"

// A Profile is the samples of one run and one event, aggregated: never more
// than one event, so that a cost is never the sum of unlike things. Its tables
// follow profile.proto (Mapping, Function, Location); a Stack is leaf first.
//
// Profiles are values once built: nothing changes them, and they may be read
// from several goroutines.
type Profile struct {
	Event     Event
	Mappings  []Mapping
	Functions []Function
	Locations []Location
	Stacks    []Stack
	Comms     []string

	// Cells is sorted by CPU, Comm, PID, TID, Stack, so that two builds of the
	// same recording are equal byte for byte.
	Cells []Cell

	// Timeline is sorted by CPU, Slice, Stack; nil unless Options.Timeline asks
	// for it, and if it would not fit.
	Timeline []Slot

	// Losses is what the profiler could not see, for this event or for all.
	Losses []bundle.Loss

	// Warnings weaken every number of this profile.
	Warnings []bundle.Warning
}

// An Event is the kind that was sampled.
type Event struct {
	Name string // as the recording names it: "cycles:k", "cpu-clock"
	Unit string // unit of the period: "nanoseconds" for clocks, "cycles", "count"

	// PeriodFixed is the period if every sample has the same one, else 0.
	PeriodFixed uint64
	// FrequencyHz is the sampling frequency asked for, 0 if a period was.
	FrequencyHz uint64
	// Memory: samples are memory accesses, chosen for what they are; no share of them is of time.
	Memory bool
}

// A Mapping is an executable file (or the kernel, or a kernel module) that
// locations point into.
type Mapping struct {
	File    string // "[kernel.kallsyms]", "[esp4]", "/usr/lib/x86_64-linux-gnu/libc.so.6"
	BuildID string // hex, "" if not recorded
	Start   uint64 // first address; 0 if not known
	Limit   uint64 // address after the last; 0 if not known
	Offset  uint64 // file offset of Start
	Kernel  bool   // kernel text or a kernel module
}

// A Function is what a report calls a frame.
type Function struct {
	Name    string // as the symbol table has it, suffixes kept: "xfrm_output_one.isra.0"
	Mapping int    // index into Profile.Mappings, -1 if none
}

// A Location is one address on a stack; of user code, one function.
type Location struct {
	Address  uint64 // kernel: as sampled; user: of the function in its file; 0 if not known
	Mapping  int    // index into Profile.Mappings, -1 if none
	Function int    // index into Profile.Functions, -1 if no symbol covers it
	Inlined  bool   // into the function of the stack's next location
}

// A Stack is a call chain: indexes into Profile.Locations, LEAF FIRST.
type Stack []int32

// A Cell counts the samples that share stack, CPU and task.
type Cell struct {
	Stack    int32  // index into Profile.Stacks
	CPU      int32  // -1 if the samples carry none
	PID, TID int32  // -1 if the samples carry none
	Comm     int32  // index into Profile.Comms, -1 if not known
	Count    uint64 // samples
	Period   uint64 // sum of the samples' periods, in Event.Unit

	// PeriodSq is the sum of the squared periods: the variance of Period as an
	// estimate (DESIGN "est, se"). With a fixed period p it is Count*p*p; of an event
	// that a simulated machine counted it is 0.
	PeriodSq float64
}

// Unknown is the name of a frame no symbol covers.
const Unknown = "[unknown]"

// FunctionName returns the name of a location's function, or Unknown.
func (p *Profile) FunctionName(loc int32) string {
	f := p.Locations[loc].Function
	if f < 0 {
		return Unknown
	}
	return p.Functions[f].Name
}

// Total returns the number of samples and the sum of their periods.
func (p *Profile) Total() (count, period uint64) {
	for i := range p.Cells {
		count += p.Cells[i].Count
		period += p.Cells[i].Period
	}
	return count, period
}
