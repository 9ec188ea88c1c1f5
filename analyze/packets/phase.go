package packets

import (
	"fmt"
	"math"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// NewPhases says what each probe did to the traffic.
func NewPhases(m *bundle.Manifest) []result.Phase {
	var out []result.Phase
	for i, p := range m.Phases {
		out = append(out, result.Phase{
			Name: p.Name, Probe: p.Probe, Seconds: p.Window.Seconds(),
			Rate: phaseRate(p), Effect: PhaseEffect(m.Phases, i), SAReads: p.SAReads, OneIn: p.OneIn,
			Skipped: p.Skipped,
		})
	}
	return out
}

func phaseRate(p bundle.Phase) metric.Value {
	if !p.Counted {
		return metric.NotMeasured(metric.RateID, "packets/s", bundle.Gap{What: "packets of phase " + p.Name,
			Why: "no outbound SA was read at both ends of it"})
	}
	return Rate(p.Packets, p.Window.Seconds())
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

// WarnPhases says what perf, and the probes other than that of waits, did to the
// traffic if they did much.
func WarnPhases(r *result.Run) {
	if e := r.Packets.PerfEffect; e != nil && e.SE > 0 && math.Abs(e.Value) > max(result.Perturbing, e.Half()) {
		r.WarnOf(bundle.WarnPerf, metric.CostID,
			"while perf sampled packets/s changed by %+.0f %%, +- %.0f %% of the load's own, against "+
				"the windows without perf and probes: what is per packet, and shares, are of that "+
				"traffic", 100*e.Value, 100*e.Half())
	}
	for i := range r.Phases {
		p := &r.Phases[i]
		if weakens := phaseWeakens(p.Probe); weakens != "" && p.Perturbed() {
			r.WarnOf(bundle.WarnProbe, weakens,
				"in the %s probe's window packets/s changed by %+.0f %%, +- %.0f %% of the load's "+
					"own, against the windows without a probe beside it", p.Probe,
				100*p.Effect.Value, 100*p.Effect.Half())
		}
	}
}

// freeNoise is how far packets/s of a window without a probe are from those of
// the load, as a ratio, by what each differs from the next (von Neumann, 1941: a
// drift of the load weighs little), with its degrees of freedom. 0 if there are
// not two.
func freeNoise(phases []bundle.Phase) (noise, df float64) {
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
	return math.Sqrt(sum / max(1, n)), 2 * n * n / (3*n - 1)
}

// PhaseEffect compares a phase with the nearest ones without a probe before and
// after it. Its standard error is what the load does by itself: the noise of
// their mean, and of the phase, which is twice as long as each.
func PhaseEffect(phases []bundle.Phase, i int) metric.Value {
	missing := func(why string) metric.Value {
		return metric.NotMeasured(metric.EffectID, "ratio",
			bundle.Gap{What: "effect of phase " + phases[i].Name, Why: why})
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
	noise, df := freeNoise(phases)
	return metric.Value{ID: metric.EffectID, Value: rate.Value/mean - 1, Unit: "ratio", DF: df,
		SE: rate.Value / mean * noise * math.Sqrt(1/float64(len(free))+.5)}
}

// A Span is all phases of one probe together.
type Span struct {
	Seconds float64
	Packets uint64
	Counted bool   // packets is known of all of them
	Edge    uint64 // packets may be off by so many
	Skipped uint64
	Phases  int
}

func SpanOf(m *bundle.Manifest, probe string) Span {
	s := Span{Counted: true}
	for _, p := range m.Phases {
		if p.Probe != probe {
			continue
		}
		s.Phases++
		s.Seconds += p.Window.Seconds()
		s.Packets += p.Packets
		s.Edge += p.Edge
		s.Counted = s.Counted && p.Counted
		s.Skipped += p.Skipped
	}
	s.Counted = s.Counted && s.Phases > 0
	return s
}

// EdgeShare is what part of the packets may be off.
func (s Span) EdgeShare() float64 { return float64(s.Edge) / math.Max(1, float64(s.Packets)) }

// Rate is packets/s over the span.
func (s Span) Rate(probe string) metric.Value {
	if !s.Counted {
		return metric.NotMeasured(metric.RateID, "packets/s",
			bundle.Gap{What: fmt.Sprintf("packets while probe %s was attached", probe),
				Why: "no outbound SA was read"})
	}
	return Rate(s.Packets, s.Seconds)
}

func ProbeOf(m *bundle.Manifest, name string) *bundle.Probe {
	for i := range m.Probes {
		if m.Probes[i].Name == name {
			return &m.Probes[i]
		}
	}
	return nil
}

// NoProbe is why a probe has no figures: what the recorder says, else that it
// did not run.
func NoProbe(m *bundle.Manifest, probe string, whats ...string) bundle.Gap {
	for _, what := range whats {
		for _, g := range m.Gaps {
			if g.What == what {
				return g
			}
		}
	}
	return bundle.Gap{What: whats[0], Why: "no " + probe + " probe ran"}
}
