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
	var sides [2][]float64
	for i, block := range blocks {
		for _, r := range block {
			sides[r.side] = append(sides[r.side], r.value-effects[i]+center)
		}
	}
	b, a = sorted(sides[0]), sorted(sides[1])
	factor := math.Sqrt(float64(n) / float64(max(n-len(blocks), 1)))
	stretch(b, factor)
	stretch(a, factor)
	if allPositive(before.Values) && allPositive(after.Values) { // blocksOf took logarithms
		return mapped(b, math.Exp), mapped(a, math.Exp)
	}
	return b, a
}

func blockEffect(block []blocked) float64 {
	var sum, n [2]float64
	for _, r := range block {
		sum[r.side] += r.value
		n[r.side]++
	}
	return (sum[0]/n[0] + sum[1]/n[1]) / 2
}

// stretch moves sorted values away from their median.
func stretch(x []float64, factor float64) {
	m := Median(x)
	for i := range x {
		x[i] = m + (x[i]-m)*factor
	}
}
