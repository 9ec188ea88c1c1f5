package compare

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
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
	rareGap       = 0.35 // of the range: the null's 0.99 quantile is higher at every n <= 40
)

// bimodal takes sorted values. The statistic is the widest gap that leaves at
// least two runs on each side, over the range; one outlier is no second mode.
func bimodal(x []float64, null *gaps) *Bimodality {
	n := len(x)
	if n < bimodalRuns {
		return nil
	}
	k, share := widestGap(x)
	if share < rareGap {
		return nil
	}
	wider := 0
	for _, s := range null.of(n) {
		if s >= share {
			wider++
		}
	}
	p := float64(wider+1) / (bimodalTrials + 1)
	if p >= bimodalAlpha {
		return nil
	}
	return &Bimodality{Below: k, Above: n - k, Lo: x[k-1], Hi: x[k], Share: share, P: p}
}

// gaps are the null of bimodal: the widest gaps of normal samples, by their number of
// values. One comparison or one family has one.
type gaps struct {
	seed  uint64
	mu    sync.Mutex
	known map[int][]float64
}

func newGaps(seed uint64) *gaps { return &gaps{seed: seed, known: map[int][]float64{}} }

// of returns those gaps of samples of n values that are not smaller than rareGap.
func (g *gaps) of(n int) []float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if list, ok := g.known[n]; ok {
		return list
	}
	rng, y := rand.New(rand.NewPCG(g.seed, uint64(n))), make([]float64, n)
	var list []float64
	for range bimodalTrials {
		lo, hi := math.Inf(1), math.Inf(-1)
		for i := range y {
			v := rng.NormFloat64()
			y[i], lo, hi = v, min(lo, v), max(hi, v)
		}
		if !mayHaveGap(y, lo, hi, rareGap) {
			continue // most samples have none: they need not be sorted
		}
		slices.Sort(y)
		if _, share := widestGap(y); share >= rareGap {
			list = append(list, share)
		}
	}
	g.known[n] = list
	return list
}

// mayHaveGap is false if values from lo to hi, in any order, leave no gap of that
// share of their range, rareGap or more. The range is parted into cells of an eighth
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
