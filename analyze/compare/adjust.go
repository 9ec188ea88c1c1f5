package compare

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

// adjust returns both sides' values in ascending order with the blocks'
// effects removed; without blocks, the values. A block's effect is the mean of
// its two sides' means: a factor if all values are positive, else a summand.
//
// Removing B effects from n values makes them lie closer by (n-B)/n; the
// deviations from their side's median are stretched by the root of its inverse.
func adjust(before, after Series) (b, a []float64) {
	blocks, _ := blocksOf(before, after)
	if len(blocks) == 0 {
		return sorted(before.Values), sorted(after.Values)
	}
	n := 0
	var effects []float64
	for _, block := range blocks {
		effects = append(effects, blockEffect(block))
		n += len(block)
	}
	center := stat.Mean(effects, nil)
	for i, block := range blocks {
		for _, r := range block {
			if v := r.value - effects[i] + center; r.after {
				a = append(a, v)
			} else {
				b = append(b, v)
			}
		}
	}
	b, a = sorted(b), sorted(a)
	factor := math.Sqrt(float64(n) / float64(max(n-len(blocks), 1)))
	stretch(b, factor)
	stretch(a, factor)
	if allPositive(before.Values) && allPositive(after.Values) { // blocksOf took logarithms
		return exps(b), exps(a)
	}
	return b, a
}

func blockEffect(block []blocked) float64 {
	var sum [2]float64
	var n [2]float64
	for _, r := range block {
		side := 0
		if r.after {
			side = 1
		}
		sum[side] += r.value
		n[side]++
	}
	return (sum[0]/n[0] + sum[1]/n[1]) / 2
}

// stretch moves sorted values away from their median.
func stretch(x []float64, factor float64) {
	m := median(x)
	for i := range x {
		x[i] = m + (x[i]-m)*factor
	}
}

func exps(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Exp(v)
	}
	return out
}
