package scaling

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"xfrmscope/analyze/compare"
)

// A Breakdown says where the cost per packet at N went that is not there at the
// base: by key, and what no key explains. The deltas of Rows and Unexplained
// sum to that of Total.
//
// It is made of means over runs, because medians of parts do not sum to the
// median of the whole.
type Breakdown struct {
	Unit        string           `json:"unit"` // "cycles/packet", "ns/packet"
	Base        int              `json:"base"` // N compared with: 1, or the smallest measured
	N           int              `json:"n"`
	Rows        []BreakdownRow   `json:"rows"` // largest delta first, either sign
	Unexplained BreakdownRow     `json:"unexplained"`
	Total       BreakdownRow     `json:"total"`
	Notes       []compare.Reason `json:"notes,omitempty"`
}

// A BreakdownRow is one key.
type BreakdownRow struct {
	Key   string           `json:"key"`
	Base  float64          `json:"base"` // mean cost per packet at Breakdown.Base
	AtN   float64          `json:"at_n"`
	Delta compare.Estimate `json:"delta"`           // AtN - Base; Welch's t interval over runs
	Share *float64         `json:"share,omitempty"` // of the total delta; nil if that is 0
}

// Breakdowns returns the breakdown of each N above the base. Keys are stages, locks or
// functions that do not overlap: thousands, 5 us each with its interval.
func Breakdowns(costs []Costs, unit string, o Options) []Breakdown {
	o = o.Defaults()
	clean, notes := cleanCosts(costs)
	var out []Breakdown
	for i := 1; i < len(clean); i++ {
		out = append(out, breakdown(clean[0], clean[i], unit, notes, o))
	}
	return out
}

func breakdown(base, at Costs, unit string, notes []compare.Reason, o Options) Breakdown {
	b := Breakdown{Unit: unit, Base: base.N, N: at.N, Notes: slices.Clone(notes)}
	if base.N != 1 {
		b.Notes = append(b.Notes,
			*compare.Because(compare.NoBase, "no runs at N=1: the cost breakdown counts from N=%d", base.N))
	}
	all := keys(base, at)
	explained := 0.0
	for _, k := range all {
		r := breakdownRow(k, base.of(k), at.of(k), o)
		if !r.Delta.Interval.Known() {
			r.Delta.Interval = samplingInterval(k, base, at, o)
		}
		explained += r.Delta.Value
		b.Rows = append(b.Rows, r)
	}
	slices.SortStableFunc(b.Rows, func(x, y BreakdownRow) int {
		return cmp.Compare(math.Abs(y.Delta.Value), math.Abs(x.Delta.Value))
	})
	b.total(base, at, all, explained, o)
	for i := range b.Rows {
		b.Rows[i].Share = share(b.Rows[i], b.Total)
	}
	b.Unexplained.Share = share(b.Unexplained, b.Total)
	return b
}

// total fills the total and what no key explains.
func (b *Breakdown) total(base, at Costs, all []string, explained float64, o Options) {
	sumBase, sumAt := base.sums(all), at.sums(all)
	if base.Totals == nil || at.Totals == nil {
		why := compare.Because(compare.NotApplicable,
			"the total was not measured apart from its parts: nothing can be left unexplained")
		b.Notes = append(b.Notes, *why)
		b.Total = breakdownRow("total", sumBase, sumAt, o)
		b.Total.Delta.Value = explained
		b.Unexplained = BreakdownRow{Key: "unexplained",
			Delta: compare.Estimate{Interval: compare.NoInterval(why)}}
		return
	}
	b.Total = breakdownRow("total", base.Totals, at.Totals, o)
	b.Unexplained = breakdownRow("unexplained", less(base.Totals, sumBase), less(at.Totals, sumAt), o)
	b.Unexplained.Delta.Value = b.Total.Delta.Value - explained
}

func less(a, b []float64) []float64 {
	return floats.SubTo(make([]float64, len(a)), a, b)
}

func share(r, total BreakdownRow) *float64 {
	if total.Delta.Value == 0 {
		return nil
	}
	s := r.Delta.Value / total.Delta.Value
	return &s
}

func breakdownRow(key string, base, at []float64, o Options) BreakdownRow {
	// sums must not depend on the order of runs
	base, at = slices.Sorted(slices.Values(base)), slices.Sorted(slices.Values(at))
	r := BreakdownRow{Key: key, Base: stat.Mean(base, nil), AtN: stat.Mean(at, nil)}
	r.Delta = compare.Estimate{Value: r.AtN - r.Base, Interval: welch(base, at, o.Confidence)}
	return r
}

// welch returns Welch's interval of the difference of two means.
func welch(a, b []float64, confidence float64) compare.Interval {
	n1, n2 := float64(len(a)), float64(len(b))
	if n1 < 2 || n2 < 2 {
		return compare.NoInterval(compare.Because(compare.TooFewRuns,
			"an interval needs 2 runs at both N, there are %d and %d", len(a), len(b)))
	}
	v1, v2 := stat.Variance(a, nil)/n1, stat.Variance(b, nil)/n2
	d := stat.Mean(b, nil) - stat.Mean(a, nil)
	w := 0.0
	if v1+v2 > 0 {
		// Relative to the larger, so that small variances do not underflow.
		top := max(v1, v2)
		r1, r2 := v1/top, v2/top
		df := (r1 + r2) * (r1 + r2) / (r1*r1/(n1-1) + r2*r2/(n2-1))
		w = tQuantile(confidence, df) * math.Sqrt(v1+v2)
	}
	return compare.Interval{Lo: d - w, Hi: d + w, Level: confidence, Method: "Welch's t over runs"}
}

func tQuantile(confidence, df float64) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Quantile(1 - (1-confidence)/2)
}

// samplingInterval stands in where both N have a single run whose sampling
// error is known.
func samplingInterval(key string, base, at Costs, o Options) compare.Interval {
	if len(base.Runs) != 1 || len(at.Runs) != 1 || base.SEs == nil || at.SEs == nil {
		return compare.NoInterval(compare.Because(compare.TooFewRuns,
			"an interval needs 2 runs at both N, there are %d and %d", len(base.Runs), len(at.Runs)))
	}
	w := math.Hypot(base.SEs[0][key], at.SEs[0][key]) * distuv.UnitNormal.Quantile(1-(1-o.Confidence)/2)
	if !compare.Usable(w) {
		return compare.NoInterval(compare.Because(compare.NoSamplingErr, "the sampling error is no number"))
	}
	d := at.Runs[0][key] - base.Runs[0][key]
	return compare.Interval{Lo: d - w, Hi: d + w, Level: o.Confidence,
		Method: "sampling error only: from standard errors"}
}

// unlistedKey names the rows that Trim sums.
const unlistedKey = "(not listed)"

// Trim keeps the rows with the largest deltas and sums the others, so that the
// breakdown still sums to its total.
func (b *Breakdown) Trim(rows int) {
	if len(b.Rows) <= rows+1 {
		return
	}
	rest := BreakdownRow{Key: unlistedKey}
	rest.Delta.Interval = compare.NoInterval(compare.Because(compare.NotApplicable, "it sums %d rows",
		len(b.Rows)-rows))
	for _, r := range b.Rows[rows:] {
		rest.Base += r.Base
		rest.AtN += r.AtN
		rest.Delta.Value += r.Delta.Value
	}
	rest.Share = share(rest, b.Total)
	b.Rows = append(slices.Clone(b.Rows[:rows]), rest)
}
