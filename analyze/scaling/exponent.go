package scaling

import (
	"math"

	"xfrmscope/analyze/compare"
)

// An Exponent is how a cost per packet grows with N: the slope of log cost on
// log N. 0: it scales. 1: twice the CPUs, twice the cost per packet, no more
// packets. It colours a flame graph without any before and after.
type Exponent struct {
	Slope   compare.Estimate `json:"slope"`   // t interval over runs
	P       float64          `json:"p"`       // of slope 0; 1 without a fit
	Runs    int              `json:"runs"`    // points of the fit
	DF      int              `json:"df"`      // Runs - 2
	Ns      int              `json:"ns"`      // distinct N
	Floored int              `json:"floored"` // zero costs taken as half a sample: the slope is understated if they are at small N
	Dropped int              `json:"dropped"` // zero costs left out because no resolution is known
}

// A costRun is the cost of one key in one run.
type costRun struct{ n, cost, resolution float64 }

// GrowthExponent fits cost = c N^slope to the runs of one key, each run a
// point, by least squares of the logarithms. A cost of 0 has no logarithm: it
// counts as half of its run's resolution, or is left out if that is not known.
// It needs 3 runs and 2 distinct N with a cost.
func GrowthExponent(costs []Costs, key string, o Options) Exponent {
	o = o.Defaults()
	clean, _ := cleanCosts(costs)
	return exponent(costRuns(clean, func(c Costs) []float64 { return c.of(key) }), o)
}

// costRuns lists one cost a run.
func costRuns(costs []Costs, of func(Costs) []float64) []costRun {
	var out []costRun
	for _, c := range costs {
		values := of(c)
		for i, v := range values {
			r := costRun{n: float64(c.N), cost: v}
			if i < len(c.Resolution) {
				r.resolution = c.Resolution[i]
			}
			out = append(out, r)
		}
	}
	return out
}

func exponent(runs []costRun, o Options) Exponent {
	e := Exponent{P: 1}
	var x, y []float64
	positive, ns := false, map[float64]bool{}
	for _, r := range runs {
		cost := r.cost
		if cost == 0 && compare.Usable(r.resolution) && r.resolution > 0 {
			cost = r.resolution / 2
			e.Floored++
		}
		if cost <= 0 {
			e.Dropped++
			continue
		}
		positive = positive || r.cost > 0
		x = append(x, math.Log(r.n))
		y = append(y, math.Log(cost))
		ns[r.n] = true
	}
	e.Runs, e.Ns, e.DF = len(x), len(ns), max(len(x)-2, 0)
	switch {
	case !positive:
		e.Slope = compare.NoEstimate(compare.Because(compare.ZeroCost, "it costs nothing in any run"))
		return e
	case len(ns) < 2 || len(x) < 3:
		e.Slope = compare.NoEstimate(compare.Because(compare.TooFewN, "a slope needs 3 runs with a cost at 2 or more N, there are %d at %d", len(x), len(ns)))
		return e
	}
	l, ok := fitLine(x, y, ones(len(x)))
	if !ok {
		e.Slope = compare.NoEstimate(compare.Because(compare.TooFewN, "no slope from these N"))
		return e
	}
	e.Slope = compare.Estimate{Value: l.b, Interval: l.interval(l.b, l.seB, o.Confidence)}
	e.P = l.p(l.b, l.seB)
	return e
}
