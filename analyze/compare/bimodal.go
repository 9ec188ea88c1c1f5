package compare

import (
	"math"
	"math/rand/v2"
	"slices"
)

// A Bimodality is a gap between two groups of runs that one smooth
// distribution seldom leaves: page colouring, an RSS hash or a placement that
// differs by boot.
type Bimodality struct {
	Below int     `json:"below"` // runs under the gap
	Above int     `json:"above"`
	Lo    float64 `json:"lo"` // the gap, in the series' unit
	Hi    float64 `json:"hi"`
	Share float64 `json:"share"` // gap / range
	P     float64 `json:"p"`     // share of normal samples of this size with such a gap
}

const (
	bimodalRuns   = 6    // fewer runs cannot show two groups
	bimodalTrials = 2000 // of the null
	bimodalAlpha  = 0.01
)

// bimodal takes sorted values. The statistic is the widest gap that leaves at
// least two runs on each side, over the range; one outlier is no second mode.
func bimodal(x []float64, seed uint64) *Bimodality {
	n := len(x)
	if n < bimodalRuns {
		return nil
	}
	k, share := widestGap(x)
	if share < 0.35 { // never rare: the null's 0.99 quantile is higher at every n <= 40
		return nil
	}
	rng := rand.New(rand.NewPCG(seed, uint64(n)))
	wider, y := 0, make([]float64, n)
	p := func() float64 { return float64(wider+1) / (bimodalTrials + 1) }
	for range bimodalTrials {
		lo, hi := math.Inf(1), math.Inf(-1)
		for i := range y {
			v := rng.NormFloat64()
			y[i], lo, hi = v, min(lo, v), max(hi, v)
		}
		if !mayHaveGap(y, lo, hi, share) {
			continue // most samples have none: they need not be sorted
		}
		slices.Sort(y)
		if _, s := widestGap(y); s >= share {
			if wider++; p() >= bimodalAlpha {
				return nil // most are not rare, and seen not to be after a few trials
			}
		}
	}
	return &Bimodality{Below: k, Above: n - k, Lo: x[k-1], Hi: x[k], Share: share, P: p()}
}

// mayHaveGap is false if values from lo to hi, in any order, leave no gap of that
// share of their range, 0.35 or more. The range is parted into cells of an eighth
// of the gap or less, of which it leaves at least six in a row empty, whatever
// rounding does to the cells at its ends.
func mayHaveGap(x []float64, lo, hi, share float64) bool {
	if lo == hi {
		return false
	}
	cells := uint(8/share) + 1
	scale, taken := float64(cells)/(hi-lo), uint64(0)
	for _, v := range x {
		taken |= 1 << min(uint((v-lo)*scale), cells-1)
	}
	empty := ^taken & (1<<cells - 1)
	two := empty & (empty >> 1)
	four := two & (two >> 2)
	return four&(two>>4) != 0
}

// widestGap returns how many values are under the gap and gap/range.
func widestGap(x []float64) (k int, share float64) {
	n := len(x)
	span := x[n-1] - x[0]
	if span <= 0 {
		return 0, 0
	}
	for i := 2; i <= n-2; i++ {
		if g := (x[i] - x[i-1]) / span; g > share {
			k, share = i, g
		}
	}
	return k, share
}
