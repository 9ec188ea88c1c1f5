package analyze

import (
	"maps"
	"slices"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/profile"
)

// A Self is what one function costs by itself, idle time left out. Functions of
// one name are one: no comparison can tell them apart either.
type Self struct {
	Name   string
	Caller string // who calls it most, "" if there is none with a name
	Weight metric.Estimate
}

// selfFloor is the share of busy weight below which a function is not listed: a
// run has thousands of them, and no test could tell them from nothing.
const selfFloor = 1e-4

// unlisted sums the functions that are not listed.
const unlisted = "(functions not listed)"

// newSelf lists the functions of an event by name; the last sums those below
// selfFloor.
func newSelf(e *Event) []Self {
	p := e.Profile
	type edge struct{ leaf, caller int32 }
	calls := map[edge]float64{}
	byName := map[string]metric.Estimate{}
	self := make([]metric.Estimate, len(p.Functions)+1)
	var busy metric.Estimate
	for i := range p.Cells {
		c := &p.Cells[i]
		place := &e.places[c.Stack]
		if e.stages.Idle(*place) {
			continue
		}
		w := metric.Estimate{Samples: c.Count, Period: float64(c.Period), VarSum: c.PeriodSq}
		busy.Add(w)
		self[place.Leaf+1].Add(w)
		if s := p.Stacks[c.Stack]; len(s) > 1 && place.Leaf >= 0 {
			if caller := p.Locations[s[1]].Function; caller >= 0 {
				calls[edge{place.Leaf, int32(caller)}] += w.Period
			}
		}
	}
	for i, w := range self {
		if w.Empty() {
			continue
		}
		name := profile.Unknown
		if i > 0 {
			name = p.Functions[i-1].Name
		}
		addTo(byName, name, w)
	}
	callers := map[string]map[string]float64{}
	for c, weight := range calls {
		name := p.Functions[c.leaf].Name
		if byName[name].Period < selfFloor*busy.Period {
			continue
		}
		if callers[name] == nil {
			callers[name] = map[string]float64{}
		}
		callers[name][p.Functions[c.caller].Name] += weight
	}
	var out []Self
	rest := Self{Name: unlisted}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if w := byName[name]; w.Period < selfFloor*busy.Period {
			rest.Weight.Add(w)
		} else {
			out = append(out, Self{name, heaviest(callers[name]), w})
		}
	}
	if !rest.Weight.Empty() {
		out = append(out, rest)
	}
	return out
}

func addTo[K comparable](m map[K]metric.Estimate, k K, e metric.Estimate) {
	sum := m[k]
	sum.Add(e)
	m[k] = sum
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
