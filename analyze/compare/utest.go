package compare

import (
	"math"

	"golang.org/x/perf/benchmath"
)

// UTest is the two-sided Mann-Whitney U test of benchmath.AssumeNothing: exact
// to 50 runs a side, with ties to 25, by the normal approximation above.
//
// It needs values of any distribution, the same on both sides if nothing
// changed, and independent runs.
func UTest(before, after []float64) Test {
	n1, n2 := len(before), len(after)
	t := Test{Method: "Mann-Whitney U", P: 1, Smallest: smallestU(n1, n2)}
	if n1 == 0 || n2 == 0 {
		t.Missing = Because(NoRuns, "%d and %d usable runs", n1, n2)
		return t
	}
	if allSame(before, after) {
		return t // benchmath gives an error here: no order at all
	}
	c := benchmath.AssumeNothing.Compare(sample(before), sample(after))
	t.P = min(c.P, 1) // the doubled tail of few runs with ties exceeds it
	return t
}

func sample(x []float64) *benchmath.Sample {
	return benchmath.NewSample(sorted(x), &benchmath.DefaultThresholds)
}

func allSame(sides ...[]float64) bool {
	for _, side := range sides {
		for _, v := range side {
			if v != sides[0][0] {
				return false
			}
		}
	}
	return true
}

// smallestU returns the smallest two-sided p of the U test without ties,
// 2 / (n1+n2 over n1).
func smallestU(n1, n2 int) float64 {
	return min(1, 2/choose(n1+n2, n1))
}

// choose returns the binomial coefficient.
func choose(n, k int) float64 {
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x + 1)); return v }
	c := math.Exp(lg(n) - lg(k) - lg(n-k))
	if c < 1e15 {
		return math.Round(c)
	}
	return c
}
