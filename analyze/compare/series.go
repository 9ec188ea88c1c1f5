package compare

import (
	"cmp"
	"math"
	"slices"
)

// A Series is one metric over the runs of one side.
type Series struct {
	Name   string    // of the metric: "packets/s at 4 CPUs"
	Unit   string    // "packets/s"; the two sides must agree
	Better string    // "lower", "higher", or "" if neither is better as such
	Values []float64 // one a run, in Unit, in order of time

	// Least is the smallest interesting difference, in Unit, where there is no
	// ratio to judge by: from 0. Of both sides the before side's counts.
	Least float64

	// Blocks names the block (boot, module load) of each run, in the order of
	// Values. Nil if runs are exchangeable.
	Blocks []string

	// SE is the sampling standard error of each value, in Unit, in the order of
	// Values; Counts the number of events behind it. Either may be nil. They
	// are used only where a side has a single run.
	SE     []float64
	Counts []uint64

	// PerCount is what one count is worth in Unit, for values of 0 that no count
	// tells it of; nil if not known.
	PerCount []float64

	Notes []Reason // what weakens the values; they become those of the Summary
}

// Magnitudes that measurements have. Between them no sum of fourth powers overflows.
const leastMagnitude, topMagnitude = 1e-30, 1e30

// Usable reports whether v can be a measured value: 0 or of a magnitude between
// 1e-30 and 1e30.
func Usable(v float64) bool {
	m := math.Abs(v)
	return m == 0 || m >= leastMagnitude && m <= topMagnitude
}

// Clean returns the series without values that are not Usable (NaN, infinite),
// with a Reason that counts them, or nil. The input is not changed.
func (s Series) Clean() (Series, *Reason) {
	var keep []int
	for i, v := range s.Values {
		if Usable(v) {
			keep = append(keep, i)
		}
	}
	c := s
	c.Values = pick(s.Values, keep)
	c.Blocks = pick(s.Blocks, keep)
	c.SE = pick(s.SE, keep)
	c.Counts = pick(s.Counts, keep)
	c.PerCount = pick(s.PerCount, keep)
	if dropped := len(s.Values) - len(keep); dropped > 0 {
		return c, Because(NotFinite, "%d of %d values are not finite or out of all range, and were dropped",
			dropped, len(s.Values))
	}
	return c, nil
}

// pick returns the elements of s at the indexes, nil if s does not have one
// for each run.
func pick[T any](s []T, index []int) []T {
	if s == nil {
		return nil
	}
	out := make([]T, 0, len(index))
	for _, i := range index {
		if i >= len(s) {
			return nil
		}
		out = append(out, s[i])
	}
	return out
}

func sorted[T cmp.Ordered](s []T) []T {
	c := slices.Clone(s)
	slices.Sort(c)
	return c
}

// Median returns the median of sorted values, 0 for none.
func Median(x []float64) float64 {
	n := len(x)
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return x[n/2]
	}
	return x[n/2-1] + (x[n/2]-x[n/2-1])/2
}

func allPositive(x []float64) bool {
	return !slices.ContainsFunc(x, func(v float64) bool { return v <= 0 })
}

func mapped(x []float64, f func(float64) float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = f(v)
	}
	return out
}
