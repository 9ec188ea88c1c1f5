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
			Rate: phaseRate(p), Effect: phaseEffect(m.Phases, i), OneIn: p.OneIn, Skipped: p.Skipped,
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

// phaseEffect compares a phase with the nearest ones without a probe before and
// after it. Half the difference of the two is the standard error of their mean:
// what the load does by itself.
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
	mean, se := free[0], 0.0
	if len(free) == 2 {
		mean, se = (free[0]+free[1])/2, math.Abs(free[0]-free[1])/2
	}
	return metric.Value{ID: metric.EffectID, Value: rate.Value/mean - 1, Unit: "ratio", SE: rate.Value / (mean * mean) * se}
}

// A span is all phases of one probe together.
type span struct {
	seconds float64
	packets uint64
	counted bool // packets is known of all of them
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
		s.counted = s.counted && p.Counted
		s.skipped += p.Skipped
		s.oneIn = p.OneIn
	}
	s.counted = s.counted && s.phases > 0
	return s
}

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
