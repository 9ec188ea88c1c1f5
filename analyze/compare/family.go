package compare

import (
	"cmp"
	"math"
	"slices"

	"xfrmscope/collect/bundle"
)

// A Pair is one metric of a family on both sides.
type Pair struct{ Before, After Series }

// A Family is a set of metrics tested together: the rows of one table, the
// locks, the functions. Its significant rows hold together: among all of the family
// at most Options.Alpha are expected to be false.
type Family struct {
	Name        string       `json:"name"`
	Method      string       `json:"method,omitempty"` // of the correction
	Comparisons []Comparison `json:"comparisons"`      // in the order given
	Tested      int          `json:"tested"`           // with a p; the size of the correction
	Significant int          `json:"starred"`
	// Needed is the p that one more metric would have needed to be significant: what
	// Comparison.Detectable is computed for.
	Needed  float64 `json:"needed"`
	Options Options `json:"options"` // as used
	// Detectable is the largest of the comparisons not significant, those
	// whose Detectable is missing left out: "48 others: no change shown, would
	// have shown >= 3.1 %". Undetectable counts the left out.
	Detectable   float64 `json:"detectable"`
	Undetectable int     `json:"undetectable"`
}

// What Family.Method says.
const (
	MethodBH = "Benjamini-Hochberg"
	MethodWY = "Westfall-Young"
)

// CompareFamily compares metrics with a correction among those that can be
// tested: with MinRuns runs on both sides. It is Benjamini and Hochberg's, or, where
// the runs are too few for that to name one row alone, StepDown.
func CompareFamily(name string, pairs []Pair, o Options) Family {
	o = o.Defaults()
	f := Family{Name: name, Comparisons: make([]Comparison, len(pairs)), Options: o}
	p := make([]float64, len(pairs))
	var tested []int
	measured := make([]Comparison, len(pairs))
	null := newGaps(o.Seed)
	bundle.OnAllCores(len(pairs), func(i int) { measured[i] = measure(pairs[i].Before, pairs[i].After, o, null) })
	for i, c := range measured {
		c.Family = name
		p[i] = math.NaN()
		if c.Test.Known() && min(c.Before.N, c.After.N) >= MinRuns {
			p[i] = c.Test.P
			tested = append(tested, i)
		}
		f.Comparisons[i] = c
	}
	f.Tested = len(tested)
	q, d := f.correct(pairs, p, tested)
	for i := range f.Comparisons {
		f.judge(&f.Comparisons[i], pairs[i], q[i], d)
	}
	return f
}

// correct returns p corrected for the family, and what tells which change would have
// held at Needed.
func (f *Family) correct(pairs []Pair, p []float64, tested []int) ([]float64, *detector) {
	d, alpha := newDetector(f.Options.Seed), f.Options.Alpha
	clean := make([]Pair, len(pairs))
	for i, pair := range pairs {
		clean[i] = Pair{cleaned(pair.Before), cleaned(pair.After)}
	}
	if !permutes(clean, tested, f.Options) {
		q := BenjaminiHochberg(p)
		f.Method = MethodBH
		f.Needed = min(alpha, alpha*float64(rejected(q, alpha)+1)/float64(max(f.Tested, 1)))
		return q, d
	}
	f.Method, f.Needed, d.byT = MethodWY, alpha/float64(f.Tested), true
	only := make([]Pair, len(tested))
	for k, i := range tested {
		only[k] = clean[i]
	}
	q := slices.Clone(p)
	for k, v := range StepDown(only) {
		q[tested[k]] = max(v, p[tested[k]])
	}
	return q, d
}

func (f *Family) judge(c *Comparison, pair Pair, q float64, d *detector) {
	decide := 1.0
	if !math.IsNaN(q) {
		c.Q, decide = &q, q
	}
	c.judge(decide, pair.Before, pair.After, d, f.Needed, f.Options)
	switch {
	case c.Significant:
		f.Significant++
	case c.Verdict == NotShown && c.Detectable.Known():
		f.Detectable = max(f.Detectable, c.Detectable.Change)
	default:
		f.Undetectable++
	}
}

// rejected counts the q below alpha.
func rejected(q []float64, alpha float64) int {
	n := 0
	for _, v := range q {
		if v < alpha {
			n++
		}
	}
	return n
}

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
