package cost

import (
	"math"
	"slices"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// NewMisses relates each cache-miss event to the cycles and instructions of the
// same CPUs. Events that were not sampled leave a value that says so.
func NewMisses(events []*result.Event) []result.Miss {
	inCycles, inInstructions := ofUnit(events, "cycles"), ofUnit(events, "instructions")
	inWork := inCycles
	if len(inWork) == 0 {
		inWork = ofUnit(events, "nanoseconds")
	}
	var out []result.Miss
	for _, e := range events {
		if !bundle.CountsMisses(e.Name) {
			continue
		}
		cycles, instructions, work := beside(inCycles, e), beside(inInstructions, e), beside(inWork, e)
		for _, c := range append([]result.CPU{e.All}, e.CPUs...) {
			out = append(out, result.Miss{
				Event:               e.Name,
				CPU:                 c.CPU,
				PerKiloCycle:        perKilo(metric.MPKCID, "1/1000 cycles", c, cycles),
				PerKiloInstructions: perKilo(metric.MPKIID, "1/1000 instructions", c, instructions),
				PerPacket:           c.PerPacket,
				Functions:           intensities(c, work),
			})
		}
	}
	return out
}

// ofUnit are the events whose periods have the unit.
func ofUnit(events []*result.Event, unit string) []*result.Event {
	return slices.DeleteFunc(slices.Clone(events), func(e *result.Event) bool { return e.Unit != unit })
}

// beside is the first of some events that has samples on a CPU of the misses, as of a
// hybrid CPU that of the same PMU; else the first, nil of none.
func beside(events []*result.Event, misses *result.Event) *result.Event {
	for _, e := range events {
		if slices.ContainsFunc(misses.CPUs, func(c result.CPU) bool { return !OnCPU(e, c.CPU).Total.Empty() }) {
			return e
		}
	}
	if len(events) == 0 {
		return nil
	}
	return events[0]
}

// perKilo is 1000 x the misses of a CPU over the other event's weight there.
func perKilo(id, unit string, miss result.CPU, other *result.Event) metric.Value {
	what := strings.TrimPrefix(unit, "1/1000 ")
	if other == nil {
		return metric.NotMeasured(id, unit,
			bundle.Gap{What: "misses per 1000 " + what, Why: "the run has no event that counts " + what})
	}
	r, se, ok := metric.Ratio(miss.Total, OnCPU(other, miss.CPU).Total)
	if !ok {
		return metric.NotMeasured(id, unit,
			bundle.Gap{What: "misses per 1000 " + what, Why: "no sample of " + other.Name +
				" fell on this CPU"})
	}
	return metric.Value{ID: id, Value: 1000 * r, Unit: unit, SE: 1000 * se, Samples: miss.Total.Samples}
}

// OnCPU returns the event's analysis on one CPU, or on all (-1).
func OnCPU(e *result.Event, cpu int) result.CPU {
	if cpu == -1 {
		return e.All
	}
	for _, c := range e.CPUs {
		if c.CPU == cpu {
			return c
		}
	}
	return result.CPU{CPU: cpu}
}

// intensities relates the functions that miss most to what they work, over all
// CPUs. work is nil if no event tells.
func intensities(miss result.CPU, work *result.Event) []result.Intensity {
	if miss.CPU != result.AllCPUs {
		return nil
	}
	ran := map[string]metric.Estimate{}
	if work != nil {
		for _, s := range work.Self {
			ran[s.Name] = s.Weight
		}
	}
	var out []result.Intensity
	for _, f := range miss.Functions {
		i := result.Intensity{Name: f.Name, Module: f.Module, Misses: f.Share}
		missing := func(why string) metric.Value {
			return metric.NotMeasured(metric.IntensityID, "1", bundle.Gap{What: "miss intensity", Why: why})
		}
		if work == nil {
			i.Value = missing("no event tells how much a function works: neither cycles nor a clock was " +
				"sampled")
			i.Work = metric.NotMeasured(metric.ShareID, "ratio", *i.Value.Missing)
			out = append(out, i)
			continue
		}
		i.Work = share(metric.ShareID, ran[f.Name], work.All.Busy)
		switch {
		case !i.Misses.Measured():
			i.Value = missing(i.Misses.Missing.Why)
		case !i.Work.Measured():
			i.Value = missing(i.Work.Missing.Why)
		case i.Work.Value == 0:
			i.Value = missing("less than 0.01 % of " + work.Name +
				" fell into the function: too little to divide by")
		default:
			v := i.Misses.Value / i.Work.Value
			i.Value = metric.Value{ID: metric.IntensityID, Value: v, Unit: "1",
				Samples: min(i.Misses.Samples, i.Work.Samples),
				SE:      math.Hypot(i.Misses.SE, v*i.Work.SE) / i.Work.Value}
		}
		out = append(out, i)
	}
	return out
}
