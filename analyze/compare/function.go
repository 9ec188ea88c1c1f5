package compare

import (
	"cmp"
	"math"
	"slices"
)

// A function is tested if its median share of the total reaches FloorShare on
// either side, or its samples FloorSamples: at 400 samples the sampling error
// of a run's cost is 5 %.
const (
	FloorShare   = 0.002
	FloorSamples = 400
)

// Functions is a comparison of two tables of function costs.
type Functions struct {
	Total Comparison `json:"total"` // of all functions, tested plainly
	// Rows are the tested functions, largest change of cost first; one family.
	Rows   []FunctionRow `json:"rows"`
	Family Family        `json:"family"` // without its Comparisons: they are in Rows
	// Rest is the sum of the functions below the floor: median of the runs' sums.
	Rest   RestRow  `json:"rest"`
	Merged []Merge  `json:"merged"` // names that were folded, by name
	Notes  []Reason `json:"notes,omitempty"`
}

// A FunctionRow is one function.
type FunctionRow struct {
	Name       string     `json:"name"`
	Comparison Comparison `json:"comparison"`
	Only       string     `json:"only,omitempty"` // "before" or "after" if the other side never has it
	// Caller and WithCaller are set for a function that one side does not have
	// but whose main caller both have: the cost of both together. If that did not
	// change, the function was inlined, not removed. Not part of the family.
	Caller     string      `json:"caller,omitempty"`
	WithCaller *Comparison `json:"with_caller,omitempty"`
}

// A RestRow sums the functions that were too small to be tested.
type RestRow struct {
	Functions int     `json:"functions"`
	Before    float64 `json:"before"` // in the tables' unit, median over runs
	After     float64 `json:"after"`
}

// CompareFunctions compares the cost per packet of functions. Names are folded
// first; what was merged is listed. The functions above the floor are one family.
func CompareFunctions(name string, before, after CostTable, o Options) Functions {
	o = o.Defaults()
	b, a := before.fold(), after.fold()
	all := unionKeys(b.names, a.names)
	out := Functions{Merged: merges(b.names, a.names)}
	out.Total = Compare(b.series("total", all), a.series("total", all), o)

	var tested, rest []string
	for _, f := range all {
		if b.aboveFloor(f) || a.aboveFloor(f) {
			tested = append(tested, f)
		} else {
			rest = append(rest, f)
		}
	}
	out.Rest = RestRow{len(rest), Median(sorted(b.costs(rest))), Median(sorted(a.costs(rest)))}
	var pairs []Pair
	for _, f := range tested {
		pairs = append(pairs, Pair{b.series(f, []string{f}), a.series(f, []string{f})})
	}
	out.Family = CompareFamily(name, pairs, o)
	for i, f := range tested {
		row := FunctionRow{Name: f, Comparison: out.Family.Comparisons[i]}
		row.only(b.CostTable, a.CostTable, o)
		out.Rows = append(out.Rows, row)
	}
	out.Family.Comparisons = nil
	slices.SortStableFunc(out.Rows, func(x, y FunctionRow) int {
		return cmp.Compare(math.Abs(y.Comparison.Difference.Value), math.Abs(x.Comparison.Difference.Value))
	})
	return out
}

// only looks whether one side lacks the function.
func (r *FunctionRow) only(before, after CostTable, o Options) {
	with, without := before, after
	switch inBefore, inAfter := before.has(r.Name), after.has(r.Name); {
	case inBefore && !inAfter:
		r.Only = "before"
	case inAfter && !inBefore:
		r.Only = "after"
		with, without = after, before
	default:
		return
	}
	caller := with.Callers[r.Name]
	if caller == "" || !with.has(caller) || !without.has(caller) {
		return
	}
	r.Caller = caller
	both := []string{r.Name, caller}
	c := Compare(before.series(r.Name+" + "+caller, both), after.series(r.Name+" + "+caller, both), o)
	r.WithCaller = &c
}

func (t CostTable) has(function string) bool {
	return slices.ContainsFunc(t.Runs, func(run map[string]float64) bool { return run[function] != 0 })
}

// costs returns the sum over functions, run by run.
func (t CostTable) costs(functions []string) []float64 {
	out := make([]float64, len(t.Runs))
	for i, run := range t.Runs {
		for _, f := range functions {
			out[i] += run[f]
		}
	}
	return out
}

func (t CostTable) series(name string, functions []string) Series {
	s := Series{Name: name, Unit: t.Unit, Better: "lower", Values: t.costs(functions), Blocks: t.Blocks,
		PerCount: t.PerSample, Notes: t.Notes}
	if len(t.Samples) != len(t.Runs) {
		return s
	}
	for _, run := range t.Samples {
		n := uint64(0)
		for _, f := range functions {
			n += run[f]
		}
		s.Counts = append(s.Counts, n)
	}
	return s
}

func (t folded) aboveFloor(function string) bool {
	shares := make([]float64, len(t.Runs))
	for i, run := range t.Runs {
		shares[i] = run[function] / t.totals[i]
	}
	slices.Sort(shares)
	if Median(shares) >= FloorShare {
		return true
	}
	samples := uint64(0)
	for _, run := range t.Samples {
		samples += run[function]
	}
	return samples >= FloorSamples
}
