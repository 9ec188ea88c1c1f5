package analyze

import (
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/stage"
)

// A selfCost is what one function costs by itself, idle time left out, and who
// calls it most.
type selfCost struct {
	self   metric.Estimate
	caller string
}

// functionsOf returns the self cost of every function of a profile by name.
// Functions of one name are one: a comparison cannot tell them apart either.
func functionsOf(p *profile.Profile) map[string]selfCost {
	facts := stackFacts(p, stage.Default())
	self := map[string]metric.Estimate{}
	callers := map[string]map[string]float64{}
	for i := range p.Cells {
		c := &p.Cells[i]
		f := &facts[c.Stack]
		if f.idle {
			continue
		}
		name := profile.Unknown
		if f.leaf >= 0 {
			name = p.Functions[f.leaf].Name
		}
		addTo(self, name, metric.Estimate{Samples: c.Count, Period: float64(c.Period), VarSum: c.PeriodSq})
		if above := callerName(p, p.Stacks[c.Stack]); above != "" {
			if callers[name] == nil {
				callers[name] = map[string]float64{}
			}
			callers[name][above] += float64(c.Period)
		}
	}
	out := make(map[string]selfCost, len(self))
	for name, e := range self {
		out[name] = selfCost{e, heaviest(callers[name])}
	}
	return out
}

// callerName is the function above the leaf, "" if there is none with a name.
func callerName(p *profile.Profile, s profile.Stack) string {
	if len(s) < 2 || p.Locations[s[1]].Function < 0 {
		return ""
	}
	return p.Functions[p.Locations[s[1]].Function].Name
}

// heaviest returns the key of the largest value; of equal ones the first by name.
func heaviest(m map[string]float64) string {
	best := ""
	for name, v := range m {
		if best == "" || v > m[best] || v == m[best] && name < best {
			best = name
		}
	}
	return best
}
