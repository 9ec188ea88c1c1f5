package record

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/perf"
	"xfrmscope/collect/sched"
)

// A setup is a plan, and what this machine makes of it.
type setup struct {
	plan   bundle.Plan
	opt    Options
	tool   *perf.Tool
	events []bundle.Event
	memory []string // events that sample accesses to memory
	blind  string   // what those cannot tell
	counts []string // events that are counted only
	hz     int
	own    bundle.CPUSet // CPUs this process may run on
	pin    bundle.CPUSet // CPUs the collector and perf keep to while measuring

	end  time.Time // about when the run will be saved
	over bool      // the window of the samples is over

	warnings []bundle.Warning
	gaps     []bundle.Gap
}

// prepare checks the plan and the machine, pins this process, and tries every
// event. The caller releases the setup.
func prepare(ctx context.Context, plan bundle.Plan, opt Options) (*setup, error) {
	if err := CheckPlan(plan, opt); err != nil {
		return nil, err
	}
	s := &setup{plan: plan, opt: opt}
	s.expect(Length(plan))
	var err error
	if s.tool, err = FindPerf(ctx, opt.Perf); err != nil {
		return nil, err
	}
	if err := CheckPermission(opt.Root); err != nil {
		return nil, err
	}
	if err := s.choosePins(); err != nil {
		return nil, err
	}
	if err := sched.PinProcess(s.pin); err != nil {
		s.warnings = append(s.warnings, bundle.Warn(bundle.EveryNumber, "the collector is not pinned: %v", err))
	}
	s.chooseFrequency()
	if err := s.chooseEvents(ctx); err != nil {
		s.release()
		return nil, err
	}
	return s, nil
}

// release lets this process run where it was started.
func (s *setup) release() {
	// Where it could not be pinned it need not be let go.
	_ = sched.PinProcess(s.own)
}

// FindPerf looks for the perf program; a *Missing says how to get one.
func FindPerf(ctx context.Context, path string) (*perf.Tool, error) {
	tool, err := perf.Find(ctx, path)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, perf.ErrTooOld):
		return nil, &Missing{What: "perf", Why: err.Error(),
			Fix: "install a newer one; any perf works on any kernel", Err: err}
	case err != nil:
		return nil, &Missing{What: "perf", Why: err.Error(),
			Fix: "install it: `apt-get install linux-perf` on Debian, linux-tools-$(uname -r) on Ubuntu, " +
				"perf elsewhere", Err: err}
	}
	return tool, nil
}

// choosePins finds CPUs for the collector and perf that are not measured,
// within those this process was started on if that leaves any.
func (s *setup) choosePins() error {
	online, err := s.opt.Root.Online()
	if err != nil {
		return err
	}
	if s.own, err = sched.Affinity(); err != nil {
		return err
	}
	for _, candidates := range []bundle.CPUSet{s.own, online} {
		if s.pin = without(candidates, s.plan.CPUs); len(s.pin) > 0 {
			return nil
		}
	}
	s.pin = s.own
	s.warnings = append(s.warnings, bundle.Warn(bundle.EveryNumber,
		"all online CPUs (%s) are measured, so perf and the collector ran on them too; measure fewer to keep "+
			"one free", online))
	return nil
}

func without(set, drop bundle.CPUSet) bundle.CPUSet {
	return slices.DeleteFunc(slices.Clone(set), drop.Contains)
}

// chooseFrequency lowers the frequency to what the kernel allows: it lowers
// kernel.perf_event_max_sample_rate itself where interrupts take long.
func (s *setup) chooseFrequency() {
	s.hz = frequency(s.plan)
	limit, err := s.opt.Root.ReadInt("/proc/sys/kernel/perf_event_max_sample_rate")
	if err != nil || limit <= 0 || s.hz <= limit {
		return
	}
	s.warnings = append(s.warnings, bundle.Warn("samples", "sampled at %d Hz, not %d: the kernel allows no more; "+
		"`sysctl kernel.perf_event_max_sample_rate=%s` and perf_cpu_time_max_percent=0 lift that", limit, s.hz,
		strconv.Itoa(s.hz)))
	s.hz = limit
}

// chooseEvents tries every event on the first measured CPU.
func (s *setup) chooseEvents(ctx context.Context) error {
	s.say("trying the events on CPU " + s.plan.CPUs[:1].String())
	s.events = perf.Resolve(s.plan.Events, func(event string) error {
		return s.tool.Try(ctx, event, s.plan.CPUs[0])
	})
	if ctx.Err() == nil && len(s.opened()) > 0 {
		if err := s.addLines(ctx); err != nil {
			return err
		}
		s.trySampling(ctx)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(s.opened()) == 0 {
		return &Missing{What: "perf events", Why: "none of those asked for can be sampled: " + s.events[0].Why,
			Fix: "`xfrmscope doctor` shows what can; in a container, seccomp may forbid perf_event_open"}
	}
	s.gaps = append(s.gaps, perf.Gaps(s.events)...)
	return nil
}

// trySampling samples all events together, and should that fail each alone, to
// drop those that can be counted but not sampled.
func (s *setup) trySampling(ctx context.Context) {
	if s.tool.TrySampling(ctx, s.perfOptions("", s.sampled())) == nil {
		return
	}
	for i, e := range s.events {
		if e.Opened == "" {
			continue
		}
		if err := s.tool.TrySampling(ctx, s.perfOptions("", []string{e.Opened})); err != nil {
			s.events[i] = bundle.Event{Asked: e.Asked,
				Why:         "can be counted but not sampled: " + err.Error(),
				Unsupported: errors.Is(err, errors.ErrUnsupported)}
		}
	}
}

// opened returns the events that perf is given.
func (s *setup) opened() []string {
	var events []string
	for _, e := range s.events {
		if e.Opened != "" && !slices.Contains(events, e.Opened) {
			events = append(events, e.Opened)
		}
	}
	return events
}

func (s *setup) perfOptions(output string, events []string) perf.Options {
	return perf.Options{CPUs: s.plan.CPUs, Events: events, FrequencyHz: s.hz, Output: output,
		Memory: len(s.memory) > 0}
}
