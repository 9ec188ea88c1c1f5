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
	calls := newCalls(len(p.Functions))
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
			calls.add(place.Leaf, p.Locations[s[1]].Function, w.Period)
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
	calls.each(func(leaf, caller int32, weight float64) {
		name := p.Functions[leaf].Name
		if byName[name].Period < selfFloor*busy.Period {
			return
		}
		if callers[name] == nil {
			callers[name] = map[string]float64{}
		}
		callers[name][p.Functions[caller].Name] += weight
	})
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

// calls sums weight by leaf and caller. There may be as many pairs as stacks, so
// they are gathered leaf by leaf, not in a map.
type calls struct {
	byLeaf [][]call
	sums   []float64 // by caller, of one leaf
}

type call struct {
	caller int32
	weight float64
}

func newCalls(functions int) *calls {
	return &calls{make([][]call, functions), make([]float64, functions)}
}

func (c *calls) add(leaf int32, caller int, weight float64) {
	if caller < 0 {
		return
	}
	list := c.byLeaf[leaf]
	if n := len(list); n > 0 && list[n-1].caller == int32(caller) {
		list[n-1].weight += weight
		return
	}
	c.byLeaf[leaf] = append(list, call{int32(caller), weight})
}

func (c *calls) each(do func(leaf, caller int32, weight float64)) {
	for leaf, list := range c.byLeaf {
		for _, e := range list {
			c.sums[e.caller] += e.weight
		}
		for _, e := range list {
			if w := c.sums[e.caller]; w > 0 {
				do(int32(leaf), e.caller, w)
				c.sums[e.caller] = 0
			}
		}
	}
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
