package result

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

// Main returns the event that tells where time goes: cycles, else a clock, else
// the first; nil if the run has no event.
func (r *Run) Main() *Event {
	for _, unit := range []string{"cycles", "nanoseconds"} {
		for _, e := range r.Events {
			if e.Unit == unit {
				return e
			}
		}
	}
	if len(r.Events) == 0 {
		return nil
	}
	return r.Events[0]
}

// Mains are the main event and, of a hybrid CPU, the same event of its other
// PMUs: no CPU has samples of two of them.
func (r *Run) Mains() []*Event {
	main := r.Main()
	if main == nil {
		return nil
	}
	out, cpus := []*Event{main}, main.cpus(map[int]bool{})
	for _, e := range r.Events {
		if e == main || bundle.BaseEvent(e.Name) != bundle.BaseEvent(main.Name) {
			continue
		}
		own := e.cpus(map[int]bool{})
		if len(own) > 0 &&
			!slices.ContainsFunc(slices.Collect(maps.Keys(own)), func(c int) bool { return cpus[c] }) {
			out, cpus = append(out, e), e.cpus(cpus)
		}
	}
	return out
}

// PMUs names the main events of runs on a hybrid CPU, one a PMU; one without a name
// stands for each run's main event.
func PMUs(runs []*Run) []string {
	var names []string
	hybrid := false
	for _, r := range runs {
		mains := r.Mains()
		hybrid = hybrid || len(mains) > 1
		for _, e := range mains {
			names = AppendNew(names, e.Name)
		}
	}
	if !hybrid {
		return []string{""}
	}
	return names
}

// MainOf is the main event of that name, as a hybrid CPU has several; of no name it is
// Main. It is nil if the run has none.
func (r *Run) MainOf(event string) *Event {
	if event == "" {
		return r.Main()
	}
	for _, e := range r.Mains() {
		if e.Name == event {
			return e
		}
	}
	return nil
}

// cpus adds the CPUs that have samples, as far as they were recorded.
func (e *Event) cpus(to map[int]bool) map[int]bool {
	for _, c := range e.CPUs {
		if c.CPU >= 0 {
			to[c.CPU] = true
		}
	}
	return to
}

// Timed reports whether the samples stand for time, as far as the file names
// its event: those of one that is not named are taken for it, and Of says less.
func (e *Event) Timed() bool { return !e.Memory && (!e.Named() || bundle.SamplesTime(e.Name)) }

// Named reports whether it is known what was sampled.
func (e *Event) Named() bool { return e.Name != bundle.UnnamedEvent && e.Name != "samples" }

// Counted reports whether a simulated machine counted each event: a sample of it is a row, and says nothing of how
// much was seen.
func (e *Event) Counted() bool { return bundle.Simulated(e.Name) }

// Of is what shares of the event are of: "busy time", or no more than "samples".
func (e *Event) Of() string {
	switch {
	case !e.Named():
		return "samples"
	case e.Timed() && e.Counted():
		return "busy " + e.Unit
	case e.Timed():
		return "busy time"
	}
	return e.Name + " samples"
}

// Event returns the run's event of a name, nil if it has none.
func (r *Run) Event(name string) *Event {
	for _, e := range r.Events {
		if e.Name == name {
			return e
		}
	}
	return nil
}

var MissingReading = bundle.Gap{What: "this number", Why: "the run does not have it"}

func RunsPresent(r *Result) []*Run {
	return slices.DeleteFunc(slices.Clone(r.Runs), func(run *Run) bool { return run == nil })
}

func AppendNew[T comparable](list []T, v T) []T {
	if slices.Contains(list, v) {
		return list
	}
	return append(list, v)
}

// Gate returns the status of a gate, "" if the run has none of that id.
func (r *Run) Gate(id string) string {
	for _, g := range r.Gates {
		if g.ID == id {
			return g.Status
		}
	}
	return ""
}

// Class is the name that a lock has in every run: "x->lock" of any SA, those of
// inbound ones apart, for other code takes them; without the CPU of a per-CPU one;
// of a lock without a name, who waited for it most.
func (l *Lock) Class() string {
	switch name := l.ID.Class(); {
	case l.SPI != 0 && l.ID.Inbound:
		return "x->lock inbound"
	case l.SPI != 0:
		return "x->lock"
	case name != "":
		return name
	case len(l.Callers) > 0:
		return "in " + l.Callers[0].Name
	}
	return UnnamedLocks
}

