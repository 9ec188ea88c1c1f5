package scaling

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"xfrmscope/analyze/compare"
)

// A USLChange compares the fits of two curves over the N that both have.
type USLChange struct {
	Before USL             `json:"before"`
	After  USL             `json:"after"`
	Sigma  ParameterChange `json:"sigma"`
	Kappa  ParameterChange `json:"kappa"`

	Permutations int             `json:"permutations"`
	Seed         uint64          `json:"seed"`
	Missing      *compare.Reason `json:"missing,omitempty"` // no test; the fits may stand
}

// A ParameterChange is after less before.
type ParameterChange struct {
	Difference  compare.Estimate `json:"difference"` // interval from the bootstraps of both fits
	P           float64          `json:"p"`          // of "no change of shape", by permutation; 1 without a test
	Significant bool             `json:"star"`
}

// FitBoth fits both curves and tests whether their shapes differ: each run is
// divided by its side's gamma, so that a change of the rate as such does not
// count, the sides are handed out anew within each N, or boots with all their N,
// both are fitted again, and
// p is how often the parameter differs by as many standard errors (Chung and
// Romano, Exact and asymptotically robust permutation tests, Ann. Statist. 41
// (2013) 484: without the division a mix of two curves hides their difference). Significance needs p below Alpha, an
// interval without 0, and compare.MinRuns runs on both sides at every N.
func FitBoth(before, after Curve, o Options) (out USLChange) {
	o = o.Defaults()
	b, _ := fitData(before)
	a, _ := fitData(after)
	b, a = common(b, a)
	out.Seed = o.Seed
	var alone, both sync.WaitGroup
	alone.Go(func() { out.Before = FitUSL(before, o) })
	alone.Go(func() { out.After = FitUSL(after, o) })
	defer alone.Wait()
	out.Sigma.P, out.Kappa.P = 1, 1
	if out.Missing = noUSLTest(before, after, b, a); out.Missing != nil {
		out.Sigma.Difference, out.Kappa.Difference = compare.NoEstimate(out.Missing), compare.NoEstimate(
			out.Missing)
		return out
	}
	thetaB, okB := b.fit()
	thetaA, okA := a.fit()
	if !okB || !okA {
		out.Missing = compare.Because(compare.NoConvergence, "a side cannot be fitted over the N of both")
		out.Sigma.Difference, out.Kappa.Difference = compare.NoEstimate(out.Missing), compare.NoEstimate(
			out.Missing)
		return out
	}
	var draws [2][]refit // independent
	both.Go(func() { draws[0] = b.resample(b.x, thetaB, o, 1) })
	both.Go(func() { draws[1] = a.resample(a.x, thetaA, o, 2) })
	permuted := permuteShapes(b, a, thetaB[0], thetaA[0], o)
	both.Wait()
	observed := studentised(&b, &a, thetaB, thetaA)
	out.Permutations = len(permuted)
	enough := enoughRuns(b) && enoughRuns(a)
	for k, change := range []*ParameterChange{&out.Sigma, &out.Kappa} {
		*change = parameterChange(thetaA[k+1]-thetaB[k+1], k+1, draws, o)
		change.test(observed[k+1], permuted, k+1, o)
		change.Significant = change.Significant && enough
	}
	return out
}

func noUSLTest(before, after Curve, b, a uslData) *compare.Reason {
	switch {
	case before.Unit != after.Unit:
		return compare.Because(compare.DifferentKey, "unit: %q before, %q after", before.Unit, after.Unit)
	case len(b.n) < MinN:
		return compare.Because(compare.TooFewN, "the sides share %d distinct N, %d are needed", len(b.n), MinN)
	case b.scatter == 0 || a.scatter == 0:
		return compare.Because(compare.TooFewRuns,
			"no repeated runs that differ: sides cannot be handed out anew")
	}
	return nil
}

// common returns both data over the N that both have.
func common(b, a uslData) (uslData, uslData) {
	keep := func(d, other uslData) uslData {
		var points []Point
		var boots []bootValues
		for i, n := range d.n {
			if slices.Contains(other.n, n) {
				points = append(points, Point{N: int(n), Values: d.values[i]})
				if d.boots != nil {
					boots = append(boots, d.boots[i])
				}
			}
		}
		return newUSLData(points, boots)
	}
	return keep(b, a), keep(a, b)
}

func enoughRuns(d uslData) bool {
	return !slices.ContainsFunc(d.values, func(v []float64) bool { return len(v) < compare.MinRuns })
}

// studentised returns the differences of the parameters in standard errors.
func studentised(b, a *uslData, thetaB, thetaA [3]float64) [3]float64 {
	all := []int{0, 1, 2}
	seB, seA := b.standardErrors(thetaB, all), a.standardErrors(thetaA, all)
	var out [3]float64
	for k := range out {
		if seB[k] != nil && seA[k] != nil {
			out[k] = math.Abs(thetaA[k]-thetaB[k]) / math.Hypot(*seB[k], *seA[k])
		}
	}
	return out
}

// permuteShapes returns studentised of each permutation that can be fitted.
func permuteShapes(b, a uslData, gammaB, gammaA float64, o Options) [][3]float64 {
	rng := rand.New(rand.NewPCG(o.Seed, 3))
	var out [][3]float64
	for range o.Resamples {
		side := exchangedRuns(rng, b, a, gammaB, gammaA)
		if b.boots != nil && a.boots != nil {
			side = exchangedBoots(rng, b, a, gammaB, gammaA)
		}
		none := func(p Point) bool { return len(p.Values) == 0 }
		if slices.ContainsFunc(slices.Concat(side[0], side[1]), none) {
			continue // boots that lack some N
		}
		x, y := newUSLData(side[0], nil), newUSLData(side[1], nil)
		p, okP := x.fit()
		q, okQ := y.fit()
		if okP && okQ {
			out = append(out, studentised(&x, &y, p, q))
		}
	}
	return out
}

// exchangedRuns hands the runs of both sides out anew within each N.
func exchangedRuns(rng *rand.Rand, b, a uslData, gammaB, gammaA float64) (side [2][]Point) {
	for i, n := range b.n {
		all := append(divided(b.values[i], gammaB), divided(a.values[i], gammaA)...)
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		k := len(b.values[i])
		side[0] = append(side[0], Point{N: int(n), Values: all[:k]})
		side[1] = append(side[1], Point{N: int(n), Values: all[k:]})
	}
	return side
}

func divided(v []float64, by float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = x / by
	}
	return out
}

func parameterChange(difference float64, k int, draws [2][]refit, o Options) ParameterChange {
	c := ParameterChange{Difference: compare.Estimate{Value: difference}}
	v := make([]float64, min(len(draws[0]), len(draws[1])))
	for i := range v {
		v[i] = draws[1][i].theta[k] - draws[0][i].theta[k]
	}
	c.Difference.Interval = percentiles(v, (1-o.Confidence)/2, o.Confidence, math.MaxFloat64)
	return c
}

func (c *ParameterChange) test(observed float64, permuted [][3]float64, k int, o Options) {
	far := 0
	for _, p := range permuted {
		if p[k] >= observed {
			far++
		}
	}
	c.P = float64(far+1) / float64(len(permuted)+1)
	c.Significant = c.P < o.Alpha && !c.Difference.Interval.Contains(0)
}
