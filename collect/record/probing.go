package record

import (
	"context"
	"errors"
	"slices"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
)

// A probing is a probe of the plan: what carries it out in its phase.
type probing struct {
	name   string
	probes []probe.Probe // attached together, at least one
	window bundle.Window // in which they counted; zero: they did not
}

// loaded is the probes of a run that the kernel has taken; those it has not are
// nil.
type loaded struct {
	wait              *probe.Wait
	count, time       *probe.Acquire
	outbound, inbound *probe.Lookup
	stacks            *probe.Stacks
}

// loadProbes loads the probes of the plan, each by the best attach mode, or notes why
// there is none. It is done before there is a load: verifying takes seconds on
// busy CPUs.
func (r *recorder) loadProbes() {
	var l loaded
	load := r.loader
	for _, name := range r.plan.Probes {
		r.say("loading the " + name + " probe")
		switch name {
		case bundle.ProbeWait:
			l.wait = take(r, name, load.Wait)
		case bundle.ProbeCount:
			l.count = take(r, name, load.Count)
		case bundle.ProbeTime:
			l.time = take(r, name, load.Time)
		case bundle.ProbeFind:
			l.outbound = take(r, name,
				func() (*probe.Lookup, []probe.Attempt) { return load.Lookup(probe.DefaultOneIn) })
			l.inbound = take(r, bundle.ProbeInbound, load.Inbound)
		case bundle.ProbeStacks:
			l.stacks = take(r, name, load.Stacks)
		}
	}
	r.loaded = l
}

// take loads a probe, adds it to the run's, and returns it; nil, and a gap, if
// the kernel does not let it.
func take[T any, P interface {
	*T
	probe.Probe
}](r *recorder, name string, load func() (P, []probe.Attempt)) P {
	p, passed := load()
	if p == nil {
		r.gap(bundle.Gap{What: measures(name), Why: probe.WhyNot(passed),
			Fix: "`xfrmscope doctor` shows what each way to attach needs"})
		return nil
	}
	r.addProbe(name, p)
	return p
}

// addProbe adds a probe to the phase of its name; that of inbound SAs shares the
// phase of the outbound.
func (r *recorder) addProbe(name string, p probe.Probe) {
	if name == bundle.ProbeInbound {
		name = bundle.ProbeFind
	}
	if n := len(r.probings); n > 0 && r.probings[n-1].name == name {
		r.probings[n-1].probes = append(r.probings[n-1].probes, p)
		return
	}
	r.probings = append(r.probings, &probing{name: name, probes: []probe.Probe{p}})
}

// measures names what is not measured without a probe.
func measures(name string) string {
	switch name {
	case bundle.ProbeWait:
		return "lock waits"
	case bundle.ProbeCount:
		return "lock acquisitions"
	case bundle.ProbeTime:
		return "time of acquisitions"
	case bundle.ProbeFind:
		return "SA lookups"
	case bundle.ProbeInbound:
		return "inbound SAs by CPU"
	}
	return "stacks of waiters"
}

// settle is left out at the start of each phase: attaching and detaching patch
// kernel text on all CPUs.
const settle = 50 * time.Millisecond

// runPhases attaches one probe after the other, each in a window of its own
// after that of the samples, with one without any on either side: each event
// pays for being traced, and where the slow path itself is, the tracing would
// stand in every stack. The SAs are read at both ends of each phase, which
// tells what the probe did to the traffic. In the first phase perf counts.
func (r *recorder) runPhases(ctx context.Context) (why string, cause error) {
	r.expectPhases(0)
	why, cause = r.runPhase(ctx, bundle.FreePhase(0), nil)
	r.endCounting()
	for i, p := range r.probings {
		r.expectPhases(2*i + 1)
		if cause == nil && !r.loadEndedBefore(p) {
			why, cause = r.runPhase(ctx, p.name, p)
		}
		r.expectPhases(2*i + 2)
		if cause == nil {
			why, cause = r.runPhase(ctx, bundle.FreePhase(i+1), nil)
		}
		if cause != nil {
			r.noPhases("the run ended before its phase, which follows the window of the samples")
			return why, cause
		}
	}
	if len(r.plan.Probes) == 0 && cause == nil {
		r.expectPhases(1)
		why, cause = r.runPhase(ctx, bundle.FreePhase(1), nil)
	}
	return why, cause
}

// phases names the phases of the probes that were loaded.
func (r *recorder) phases() []string {
	probes := make([]string, len(r.probings))
	for i, p := range r.probings {
		probes[i] = p.name
	}
	names := phaseNames(probes)
	if len(probes) == 0 && len(r.plan.Probes) > 0 {
		return names[:1] // none of those planned
	}
	return names
}

// expectPhases expects the phases from one on.
func (r *recorder) expectPhases(from int) {
	r.expect(phasesLength(r.plan, r.phases()[from:]) + aboutSaved)
}

// miss notes what makes the run partial.
func (r *recorder) miss(what string) { r.missed = append(r.missed, what) }

// loadEndedBefore reports, and notes, that the load is no more. Of a window that
// ends with its load that was to be.
func (r *recorder) loadEndedBefore(p *probing) bool {
	if r.load == nil || !r.load.ended() {
		return false
	}
	const why = "the load had ended before the probe's phase"
	r.gap(bundle.Gap{What: measures(p.name), Why: why,
		Fix: "let the load run longer than the window and the phases, which --dry-run tells"})
	if !r.opt.UntilLoadEnds {
		r.miss("phase " + p.name + " did not run: " + why)
	}
	return true
}

// noPhases notes the probes that did not get their phase.
func (r *recorder) noPhases(why string) {
	for _, p := range r.probings {
		if p.window.StartNS == 0 {
			r.gap(bundle.Gap{What: measures(p.name), Why: why})
		}
	}
}