// UnnamedLocks is the class of locks of which nothing is known.
const UnnamedLocks = "locks without a name"

// ModeName is the mode of a run; one without stands for itself.
func (r *Run) ModeName() string { return cmp.Or(r.Mode, r.Name) }

// Label names a lock as far as it is known: by name, by who waited for it, by
// address.
func (l *Lock) Label() string {
	switch {
	case l.Name != "":
		return l.Name
	case l.SPI != 0:
		return fmt.Sprintf("x->lock SPI %#x", l.SPI)
	case len(l.Callers) > 0:
		return fmt.Sprintf("lock %s, taken in %s,", l.Lock, l.Callers[0].Name)
	}
	return "lock " + l.Lock
}

func (r *Run) KernelName() string { return cmp.Or(r.Manifest.Host.Kernel, "kernel unnamed") }

// Perturbed reports whether the waits were counted under another traffic than
// the samples: packets/s changed by 2 % or more.
func (l *Locks) Perturbed() bool {
	return l.Effect.Measured() && math.Abs(l.Effect.Value) >= Perturbing
}

// Headline is packets/s as a report states it and compares it: without perf and
// probes where there was such a time. What is per packet stays over Rate.
func (p *Packets) Headline() metric.Value {
	if p.Unperturbed != nil {
		v := *p.Unperturbed
		v.Doubt = cmp.Or(v.Doubt, p.Rate.Doubt)
		return v
	}
	return p.Rate
}

// MeasuredRate is the packet rate of the CPUs measured.
func (p *Packets) MeasuredRate() metric.Value {
	if p.Measured != nil {
		return *p.Measured
	}
	return p.Rate
}

// Perturbing is the change of packets/s from which a probe's own effect, or the
// load's drift, must be told beside what it counted.
const Perturbing = 0.02

// Perturbed reports whether a probe counted under another traffic than that
// beside its window: packets/s changed by 2 % or more.
func (p *Phase) Perturbed() bool {
	return p.Probe != "" && p.Effect.Measured() && math.Abs(p.Effect.Value) >= Perturbing
}

// Factor is what N counts: "CPUs", "flows".
func (r *Result) Factor() string {
	runs := RunsPresent(r)
	labelled := slices.ContainsFunc(runs, func(run *Run) bool { return run.Mode != "" })
	for _, run := range runs {
		if (run.Mode != "" || !labelled) && run.Factor != "" {
			return run.Factor
		}
	}
	return "CPUs"
}

// Offered reports whether N is a rate that a generator offered: what carries it does
// not grow with it, so there is no speed-up.
func Offered(factor string) bool { return strings.HasPrefix(factor, "offered ") }

// IsPlain reports whether a mode is the label of runs without IPsec.
func IsPlain(mode string) bool { return mode == "plain" || mode == "no-ipsec" || mode == "none" }

// Pick returns the runs at some indexes; those that do not exist are left out.
func Pick(runs []*Run, index []int) []*Run {
	var out []*Run
	for _, i := range index {
		if i >= 0 && i < len(runs) && runs[i] != nil {
			out = append(out, runs[i])
		}
	}
	return out
}

// AllCPUs is the CPU number of figures over all of them.
const AllCPUs = -1

func (r *Run) Warn(weakens, format string, args ...any) {
	r.Warnings = append(r.Warnings, bundle.Warn(weakens, format, args...))
}

// WarnOf warns of what a report puts together over runs by its kind.
func (r *Run) WarnOf(kind bundle.WarningKind, weakens, format string, args ...any) {
	r.Warnings = append(r.Warnings, bundle.Warn(weakens, format, args...).Of(kind))
}

// Keep notes a file that could be read in part or not at all.
func (r *Run) Keep(what string, err error) {
	if err != nil {
		r.Warn(what, "%v", err)
	}
}

func (r *Run) Gap(g bundle.Gap) {
	if !slices.Contains(r.Gaps, g) {
		r.Gaps = append(r.Gaps, g)
	}
}

// CPU is the CPU that sends by the SA, -1 if any may: xfrm_state_look_at passes
// over SAs of another CPU (net/xfrm/xfrm_state.c, 6.13). Inbound packets come in
// where the card's queues put them, whatever number their SA has.
func (s *SA) CPU() int {
	if s.PCPU == nil || !s.Outbound {
		return -1
	}
	return int(*s.PCPU)
}
