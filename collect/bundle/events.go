package bundle

import (
	"slices"
	"strings"
)

// UnnamedEvent stands for the event of a file that names none.
const UnnamedEvent = "unnamed event"

// SamplesTime reports whether samples of an event stand for time, by its name:
// "cycles:ppp", "cpu_atom/cycles/k", "task-clock". Of any other event a share of
// the samples is no share of time.
func SamplesTime(event string) bool {
	pmu, base, terms := eventParts(event)
	switch {
	case pmu == "ibs_op": // counts cycles, or instructions if it is told so
		return !strings.Contains(terms, "cnt_ctl=1")
	case strings.HasPrefix(base, "cpu_clk_unhalted"):
		return true
	}
	return slices.Contains(strings.Fields("cycles cpu-cycles cpu_cycles ref-cycles cpu-clock task-clock cpu"), base)
}

// BaseEvent is what an event counts, whatever PMU counts it: "cycles" of
// "cpu_core/cycles/Pu".
func BaseEvent(event string) string {
	_, base, _ := eventParts(event)
	return base
}

// LeavesKernelOut reports whether an event is of user space alone, by its name, as
// perf makes it for who is not root: "cycles:u", "cpu_core/cycles/Pu".
func LeavesKernelOut(event string) bool {
	event = strings.TrimSuffix(event, "/")
	at := strings.LastIndexAny(event, ":/")
	return at >= 0 && strings.Trim(event[at+1:], "uPpSDHGe") == "" && strings.Contains(event[at+1:], "u")
}

// eventParts parts "cpu_core/cycles:Pu/" and "cycles:k".
func eventParts(event string) (pmu, base, terms string) {
	event = strings.TrimPrefix(event, SimPrefix)
	if before, in, ok := strings.Cut(event, "/"); ok {
		pmu, terms = before, in
		event, _, _ = strings.Cut(in, "/")
	}
	base, _, _ = strings.Cut(event, ":")
	base, _, _ = strings.Cut(base, ",")
	return pmu, base, terms
}

// IsClock reports whether an event is a software clock, by its name: "cpu-clock".
func IsClock(event string) bool { return strings.Contains(event, "clock") }

// CountsMisses reports whether an event counts cache misses, by its name:
// "L1-dcache-load-misses", "mem_load_retired.l3_miss", not "branch-misses".
func CountsMisses(event string) bool {
	return CountsTransfers(event) || strings.Contains(event, "miss") && !strings.Contains(event, "branch")
}

// CountsTransfers reports whether an event counts lines that come from other caches:
// "ls_dmnd_fills_from_sys.near_cache", "mem_load_l3_hit_retired.xsnp_fwd".
func CountsTransfers(event string) bool {
	event = strings.ToLower(event)
	return slices.ContainsFunc([]string{"fills_from_sys.", ".ls_mabresp_", ".xsnp_", ".remote_hitm", ".remote_fwd",
		"remote_access"}, func(part string) bool { return strings.Contains(event, part) })
}
