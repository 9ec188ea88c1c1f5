package compare

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// exactRuns bounds the exact distribution of U: its table costs the fourth
// power of the number of runs, 13 million steps here.
const exactRuns = 60

// criticalU returns the largest U, without ties, whose two-sided p is below
// alpha, and the probability of a p below alpha if nothing changed. It is false
// if there is no such U. Above exactRuns it is the normal approximation.
func criticalU(n1, n2 int, alpha float64) (c int, level float64, ok bool) {
	if n1+n2 > exactRuns {
		mean := float64(n1) * float64(n2) / 2
		sd := math.Sqrt(mean * float64(n1+n2+1) / 6)
		c = int(math.Floor(mean - 0.5 - normalQuantile(1-alpha/2)*sd))
		return c, alpha, c >= 0
	}
	ranks := make([]int, n1+n2)
	for i := range ranks {
		ranks[i] = i + 1
	}
	dist := sumDistribution(ranks, n1)[n1*(n1+1)/2:] // by U
	c = -1
	for c+1 < len(dist) && level+2*dist[c+1] < alpha {
		c++
		level += 2 * dist[c]
	}
	return c, level, c >= 0
}

// Attained returns the probability that RankTest gives a p below alpha when
// nothing changed. It is below alpha because the test has few values to give: at
// 0.05 it is 0.029 for 4+4 runs, 0.048 for 5+5, 0.043 for 10+10.
func Attained(n1, n2 int, alpha float64) float64 {
	if all := choose(n1+n2, n1); all <= mostSplits {
		pair := 1.0 // of equal sides a split and its mirror are as far
		if n1 == n2 {
			pair = 2
		}
		return pair * (math.Ceil(alpha*all/pair) - 1) / all
	}
	_, level, _ := criticalU(n1, n2, alpha)
	return level
}

func normalQuantile(p float64) float64 { return distuv.UnitNormal.Quantile(p) }
