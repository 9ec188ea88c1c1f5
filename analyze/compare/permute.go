package compare

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// mostChoices bounds the ways to hand out the sides that are gone through: 8 + 8 runs.
const mostChoices = 20_000

// permutes reports whether a family is corrected by StepDown: if the smallest p that
// its runs can have is too large for one row alone to hold among tested rows by
// Benjamini-Hochberg, as of 5 + 5 runs from 7 rows on. Numbers of runs and rows
// decide, never values, so that the level holds.
func permutes(pairs []Pair, tested []int, o Options) bool {
	if len(tested) < 2 {
		return false
	}
	n1, n2 := len(pairs[tested[0]].Before.Values), len(pairs[tested[0]].After.Values)
	for _, i := range tested {
		b, a := pairs[i].Before, pairs[i].After
		if len(b.Values) != n1 || len(a.Values) != n2 || b.Blocks != nil || a.Blocks != nil {
			return false
		}
	}
	return smallestU(n1, n2)*float64(len(tested)) > o.Alpha && splits(n1+n2, n1) <= mostChoices
}

// splits is the number of ways to choose k of n.
func splits(n, k int) float64 {
	out := 1.0
	for i := range k {
		out *= float64(n-i) / float64(k-i)
	}
	return math.Round(out)
}

// StepDown returns for each pair how often, over all ways to hand out the sides to
// the runs, the largest difference among it and those that differ less is as large as
// its own: Westfall and Young, Resampling-Based Multiple Testing (1993), algorithm 2.8.
// Below alpha, no row of all that did not change is named with a probability above
// alpha. A run's rows stay together, so rows that rise and fall as one cost nothing;
// and the first step is a test of all rows at once, which sees rows that moved against
// each other while their sum stood still.
//
// A difference is measured in standard deviations of all runs: as Student's t does, in
// ascending order of it. Values are logarithms if all are positive. Pairs must have
// equal numbers of runs.
func StepDown(pairs []Pair) []float64 {
	n1, n := len(pairs[0].Before.Values), len(pairs[0].Before.Values)+len(pairs[0].After.Values)
	z := make([][]float64, len(pairs))
	observed := make([]float64, len(pairs))
	for i, p := range pairs {
		z[i] = standardised(p)
		observed[i] = sumOf(z[i], firstOf(n1))
	}
	order := make([]int, len(pairs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(observed[j], observed[i]) })
	far := make([]int, len(pairs))
	all := 0
	for chosen := firstOf(n1); chosen != nil; chosen = nextOf(chosen, n) {
		all++
		most := 0.0
		for rank := len(order) - 1; rank >= 0; rank-- {
			most = max(most, sumOf(z[order[rank]], chosen))
			if most >= observed[order[rank]]-1e-9 {
				far[rank]++
			}
		}
	}
	p, least := make([]float64, len(pairs)), 0.0
	for rank, i := range order {
		least = max(least, float64(far[rank])/float64(all))
		p[i] = least
	}
	return p
}

// standardised returns the runs of both sides around their mean, in units of their spread.
func standardised(p Pair) []float64 {
	x := slices.Concat(p.Before.Values, p.After.Values)
	if allPositive(x) {
		x = mapped(x, math.Log)
	}
	mean, square, top := 0.0, 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
		top = max(top, math.Abs(v))
	}
	for i := range x {
		if x[i] -= mean; math.Abs(x[i]) < 1e-12*top { // rounding of the mean is no spread
			x[i] = 0
		}
		square += x[i] * x[i]
	}
	for i := range x {
		if square > 0 {
			x[i] /= math.Sqrt(square)
		}
	}
	return x
}

func sumOf(z []float64, chosen []int) float64 {
	sum := 0.0
	for _, i := range chosen {
		sum += z[i]
	}
	return math.Abs(sum)
}

// firstOf and nextOf go through the choices of k of n in order of the alphabet.
func firstOf(k int) []int {
	out := make([]int, k)
	for i := range out {
		out[i] = i
	}
	return out
}

func nextOf(chosen []int, n int) []int {
	k := len(chosen)
	for i := k - 1; i >= 0; i-- {
		if chosen[i] < n-k+i {
			chosen[i]++
			for j := i + 1; j < k; j++ {
				chosen[j] = chosen[j-1] + 1
			}
			return chosen
		}
	}
	return nil
}

// shiftByT returns by how many standard deviations a side must move for Student's t to
// reject at alpha with the given power: what StepDown needs at most if alpha is that of
// one row of all.
func shiftByT(n1, n2 int, alpha, power float64) float64 {
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n1 + n2 - 2)}
	return (t.Quantile(1-alpha/2) + t.Quantile(power)) * math.Sqrt(1/float64(n1)+1/float64(n2))
}
