package compare

import (
	"cmp"
	"math"
	"slices"
)

// BenjaminiHochberg returns the q value of each p: the smallest rate of false
// discoveries at which it would count as one (Benjamini and Hochberg, J. R.
// Statist. Soc. B 57 (1995) 289; R's p.adjust(method = "BH")). A p that is NaN is no
// test: its q is NaN and the family is smaller.
func BenjaminiHochberg(p []float64) []float64 {
	q := make([]float64, len(p))
	var order []int
	for i, v := range p {
		q[i] = math.NaN()
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	m, least := float64(len(order)), 1.0
	for rank := len(order); rank >= 1; rank-- {
		i := order[rank-1]
		least = min(least, p[i]*m/float64(rank))
		q[i] = least
	}
	return q
}
