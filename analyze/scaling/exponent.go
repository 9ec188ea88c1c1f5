package scaling

import (
	"math"
	"slices"

	"xfrmscope/analyze/compare"
)

// An Exponent is how a cost per packet grows with N: the slope of log cost on
// log N. 0: it scales. 1: twice the CPUs, twice the cost per packet, no more
// packets. It colours a flame graph without any before and after.
type Exponent struct {
	Slope compare.Estimate `json:"slope"` // t interval over runs
	P     float64          `json:"p"`     // of slope 0; 1 without a fit
	Runs  int              `json:"runs"`  // points of the fit
	DF    int              `json:"df"`    // Runs - 2
	Ns    int              `json:"ns"`    // distinct N
	// zero costs taken as half a sample: the slope is understated if they are at small N
	Floored int `json:"floored"`
	Dropped int `json:"dropped"` // costs left out: zeros without a resolution, and bad values
}

// A CostRun is what one frame cost per packet in one run.
type CostRun struct {
	N          int
	Cost       float64
	Resolution float64 // cost that one sample stands for; 0 if not known
}

func costRuns(costs []Costs, of func(Costs) []float64) []CostRun {
	var out []CostRun
	for _, c := range costs {
		for i, v := range of(c) {
			r := CostRun{N: c.N, Cost: v}
			if i < len(c.Resolution) {
				r.Resolution = c.Resolution[i]
			}
			out = append(out, r)
		}
	}
	return out
}

// GrowthExponent fits cost = c N^slope to the runs of one frame, each run a
// point, by least squares of the logarithms. A cost of 0 has no logarithm: it
// counts as half of its run's resolution, or is left out if that is not known;
// so are costs and N that no measurement gives. It needs 3 runs and 2 distinct N
// with a cost.
func GrowthExponent(runs []CostRun, o Options) Exponent {
	o = o.Defaults()
	e := Exponent{P: 1}
	var x, y []float64
	positive, ns := false, map[int]bool{}
	for _, r := range runs {
		cost := r.Cost
		if cost == 0 && compare.Usable(r.Resolution) && r.Resolution > 0 {
			cost = r.Resolution / 2
			e.Floored++
		}
		if !(cost > 0) || !compare.Usable(cost) || r.N < 1 {
			e.Dropped++
			continue
		}
		positive = positive || r.Cost > 0
		x = append(x, math.Log(float64(r.N)))
		y = append(y, math.Log(cost))
		ns[r.N] = true
	}
	e.Runs, e.Ns, e.DF = len(x), len(ns), max(len(x)-2, 0)
	switch {
	case !positive:
		e.Slope = compare.NoEstimate(compare.Because(compare.ZeroCost, "it costs nothing in any run"))
		return e
	case len(ns) < 2 || len(x) < 3:
		e.Slope = compare.NoEstimate(compare.Because(compare.TooFewN,
			"a slope needs 3 runs with a cost at 2 or more N, there are %d at %d", len(x), len(ns)))
		return e
	}
	l, ok := fitLine(x, y, slices.Repeat([]float64{1}, len(x)))
	if !ok {
		e.Slope = compare.NoEstimate(compare.Because(compare.TooFewN, "no slope from these N"))
		return e
	}
	e.Slope = compare.Estimate{Value: l.b, Interval: l.interval(l.b, l.seB, o.Confidence)}
	e.P = l.p(l.b, l.seB)
	return e
}
