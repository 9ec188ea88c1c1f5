package compare

import (
	"fmt"
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
	"gonum.org/v1/gonum/stat"
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

// mostSplits bounds what RankTest lists: 8 and 8 runs have 12,870 splits.
const mostSplits = 13000

// RankTest is the U test with its ties broken: of the ways to split the runs into
// two sides, those with the same U are ordered by the difference of the means.
// It rejects whenever the U test does and keeps its level, being a permutation
// test, and comes nearer to it, for U of few runs has few values: of 5 and 5 runs
// 0.048 are below 0.05 instead of 0.032. Below MinRuns a side and above mostSplits
// it is the U test.
func RankTest(before, after []float64) Test {
	t := UTest(before, after)
	n1, n2 := len(before), len(after)
	if min(n1, n2) < MinRuns || choose(n1+n2, n1) > mostSplits || allSame(before, after) {
		return t
	}
	t.Method += ", ties of U by the means"
	x := sorted(slices.Concat(before, after))
	ranks := doubleRanks(x)
	// The sums of one side, and how far they are from what is expected: U in whole
	// numbers, the mean as a fraction.
	rankSum, sum := n1*(n1+n2+1), float64(n1)*stat.Mean(x, nil)
	scale := 3 * (x[len(x)-1] - x[0]) * float64(n1)
	far := func(ranks int, values float64) float64 {
		return math.Abs(float64(ranks-rankSum)) + math.Abs(values-sum)/scale
	}
	mine, total := 0, 0.0
	for _, v := range before {
		mine += ranks[slices.Index(x, v)]
		total += v
	}
	const rounding = 1e-9
	observed, reached, all := far(mine, total)-rounding, 0, 0
	var split func(from, left, ranksSoFar int, soFar float64)
	split = func(from, left, ranksSoFar int, soFar float64) {
		if left == 0 {
			all++
			if far(ranksSoFar, soFar) >= observed {
				reached++
			}
			return
		}
		for i := from; i <= len(x)-left; i++ {
			split(i+1, left-1, ranksSoFar+ranks[i], soFar+x[i])
		}
	}
	split(0, n1, 0, 0)
	t.P = float64(reached) / float64(all)
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

// A Test is the result of a test of "the two sides do not differ".
type Test struct {
	Method   string  `json:"method"`
	P        float64 `json:"p"`        // two-sided
	Smallest float64 `json:"smallest"` // the smallest p these runs could have given
	Missing  *Reason `json:"missing,omitempty"`
}

// Known reports whether the test was made.
func (t Test) Known() bool { return t.Missing == nil }

// PText prints a p or q value in five columns: "0.029", "<.001", never 0.000.
func PText(p float64) string {
	switch {
	case !(p >= 0 && p <= 1):
		return "-"
	case p < 0.001:
		return "<.001"
	}
	return fmt.Sprintf("%.3f", p)
}
