package view

import (
	"cmp"
	"slices"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// Weighed is what shares of an event are of: those of misses, faults or waits
// that began are of samples, which say nothing of how busy a CPU is.
func Weighed(e *result.Event) string {
	if e != nil && !e.Timed() {
		return "samples"
	}
	return "busy"
}

// WeighedBy is what shares of the main events of runs are of.
func WeighedBy(runs ...*result.Run) string {
	for _, r := range runs {
		if of := Weighed(r.Main()); of != "busy" {
			return of
		}
	}
	return "busy"
}

// SamplesOf names the samples that shares of an event are of.
func SamplesOf(e *result.Event) string {
	switch of := Weighed(e); {
	case of == "busy" && e != nil && e.Counted():
		return e.Of()
	case of == "busy":
		return of + " samples"
	}
	return format.Name(e.Name) + " samples"
}

// SamplesBy names the samples that shares of the main events of runs are of.
func SamplesBy(runs ...*result.Run) string {
	if WeighedBy(runs...) == "busy" {
		return cmp.Or(Common(runs, func(r *result.Run) string {
			if r.Main() == nil {
				return ""
			}
			return SamplesOf(r.Main())
		}), "busy samples")
	}
	return format.Name(Common(runs, func(r *result.Run) string {
		if e := r.Main(); e != nil {
			return e.Name
		}
		return ""
	})) + " samples"
}

// Counted reports whether all runs are of a simulated machine, which counts every event and samples nothing: their
// shares have no error.
func Counted(runs []*result.Run) bool {
	return !slices.ContainsFunc(runs, func(r *result.Run) bool { return r.Main() == nil || !r.Main().Counted() })
}

// CPUs are those of the main event, on all PMUs of a hybrid CPU, in order.
func CPUs(r *result.Run) []result.CPU {
	var out []result.CPU
	for _, e := range r.Mains() {
		out = append(out, e.CPUs...)
	}
	slices.SortStableFunc(out, func(a, b result.CPU) int { return cmp.Compare(a.CPU, b.CPU) })
	return out
}

// CPUShare is the part of a CPU's samples that is not idle; of an event that is
// no time the part of the event's samples that fell on the CPU.
func CPUShare(r *result.Run, c *result.CPU) float64 {
	if Weighed(r.Main()) == "busy" {
		return c.Busy.Period / c.Total.Period
	}
	return c.Total.Period / AllCPUs(r).Total.Period
}

// PMUName is the PMU of an event: "cpu_atom" of "cpu_atom/cycles/k".
func PMUName(event string) string {
	pmu, _, _ := strings.Cut(event, "/")
	return pmu
}

// OfEvent is a run as if one event of it had been sampled alone.
func OfEvent(r *result.Run, e *result.Event) *result.Run {
	one := *r
	one.Events = []*result.Event{e}
	return &one
}

// ByPMU has, of a run on a hybrid CPU, a run for each PMU: their shares and
// costs are of clocks of their own and are not put together.
func ByPMU(runs ...*result.Run) []*result.Run {
	var out []*result.Run
	for _, r := range runs {
		mains := r.Mains()
		if len(mains) < 2 {
			out = append(out, r)
			continue
		}
		for _, e := range mains {
			one := OfEvent(r, e)
			if one.Name += " " + e.Name; one.Mode != "" {
				one.Mode += " " + e.Name
			}
			out = append(out, one)
		}
	}
	return out
}
