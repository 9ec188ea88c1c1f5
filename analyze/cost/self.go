package cost

import (
	"slices"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
)

// selfFloor is the share of busy weight below which a function is not listed: a
// run has thousands of them, and no test could tell them from nothing.
const selfFloor = 1e-4

// newSelf lists the functions of an event by name; the last sums those below
// selfFloor.
func newSelf(of *Classified) []result.Self {
	p := of.Profile
	names, numbers := functionNames(p)
	calls := &calls{make([][]call, len(names)), make([]float64, len(names))}
	self := make([]metric.Estimate, len(p.Functions)+1)
	var busy metric.Estimate
	for i := range p.Cells {
		c := &p.Cells[i]
		place := &of.places[c.Stack]
		if idle, _ := of.idle(c); idle {
			continue
		}
		w := metric.Estimate{Samples: c.Count, Period: float64(c.Period), VarSum: c.PeriodSq}
		busy.Add(w)
		self[place.Leaf+1].Add(w)
		if s := p.Stacks[c.Stack]; len(s) > 1 && place.Leaf >= 0 {
			if caller := p.Locations[s[1]].Function; caller >= 0 {
				calls.add(numbers[place.Leaf+1], numbers[caller+1], w.Period)
			}
		}
	}
	byName := make([]metric.Estimate, len(names))
	for i, w := range self {
		byName[numbers[i]].Add(w)
	}
	var out []result.Self
	rest := result.Self{Name: result.Unlisted}
	for n, w := range byName {
		switch {
		case w.Empty():
		case w.Period < selfFloor*busy.Period:
			rest.Weight.Add(w)
		default:
			out = append(out, result.Self{Name: names[n], Caller: calls.heaviest(n, names), Weight: w})
		}
	}
	if !rest.Weight.Empty() {
		out = append(out, rest)
	}
	return out
}

// functionNames returns the names of a profile's functions, sorted and each once,
// and which each function has: first of one without a symbol, profile.Unknown.
func functionNames(p *profile.Profile) (names []string, numbers []int32) {
	all := make([]string, 0, len(p.Functions)+1)
	all = append(all, profile.Unknown)
	for _, f := range p.Functions {
		all = append(all, f.Name)
	}
	names = slices.Compact(slices.Sorted(slices.Values(all)))
	for _, name := range all {
		n, _ := slices.BinarySearch(names, name)
		numbers = append(numbers, int32(n))
	}
	return names, numbers
}

// calls sums weight by leaf and caller, both by number of the name. There may be
// as many pairs as stacks, so they are gathered leaf by leaf, not in a map.
type calls struct {
	byLeaf [][]call
	sums   []float64 // by caller, of one leaf
}

type call struct {
	caller int32
	weight float64
}

func (c *calls) add(leaf, caller int32, weight float64) {
	list := c.byLeaf[leaf]
	if n := len(list); n > 0 && list[n-1].caller == caller {
		list[n-1].weight += weight
		return
	}
	c.byLeaf[leaf] = append(list, call{caller, weight})
}

// heaviest returns the name of the caller with the most weight, of equal ones
// the first; "" if there is none.
func (c *calls) heaviest(leaf int, names []string) string {
	clear(c.sums)
	best := int32(-1)
	for _, e := range c.byLeaf[leaf] {
		c.sums[e.caller] += e.weight
	}
	for _, e := range c.byLeaf[leaf] {
		if best < 0 || c.sums[e.caller] > c.sums[best] || c.sums[e.caller] == c.sums[best] && e.caller < best {
			best = e.caller
		}
	}
	if best < 0 {
		return ""
	}
	return names[best]
}
