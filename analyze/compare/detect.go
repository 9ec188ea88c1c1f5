package compare

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// A Detectable is the smallest change that these runs would have shown: with
// probability Power, a true change of this size is significant. It belongs beside
// every "no change shown", which otherwise reads as "equal".
type Detectable struct {
	Change  float64 `json:"change"` // of the ratio, up: 0.031 is +3.1 %
	Power   float64 `json:"power"`
	Alpha   float64 `json:"alpha"` // level that p had to reach; in a family of m below Options.Alpha
	Missing *Reason `json:"missing,omitempty"`
}

// Known reports whether there is a number.
func (d Detectable) Known() bool { return d.Missing == nil }

const (
	detectTrials   = 2000
	mostDetectable = 1000 // as a change of the ratio
)

// A detector remembers the shift, in standard deviations, that the U test
// finds; one comparison or one family has one.
type detector struct {
	seed   uint64
	byT    bool // of a family that StepDown corrects
	shifts map[detectKey]float64
}

type detectKey struct {
	n1, n2       int
	alpha, power float64
}

func newDetector(seed uint64) *detector {
	return &detector{seed: seed, shifts: map[detectKey]float64{}}
}

// Detect returns the smallest detectable change of a comparison of these two
// series on its own. The spread is the runs' own, with its error: from 4+4
// runs it is good to a factor of 1.6 either way.
func Detect(before, after Series, o Options) Detectable {
	o = o.Defaults()
	before, after = cleaned(before), cleaned(after)
	return newDetector(o.Seed).detect(before, after, o.Alpha, o)
}

// detect allows for both conditions of significance: the test at level alpha, and a
// change that is not smaller than the smallest interesting one.
func (d *detector) detect(before, after Series, alpha float64, o Options) Detectable {
	out := Detectable{Power: o.Power, Alpha: alpha}
	n1, n2 := len(before.Values), len(after.Values)
	if n1 < MinRuns || n2 < MinRuns {
		out.Missing = Because(TooFewRuns, "below %d runs a side nothing is shown; there are %d and %d",
			MinRuns, n1, n2)
		return out
	}
	shift, ok := shiftByT(n1, n2, alpha, o.Power), true
	if !d.byT {
		shift, ok = d.shift(n1, n2, alpha, o.Power)
	}
	if !ok {
		out.Missing = Because(CannotBeShown, "the smallest p of %d and %d runs is %s, above the %s needed here",
			n1, n2, PText(smallestU(n1, n2)), PText(alpha))
		return out
	}
	spread, why := relativeSpread(before, after)
	if why != nil {
		out.Missing = why
		return out
	}
	out.Change = max(math.Expm1(shift*spread), o.minChange())
	if out.Change > mostDetectable {
		return Detectable{Power: o.Power, Alpha: alpha,
			Missing: Because(CannotBeShown, "the runs of a side differ too much: more than a %d-fold "+
				"change would be needed", mostDetectable)}
	}
	return out
}

// relativeSpread returns the standard deviation of the logarithms within the
// sides, blocks removed; of the values over the median before if some are not positive.
func relativeSpread(before, after Series) (float64, *Reason) {
	x, y := adjust(before, after)
	if allPositive(x) && allPositive(y) {
		return pooledSD(mapped(x, math.Log), mapped(y, math.Log)), nil
	}
	if m := Median(x); m > 0 {
		return pooledSD(x, y) / m, nil
	}
	return 0, Because(ZeroBefore, "no relative change: the median before is 0")
}

func pooledSD(x, y []float64) float64 {
	dx, dy := float64(len(x)-1), float64(len(y)-1)
	return math.Sqrt((dx*stat.Variance(x, nil) + dy*stat.Variance(y, nil)) / (dx + dy))
}

// shift returns by how many standard deviations a normal distribution must
// move for the U test to reject with the given power, and false if it never
// does. U counts the pairs with y > x: moved by d, those with x - y < d. A trial
// is rejected from the d on that is its (n1 n2 - c)-th smallest x - y, c being
// the critical value; the answer is a quantile of these.
func (d *detector) shift(n1, n2 int, alpha, power float64) (float64, bool) {
	key := detectKey{n1, n2, alpha, power}
	if s, ok := d.shifts[key]; ok {
		return s, !math.IsNaN(s)
	}
	c, _, ok := criticalU(n1, n2, alpha)
	if !ok {
		d.shifts[key] = math.NaN()
		return 0, false
	}
	rng := rand.New(rand.NewPCG(d.seed, uint64(n1)<<32|uint64(n2)))
	trials := make([]trial, detectTrials)
	all := make([]float64, detectTrials*(n1+n2))
	fillNormal(rng, all)
	for t := range trials {
		trials[t], all = trial{all[:n1], all[n1 : n1+n2]}, all[n1+n2:]
		slices.Sort(trials[t].x)
		slices.Sort(trials[t].y)
	}
	s := max(nthNeed(trials, n1*n2-c-1, int(power*detectTrials)), 0)
	d.shifts[key] = s
	return s, true
}

// A trial is two simulated sides, sorted.
type trial struct{ x, y []float64 }

// nthNeed returns of the k-th smallest x - y of each trial the smallest but at. It is
// Quickselect over the trials, which it moves about: to tell on which side of another
// a trial is, its pairs need not be ordered.
func nthNeed(trials []trial, k, at int) float64 {
	var pairs []float64
	for {
		trials[0], trials[len(trials)/2] = trials[len(trials)/2], trials[0]
		pairs = pairs[:0]
		for _, v := range trials[0].x {
			for _, w := range trials[0].y {
				pairs = append(pairs, v-w)
			}
		}
		pivot, below := smallest(pairs, k), 0
		rest := trials[1:]
		for i := range rest {
			if rest[i].below(pivot) > k {
				rest[i], rest[below] = rest[below], rest[i]
				below++
			}
		}
		switch {
		case at < below:
			trials = rest[:below]
		case at == below:
			return pivot
		default:
			trials, at = rest[below:], at-below-1
		}
	}
}

// below counts the pairs with x - y < d.
func (t *trial) below(d float64) int {
	n, j := 0, 0
	for _, v := range t.x {
		for j < len(t.y) && v-t.y[j] >= d {
			j++
		}
		n += len(t.y) - j
	}
	return n
}

// smallest returns the k-th smallest of x from 0 on, and moves x about: Hoare's
// quickselect, Comm. ACM 4 (1961) 321. x must hold no NaN.
func smallest(x []float64, k int) float64 {
	for lo, hi := 0, len(x)-1; lo < hi; {
		pivot := x[lo+(hi-lo)/2]
		i, j := lo, hi
		for i <= j {
			for x[i] < pivot {
				i++
			}
			for x[j] > pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch { // up to j are those <= pivot, from i on those >= pivot
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return x[k]
		}
	}
	return x[k]
}

func fillNormal(rng *rand.Rand, x []float64) {
	for i := range x {
		x[i] = rng.NormFloat64()
	}
}
