package perfdata

import (
	"fmt"
	"strings"

	"xfrmscope/collect/bundle"
)

// An Event is one kind of sample of the recording: one perf_event_attr, opened
// on as many CPUs or tasks as it has IDs.
type Event struct {
	Index  int    // position in File.Events
	Name   string // as perf prints it: "cycles:k", "lock:contention_begin"
	attr   attr
	spe    bool     // of Arm's SPE: its samples are in the trace
	ids    []uint64 // of its instances; nil if the recording names none
	layout layout
}

// Hardware and software event numbers (include/uapi/linux/perf_event.h, 7.2)
// that a reader needs by number.
const (
	hwCycles       = 0
	hwInstructions = 1
	hwBusCycles    = 6
	hwStalledFront = 7
	hwStalledBack  = 8
	hwRefCycles    = 9

	swCPUClock  = 0
	swTaskClock = 1
	swDummy     = 9
)

// IsDummy reports whether e is the event perf adds to carry side-band records
// ("dummy:HG", "dummy:u"); it counts nothing and has no samples of its own.
func (e *Event) IsDummy() bool { return e.layout.dummy }

func (a *attr) isDummy() bool { return a.Type == typeSoftware && a.Config == swDummy }

// HasIP reports whether the samples say where the processor was.
func (e *Event) HasIP() bool { return e.attr.has(sampleIP) }

// Unused names what is recorded with the samples and nothing is made of.
func (e *Event) Unused() []string {
	var list []string
	if e.attr.has(sampleStackUser) {
		list = append(list,
			"copies of user stacks (--call-graph dwarf): they are not unwound, user frames are missing")
	}
	if e.attr.has(sampleBranchStack) && !e.IsCallStack() {
		list = append(list, "branch stacks (-b)")
	}
	if e.attr.has(sampleDataSrc) && !e.Memory() {
		list = append(list, "sources of data (perf mem, perf c2c)")
	}
	return list
}

// FrequencyHz returns the sampling frequency asked for, 0 if a period was.
func (e *Event) FrequencyHz() uint64 {
	if e.attr.Flags&flagFreq != 0 {
		return e.attr.SamplePeriod
	}
	return 0
}

// Unit returns what one unit of Sample.Period is: "nanoseconds" for the
// clocks, "cycles", "instructions", else "count".
func (e *Event) Unit() string {
	config := e.attr.Config & 0xffffffff // the upper half names the PMU of a hybrid CPU
	switch e.attr.Type {
	case typeSoftware:
		if e.attr.Config == swCPUClock || e.attr.Config == swTaskClock {
			return "nanoseconds"
		}
		return "count"
	case typeHardware:
		switch config {
		case hwCycles, hwBusCycles, hwStalledFront, hwStalledBack, hwRefCycles:
			return "cycles"
		case hwInstructions:
			return "instructions"
		}
		return "count"
	case typeTracepoint, typeHWCache, typeBreakpoint:
		return "count"
	}
	return UnitOf(e.Name)
}

// UnitOf is Unit of an event of which only perf's name is known: a raw or
// dynamic PMU's, or one of a text. "cpu-clock:uhH", "cpu_core/cpu-cycles/k",
// "ref-cycles:u".
func UnitOf(name string) string {
	if _, in, ok := strings.Cut(name, "/"); ok {
		name, _, _ = strings.Cut(in, "/")
	}
	name, _, _ = strings.Cut(strings.TrimPrefix(name, bundle.SimPrefix), ":")
	switch {
	case name == "cpu-clock", name == "task-clock":
		return "nanoseconds"
	case name == "cycles", strings.HasSuffix(name, "-cycles"):
		return "cycles"
	case name == "instructions":
		return "instructions"
	}
	return "count"
}

// defaultName names an event the recording has no name for, as perf would
// (tools/perf/util/evsel.c evsel__name, 6.1).
func defaultName(a *attr, pmus map[uint32]string) string {
	var name string
	config := a.Config & 0xffffffff
	switch a.Type {
	case typeHardware:
		name = pick([]string{
			"cycles", "instructions", "cache-references", "cache-misses", "branches", "branch-misses",
			"bus-cycles", "stalled-cycles-frontend", "stalled-cycles-backend", "ref-cycles",
		}, config, "unknown-hardware")
	case typeSoftware:
		name = pick([]string{
			"cpu-clock", "task-clock", "page-faults", "context-switches", "cpu-migrations", "minor-faults",
			"major-faults", "alignment-faults", "emulation-faults", "dummy", "bpf-output",
			"cgroup-switches",
		}, a.Config, "unknown-software")
	case typeHWCache:
		name = cacheName(config)
	case typeTracepoint:
		return fmt.Sprintf("tracepoint %d", a.Config)
	case typeRaw:
		name = fmt.Sprintf("raw 0x%x", a.Config)
	case typeBreakpoint:
		name = fmt.Sprintf("mem:0x%x", a.Config1)
	default:
		pmu, known := pmus[a.Type]
		if !known {
			return fmt.Sprintf("unknown attr type: %d", a.Type)
		}
		return fmt.Sprintf("%s/config=0x%x/%s", pmu, a.Config, modifiers(a, ""))
	}
	return name + modifiers(a, ":")
}

func pick(names []string, i uint64, unknown string) string {
	if i < uint64(len(names)) {
		return names[i]
	}
	return fmt.Sprintf("%s-%d", unknown, i)
}

// cacheName names a PERF_TYPE_HW_CACHE event: cache, operation and result in
// the three low bytes of the config.
func cacheName(config uint64) string {
	cache := pick([]string{"L1-dcache", "L1-icache", "LLC", "dTLB", "iTLB", "branch", "node"}, config&0xff, "cache")
	op := config >> 8 & 0xff
	if config>>16&0xff != 0 {
		return cache + "-" + pick([]string{"load-misses", "store-misses", "prefetch-misses"}, op, "misses")
	}
	return cache + "-" + pick([]string{"loads", "stores", "prefetches"}, op, "accesses")
}

// modifiers returns the ":ukhp" that perf appends for exclusions and
// precision (tools/perf/util/evsel.c perf_evsel__add_modifiers, 6.1).
func modifiers(a *attr, colon string) string {
	var mod strings.Builder
	include := func(exclude uint64, letter byte) {
		if a.Flags&exclude == 0 {
			mod.WriteByte(letter)
		}
	}
	guestExcluded := false
	if a.Flags&(flagExcludeUser|flagExcludeKernel|flagExcludeHV) != 0 {
		include(flagExcludeKernel, 'k')
		include(flagExcludeUser, 'u')
		include(flagExcludeHV, 'h')
		guestExcluded = true
	}
	if a.PreciseIP > 0 {
		mod.WriteString("ppp"[:a.PreciseIP])
		guestExcluded = true
	}
	if a.Flags&flagExcludeHost != 0 || (a.Flags&flagExcludeGuest != 0) == guestExcluded {
		include(flagExcludeHost, 'H')
		include(flagExcludeGuest, 'G')
	}
	if mod.Len() == 0 {
		return ""
	}
	return colon + mod.String()
}