// runPhase runs one phase, of no probe if p is nil, and notes it. A load that
// has ended leaves nothing to see of it.
func (r *recorder) runPhase(ctx context.Context, name string, p *probing) (why string, cause error) {
	if r.load != nil && r.load.ended() {
		return "", nil
	}
	if p != nil {
		defer r.detach(p)
		if !r.attach(p) {
			return "", nil
		}
	}
	time.Sleep(settle)
	d := phaseLength(r.plan, name)
	r.say("phase " + name + " for " + seconds(d))
	phase := bundle.Phase{Name: name}
	if p == nil {
		why, cause = r.freeWindow(ctx, d, &phase)
	} else {
		why, cause = r.probeWindow(ctx, d, &phase, p)
	}
	r.update(func(m *bundle.Manifest) { m.Phases = append(m.Phases, phase) })
	return why, cause
}

// freeWindow counts the packets while no probe is attached, and the events if
// perf is there to.
func (r *recorder) freeWindow(ctx context.Context, d time.Duration, phase *bundle.Phase) (why string, cause error) {
	before := r.snapshot.readSAs(phase.Name)
	r.enableCounting(ctx)
	why, cause = r.watch(ctx, d, "phase "+phase.Name, nil)
	r.disableCounting()
	after := r.snapshot.readSAs(phase.Name)
	phase.Window = bundle.Window{StartNS: before.timeNS, EndNS: after.timeNS}
	phase.Packets, phase.Counted = sentBetween(before.sas, after.sas)
	r.warnDeleted(phase, before, after)
	if phase.Name == bundle.FreePhase(0) { // in which the events are counted
		r.snapshot.keepSAs(phase.Name, before.sas, after.sas)
	}
	return why, cause
}

// probeWindow lets the probes count, and counts the packets of the same time.
func (r *recorder) probeWindow(ctx context.Context, d time.Duration, phase *bundle.Phase, p *probing) (why string,
	cause error) {
	read := func() saRead { return r.snapshot.readSAs(phase.Name) }
	reads := []saRead{read()}
	r.open(p)
	if heldAgainstPackets(p.name) {
		reads = append(reads, read())
	}
	why, cause = r.watch(ctx, d, measures(p.name), nil)
	if heldAgainstPackets(p.name) {
		reads = append(reads, read())
	}
	r.shut(p)
	reads = append(reads, read())
	phase.Probe, phase.OneIn, phase.Skipped = p.name, p.probes[0].OneIn(), r.skipped(p)
	phase.Window, phase.SAReads = p.window, len(reads)-2
	phase.Packets, phase.Counted = sentWithin(p.window, reads)
	phase.Edge = sentAtEnds(reads)
	r.warnDeleted(phase, reads[0], reads[len(reads)-1])
	r.snapshot.keepSAs(phase.Name, reads[0].sas, reads[len(reads)-1].sas)
	return why, cause
}

// warnDeleted says which SAs were deleted in a phase, a rekey for example: what
// they carried until then is not counted.
func (r *recorder) warnDeleted(phase *bundle.Phase, first, last saRead) {
	if gone := deletedBetween(first.sas, last.sas); len(gone) > 0 {
		r.warn("packets of phase "+phase.Name, "SA %s was deleted in phase %s: what it carried until then "+
			"is not counted, so its packets/s are at least this, and what is per packet at most", few(gone),
			phase.Name)
	}
}

// heldAgainstPackets reports whether what a probe counts must equal the packets:
// the SAs are then read within its window too, next to both ends. Probes of
// waits would see that: it holds net->xfrm.xfrm_state_lock (xfrm_state_walk,
// net/xfrm/xfrm_state.c, 6.12), which others wait for.
func heldAgainstPackets(name string) bool {
	return name == bundle.ProbeCount || name == bundle.ProbeFind
}

// attach attaches the probes of a phase, and reports whether one is. Refusals
// are gaps.
func (r *recorder) attach(p *probing) bool {
	p.probes = slices.DeleteFunc(p.probes, func(each probe.Probe) bool {
		err := each.Attach()
		if err != nil {
			r.gap(bundle.Gap{What: measures(each.Name()), Why: errors.Join(err, each.Close()).Error()})
			r.miss("phase " + p.name + " did not run: " + err.Error())
		}
		return err != nil
	})
	return len(p.probes) > 0
}

func (r *recorder) detach(p *probing) {
	for _, each := range p.probes {
		if err := each.Detach(); err != nil {
			r.warn(measures(each.Name()), "detaching the probe: %v", err)
		}
	}
}

// open lets the probes count. One that cannot counts nothing, which is noted.
func (r *recorder) open(p *probing) {
	for _, each := range p.probes {
		if err := each.Open(); err != nil {
			r.gap(bundle.Gap{What: measures(each.Name()), Why: err.Error()})
			r.miss("phase " + p.name + " counted nothing: " + err.Error())
		}
	}
	p.window = p.probes[0].Window()
}

func (r *recorder) shut(p *probing) {
	for _, each := range p.probes {
		if err := each.Shut(); err != nil {
			r.warn(measures(each.Name()), "%v", err)
		}
	}
	p.window = p.probes[0].Window()
}

// skipped returns what the kernel kept from the phase's first probe, that of its
// name.
func (r *recorder) skipped(p *probing) uint64 {
	n, err := p.probes[0].Skipped()
	if err != nil {
		r.warn(measures(p.name), "%v", err)
	}
	return n
}

// closeProbes detaches and unloads the probes.
func (r *recorder) closeProbes() {
	for _, p := range r.probings {
		for _, each := range p.probes {
			if err := each.Close(); err != nil {
				r.warn(measures(each.Name()), "detaching the probe: %v", err)
			}
		}
	}
	r.probings = nil
}
