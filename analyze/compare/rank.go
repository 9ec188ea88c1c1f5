package compare

import (
	"cmp"
	"math"
	"slices"
)

// doubleRanks returns twice the mid-ranks of x: whole numbers even with ties.
func doubleRanks(x []float64) []int {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	ranks := make([]int, len(x))
	for lo := 0; lo < len(order); {
		hi := lo + 1
		for hi < len(order) && x[order[hi]] == x[order[lo]] {
			hi++
		}
		for _, i := range order[lo:hi] {
			ranks[i] = lo + hi + 1 // ranks lo+1 .. hi
		}
		lo = hi
	}
	return ranks
}

// sumDistribution returns, by sum, the probability that k of the scores drawn
// without replacement have this sum. Scores are >= 0.
func sumDistribution(scores []int, k int) []float64 {
	top := 0
	for _, s := range scores {
		top += s
	}
	ways := make([][]float64, k+1) // by number drawn, by sum
	for i := range ways {
		ways[i] = make([]float64, top+1)
	}
	ways[0][0] = 1
	for seen, s := range scores {
		for i := min(k, seen+1); i >= 1; i-- {
			for sum := top; sum >= s; sum-- {
				ways[i][sum] += ways[i-1][sum-s]
			}
		}
	}
	return normalise(ways[k])
}

func normalise(w []float64) []float64 {
	total := 0.0
	for _, v := range w {
		total += v
	}
	for i := range w {
		w[i] /= total
	}
	return w
}

// convolve returns the distribution of the sum of two independent sums.
func convolve(a, b []float64) []float64 {
	out := make([]float64, len(a)+len(b)-1)
	for i, p := range a {
		if p == 0 {
			continue
		}
		for j, q := range b {
			out[i+j] += p * q
		}
	}
	return out
}

// twoSided returns the probability of a sum at least as far from its
// expectation as the one observed, and the smallest such probability possible.
func twoSided(dist []float64, observed int) (p, smallest float64) {
	mean := 0.0
	for s, q := range dist {
		mean += float64(s) * q
	}
	const tiny = 1e-7 // ties between both tails, against rounding of the mean
	dev := math.Abs(float64(observed)-mean) - tiny
	far := 0.0
	for s, q := range dist {
		if q > 0 {
			far = max(far, math.Abs(float64(s)-mean))
		}
	}
	for s, q := range dist {
		d := math.Abs(float64(s) - mean)
		if d >= dev {
			p += q
		}
		if d >= far-tiny {
			smallest += q
		}
	}
	return min(p, 1), min(smallest, 1)
}
