package scaling

import (
	"fmt"
	"slices"

	"xfrmscope/analyze/compare"
)

// A Plateau is where a curve stops rising and does not fall: the longest tail
// of points within Options.PlateauWidth under the highest median.
type Plateau struct {
	From    int             `json:"from"` // smallest N on it
	To      int             `json:"to"`   // largest N measured
	Rate    float64         `json:"rate"` // median of all runs on it, in the curve's unit
	Missing *compare.Reason `json:"missing,omitempty"`
}

// Known reports whether there is a plateau.
func (p Plateau) Known() bool { return p.Missing == nil }

func findPlateau(points []Point, o Options) Plateau {
	medians := make([]float64, len(points))
	for i, p := range points {
		medians[i] = compare.Summarize(p.series(""), o.Options).Median
	}
	top := slices.Max(medians)
	first := len(points)
	for first > 0 && medians[first-1] >= top*(1-o.PlateauWidth) {
		first--
	}
	last := points[len(points)-1]
	switch {
	case first == len(points):
		peak := points[slices.Index(medians, top)]
		return Plateau{Missing: compare.Because(compare.NotApplicable, "no plateau: the rate falls after "+
			"N=%d, by N=%d to %.0f %% of the top", peak.N, last.N, 100*medians[len(points)-1]/top)}
	case first == len(points)-1:
		return Plateau{Missing: compare.Because(compare.BeyondData,
			"no plateau: the rate still rises at N=%d, the largest measured", last.N)}
	}
	var all []float64
	for _, p := range points[first:] {
		all = append(all, p.Values...)
	}
	s := compare.Summarize(compare.Series{Values: all}, o.Options)
	return Plateau{From: points[first].N, To: last.N, Rate: s.Median}
}

// A CeilingVerdict says whether a plateau is the ceiling.
type CeilingVerdict string

// The verdicts.
const (
	AtCeiling      CeilingVerdict = "at the ceiling"    // what ends scaling ends it without IPsec too
	BelowCeiling   CeilingVerdict = "below the ceiling" // the path has room that this curve does not use
	CeilingUnclear CeilingVerdict = "not decided"       // the interval holds both, or there is none
	CeilingUnknown CeilingVerdict = "not known"         // see Missing
)

// A Ceiling sets a curve against the same path without IPsec.
type Ceiling struct {
	Curve   string           `json:"curve"`
	Ceiling string           `json:"ceiling"`
	Rows    []CeilingRow     `json:"rows"`  // N that both have
	Level   Plateau          `json:"level"` // of the curve
	Top     Plateau          `json:"top"`   // of the ceiling
	Ratio   compare.Estimate `json:"ratio"` // curve / ceiling over the N judged, N as blocks
	// first N from which on every N is at the ceiling, 1 if never below it; 0 unless AtCeiling
	Reached int             `json:"reached,omitempty"`
	Verdict CeilingVerdict  `json:"verdict"`
	Missing *compare.Reason `json:"missing,omitempty"`
}

// A CeilingRow is one N.
type CeilingRow struct {
	N     int              `json:"n"`
	Ratio compare.Estimate `json:"ratio"` // curve / ceiling
}

// CompareCeiling asks whether the plateau of a curve is the ceiling: whether,
// over the N on both plateaus, the curve is within Options.PlateauWidth of the
// ceiling. A curve without a plateau is judged at the largest N of both. The
// ceiling must have one, and both must have one unit.
//
// A curve at the ceiling says nothing of what IPsec could do beyond it.
func CompareCeiling(curve, ceiling Curve, o Options) Ceiling {
	o = o.Defaults()
	out := Ceiling{Curve: curve.Name, Ceiling: ceiling.Name, Verdict: CeilingUnknown}
	a, _ := curve.clean()
	b, _ := ceiling.clean()
	switch {
	case curve.Unit != ceiling.Unit && !o.Force:
		return out.missing(compare.Because(compare.DifferentKey, "unit: %q of %s, %q of %s",
			curve.Unit, curve.Name, ceiling.Unit, ceiling.Name))
	case len(a) == 0 || len(b) == 0:
		return out.missing(compare.Because(compare.NoRuns, "a curve has no usable point"))
	}
	out.Level, out.Top = findPlateau(a, o), findPlateau(b, o)
	shared := sharedN(a, b)
	for _, s := range shared {
		out.Rows = append(out.Rows,
			CeilingRow{s[0].N, compare.Ratio(s[1].series(""), s[0].series(""), o.Options)})
	}
	if !out.Top.Known() {
		return out.missing(out.Top.Missing)
	}
	from := out.Top.From
	if out.Level.Known() {
		from = max(from, out.Level.From)
	} else if len(shared) > 0 {
		from = shared[len(shared)-1][0].N
	}
	out.Ratio = blockRatio(slices.DeleteFunc(shared, func(s [2]Point) bool { return s[0].N < from }), o)
	if !out.Ratio.Known() {
		return out.missing(out.Ratio.Missing)
	}
	out.Verdict = ceilingVerdict(out.Ratio, 1-o.PlateauWidth)
	if out.Verdict == AtCeiling {
		out.Reached = reached(out.Rows, 1-o.PlateauWidth)
	}
	return out
}

func (c Ceiling) missing(why *compare.Reason) Ceiling {
	c.Missing = why
	c.Ratio = compare.NoEstimate(why)
	return c
}

// sharedN pairs the points of the same N.
func sharedN(a, b []Point) [][2]Point {
	var out [][2]Point
	for _, p := range a {
		for _, q := range b {
			if p.N == q.N {
				out = append(out, [2]Point{p, q})
			}
		}
	}
	return out
}

// blockRatio returns the ratio of the first curve to the second with N as blocks.
func blockRatio(shared [][2]Point, o Options) compare.Estimate {
	if len(shared) == 0 {
		return compare.NoEstimate(compare.Because(compare.NoBlocks, "the plateaus share no N"))
	}
	var side [2]compare.Series
	for _, s := range shared {
		for i := range side {
			for _, v := range s[1-i].Values { // before is the ceiling
				side[i].Values = append(side[i].Values, v)
				side[i].Blocks = append(side[i].Blocks, fmt.Sprintf("N=%04d", s[0].N))
			}
		}
	}
	return compare.Ratio(side[0], side[1], o.Options)
}

// ceilingVerdict needs an interval: one run a point is on either side by chance.
func ceilingVerdict(r compare.Estimate, floor float64) CeilingVerdict {
	switch i := r.Interval; {
	case !i.Known():
		return CeilingUnclear
	case i.Lo >= floor:
		return AtCeiling
	case !i.OpenHi && i.Hi < floor:
		return BelowCeiling
	}
	return CeilingUnclear
}

// reached returns the first N from which on every ratio is at the floor.
func reached(rows []CeilingRow, floor float64) int {
	n := 0
	for _, r := range slices.Backward(rows) {
		if !r.Ratio.Known() || r.Ratio.Value < floor {
			break
		}
		n = r.N
	}
	return n
}
