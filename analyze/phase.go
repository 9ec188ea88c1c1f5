package analyze

import (
	"fmt"
	"math"

	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

// newPhases says what each probe did to the traffic.
func newPhases(m *bundle.Manifest) []Phase {
	var out []Phase
	for i, p := range m.Phases {
		out = append(out, Phase{
			Name: p.Name, Probe: p.Probe, Seconds: p.Window.Seconds(),
			Rate: phaseRate(p), Effect: phaseEffect(m.Phases, i), SAReads: p.SAReads, OneIn: p.OneIn, Skipped: p.Skipped,
		})
	}
	return out
}

func phaseRate(p bundle.Phase) metric.Value {
	if !p.Counted {
		return metric.NotMeasured(metric.RateID, "packets/s", bundle.Gap{What: "packets of phase " + p.Name, Why: "no outbound SA was read at both ends of it"})
	}
	return packetRate(p.Packets, p.Window.Seconds())
}

// perturbed is the change of packets/s from which a probe's own effect, or the
// load's drift, must be told beside what it counted.
const perturbed = 0.02

// Perturbed reports whether a probe counted under another traffic than that
// beside its window: packets/s changed by 2 % or more.
func (p *Phase) Perturbed() bool {
	return p.Probe != "" && p.Effect.Measured() && math.Abs(p.Effect.Value) >= perturbed
}

// phaseWeakens names, by probe, what is counted in its phase; the waits have a
// warning of their own: see Locks.Perturbed.
func phaseWeakens(probe string) string {
	switch probe {
	case bundle.ProbeCount:
		return metric.AcquireID
	case bundle.ProbeTime:
		return metric.BounceID
	case bundle.ProbeFind:
		return metric.FindID
	case bundle.ProbeStacks:
		return "callers of waiters"
	}
	return ""
}

// warnPhases says what the probes other than that of waits did to the traffic if
// they did much.
func (r *Run) warnPhases() {
	for i := range r.Phases {
		p := &r.Phases[i]
		if weakens := phaseWeakens(p.Probe); weakens != "" && p.Perturbed() {
			r.warn(weakens, fmt.Sprintf("in the %s probe's window packets/s changed by %+.0f %%, ± %.0f %% of the load's own, against the windows without a probe beside it", p.Probe, 100*p.Effect.Value, 100*p.Effect.SE))
		}
	}
}

// freeNoise is how far packets/s of a window without a probe are from those of
// the load, as a ratio, by what each differs from the next (von Neumann, 1941: a
// drift of the load weighs little). 0 if there are not two.
func freeNoise(phases []bundle.Phase) float64 {
	last, sum, n := 0.0, 0.0, 0.0
	for _, p := range phases {
		r := phaseRate(p)
		if p.Probe != "" || !r.Measured() || r.Value <= 0 {
			continue
		}
		if last > 0 {
			d := 2 * (r.Value - last) / (r.Value + last)
			sum, n = sum+d*d/2, n+1
		}
		last = r.Value
	}
	return math.Sqrt(sum / max(1, n))
}

// phaseEffect compares a phase with the nearest ones without a probe before and
// after it. Its standard error is what the load does by itself: the noise of
// their mean, and of the phase, which is twice as long as each.
func phaseEffect(phases []bundle.Phase, i int) metric.Value {
	missing := func(why string) metric.Value {
		return metric.NotMeasured(metric.EffectID, "ratio", bundle.Gap{What: "effect of phase " + phases[i].Name, Why: why})
	}
	if phases[i].Probe == "" {
		return missing("no probe was attached")
	}
	rate := phaseRate(phases[i])
	if !rate.Measured() {
		return missing(rate.Missing.Why)
	}
	before, after := i-1, i+1
	for before >= 0 && phases[before].Probe != "" {
		before--
	}
	for after < len(phases) && phases[after].Probe != "" {
		after++
	}
	var free []float64
	for _, at := range []int{before, after} {
		if at >= 0 && at < len(phases) {
			if r := phaseRate(phases[at]); r.Measured() && r.Value > 0 {
				free = append(free, r.Value)
			}
		}
	}
	if len(free) == 0 {
		return missing("no packets were counted without a probe beside it")
	}
	mean := 0.0
	for _, r := range free {
		mean += r / float64(len(free))
	}
	se := freeNoise(phases) * math.Sqrt(1/float64(len(free))+.5)
	return metric.Value{ID: metric.EffectID, Value: rate.Value/mean - 1, Unit: "ratio", SE: rate.Value / mean * se}
}

// A span is all phases of one probe together.
type span struct {
	seconds float64
	packets uint64
	counted bool   // packets is known of all of them
	edge    uint64 // packets may be off by so many
	skipped uint64
	oneIn   uint32
	phases  int
}

func spanOf(m *bundle.Manifest, probe string) span {
	s := span{counted: true}
	for _, p := range m.Phases {
		if p.Probe != probe {
			continue
		}
		s.phases++
		s.seconds += p.Window.Seconds()
		s.packets += p.Packets
		s.edge += p.Edge
		s.counted = s.counted && p.Counted
		s.skipped += p.Skipped
		s.oneIn = p.OneIn
	}
	s.counted = s.counted && s.phases > 0
	return s
}

// edgeShare is what part of the packets may be off.
func (s span) edgeShare() float64 { return float64(s.edge) / math.Max(1, float64(s.packets)) }

// rate is packets/s over the span.
func (s span) rate(probe string) metric.Value {
	if !s.counted {
		return metric.NotMeasured(metric.RateID, "packets/s", bundle.Gap{What: fmt.Sprintf("packets while probe %s was attached", probe), Why: "no outbound SA was read"})
	}
	return packetRate(s.packets, s.seconds)
}

func probeOf(m *bundle.Manifest, name string) *bundle.Probe {
	for i := range m.Probes {
		if m.Probes[i].Name == name {
			return &m.Probes[i]
		}
	}
	return nil
}

// noProbe is why a probe has no figures: what the recorder says, else that it
// did not run.
func noProbe(m *bundle.Manifest, probe string, whats ...string) bundle.Gap {
	for _, what := range whats {
		for _, g := range m.Gaps {
			if g.What == what {
				return g
			}
		}
	}
	return bundle.Gap{What: whats[0], Why: "no " + probe + " probe ran"}
}
