package scaling

import (
	"cmp"
	"maps"
	"slices"

	"xfrmscope/analyze/compare"
)

// Costs is what a packet costs at one N, by key: stage, lock or function. The
// keys of one table must not overlap: their sum is what they explain.
type Costs struct {
	N    int
	Runs []map[string]float64 // cost per packet by key, one map a run; an absent key costs 0

	// Totals is the cost per packet of each run measured apart from the keys: a
	// counter over packets. Nil if there is no such figure.
	Totals []float64

	// Resolution is the cost that one sample stands for in each run; nil if not
	// sampled. A cost of 0 is taken as half of it where a logarithm is needed.
	Resolution []float64

	// SEs is the sampling standard error of each cost. It is used only where
	// there is one run; nil if not known.
	SEs []map[string]float64
}

// cleanCosts returns the tables in order of N without runs that hold a cost
// that is negative or no number, tables of the same N made one.
func cleanCosts(costs []Costs) ([]Costs, []compare.Reason) {
	var out []Costs
	var notes []compare.Reason
	for _, c := range costs {
		kept := Costs{N: c.N}
		withTotals := len(c.Totals) == len(c.Runs)
		if c.Totals != nil && !withTotals {
			notes = append(notes,
				*compare.Because(compare.MixedTotals, "N=%d: %d totals for %d runs: totals ignored",
					c.N, len(c.Totals), len(c.Runs)))
		}
		for i, run := range c.Runs {
			if why := badRun(c, i, withTotals); why != nil {
				notes = append(notes, *why)
				continue
			}
			kept.Runs = append(kept.Runs, run)
			kept.Totals = appendAt(kept.Totals, c.Totals, i, withTotals)
			kept.Resolution = appendAt(kept.Resolution, c.Resolution, i, len(c.Resolution) == len(c.Runs))
			kept.SEs = appendAt(kept.SEs, c.SEs, i, len(c.SEs) == len(c.Runs))
		}
		if len(kept.Runs) == 0 || c.N < 1 {
			notes = append(notes, *compare.Because(compare.NoRuns, "N=%d has no usable run: left out", c.N))
			continue
		}
		out = append(out, kept)
	}
	slices.SortStableFunc(out, func(a, b Costs) int { return cmp.Compare(a.N, b.N) })
	return joinSameN(out), notes
}

func appendAt[T any](to, from []T, i int, ok bool) []T {
	if !ok {
		return to
	}
	return append(to, from[i])
}

func badRun(c Costs, i int, withTotals bool) *compare.Reason {
	var bad []string
	for key, v := range c.Runs[i] {
		if !compare.Usable(v) || v < 0 {
			bad = append(bad, key)
		}
	}
	if len(bad) > 0 {
		key := slices.Min(bad)
		return compare.Because(compare.BadValue, "N=%d: run %d left out: %s costs %v",
			c.N, i+1, key, c.Runs[i][key])
	}
	if withTotals && (!compare.Usable(c.Totals[i]) || c.Totals[i] < 0) {
		return compare.Because(compare.BadValue, "N=%d: run %d left out: its total is %v",
			c.N, i+1, c.Totals[i])
	}
	return nil
}

// joinSameN takes tables in order of N. What only one of two has is dropped.
func joinSameN(costs []Costs) []Costs {
	var out []Costs
	for _, c := range costs {
		if len(out) == 0 || out[len(out)-1].N != c.N {
			out = append(out, c)
			continue
		}
		last := &out[len(out)-1]
		last.Totals = both(last.Totals, c.Totals)
		last.Resolution = both(last.Resolution, c.Resolution)
		last.SEs = both(last.SEs, c.SEs)
		last.Runs = append(slices.Clone(last.Runs), c.Runs...)
	}
	return out
}

func both[T any](a, b []T) []T {
	if a == nil || b == nil {
		return nil
	}
	return append(slices.Clone(a), b...)
}

func keys(costs ...Costs) []string {
	set := map[string]float64{}
	for _, c := range costs {
		for _, run := range c.Runs {
			maps.Copy(set, run)
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func (c Costs) of(key string) []float64 {
	out := make([]float64, len(c.Runs))
	for i, run := range c.Runs {
		out[i] = run[key]
	}
	return out
}

// sums returns the sum over keys, run by run.
func (c Costs) sums(keys []string) []float64 {
	out := make([]float64, len(c.Runs))
	for i, run := range c.Runs {
		for _, k := range keys {
			out[i] += run[k]
		}
	}
	return out
}
