package scaling

import "xfrmscope/analyze/compare"

// A Scaling is a curve with what it says of more CPUs.
type Scaling struct {
	Name  string           `json:"name"`
	Unit  string           `json:"unit"`
	Base  int              `json:"base"` // N that speed-up counts from: 1, or the smallest measured
	Rows  []Row            `json:"rows"` // by N
	Knee  Knee             `json:"knee"`
	Level Plateau          `json:"plateau"`
	Notes []compare.Reason `json:"notes,omitempty"`
	// Missing is set if there is no point at all.
	Missing *compare.Reason `json:"missing,omitempty"`
}

// A Row is one N of a curve.
type Row struct {
	N    int             `json:"n"`
	Rate compare.Summary `json:"rate"` // in the curve's unit
	// Base x rate / rate at Base; ratio of medians, bootstrap interval over runs
	Speedup    compare.Estimate `json:"speedup"`
	Efficiency compare.Estimate `json:"efficiency"` // Speedup / N
	Loss       *float64         `json:"loss,omitempty"`
	Limit      string           `json:"limit,omitempty"` // what set the rate if not the CPUs
}

// Scale returns speed-up, efficiency, knee and plateau of a curve. Without a
// point at N=1 everything is relative to the smallest N, as if scaling were
// perfect up to there; a note says so.
func Scale(c Curve, o Options) Scaling {
	o = o.Defaults()
	points, notes := c.clean()
	out := Scaling{Name: c.Name, Unit: c.Unit, Notes: notes}
	if len(points) == 0 {
		out.Missing = compare.Because(compare.NoRuns, "no point has a usable run")
		out.Knee, out.Level = Knee{Missing: out.Missing}, Plateau{Missing: out.Missing}
		return out
	}
	base := points[0]
	out.Base = base.N
	if base.N != 1 {
		out.Notes = append(out.Notes,
			*compare.Because(compare.NoBase, "no runs at N=1: speed-up counts from N=%d as if it scaled "+
				"perfectly up to there", base.N))
	}
	for _, p := range points {
		out.Rows = append(out.Rows, row(p, base, c.Unit, o))
	}
	if out.Rows[0].Rate.Median == 0 {
		out.Knee = Knee{Missing: compare.Because(compare.ZeroBefore,
			"the rate at N=%d is 0: nothing to count from", base.N)}
	} else {
		out.Knee = findKnee(out.Rows, o)
	}
	out.Level = findPlateau(points, o)
	return out
}

func row(p, base Point, unit string, o Options) Row {
	r := Row{N: p.N, Rate: compare.Summarize(p.series(unit), o.Options), Limit: p.Limit}
	if loss, ok := p.loss(); ok {
		r.Loss = &loss
	}
	if p.N == base.N {
		why := compare.Because(compare.NotApplicable, "speed-up counts from N=%d", base.N)
		r.Speedup = compare.Estimate{Value: float64(base.N), Interval: compare.NoInterval(why)}
		r.Efficiency = compare.Estimate{Value: 1, Interval: compare.NoInterval(why)}
		return r
	}
	ratio := compare.Ratio(base.series(unit), p.series(unit), o.Options)
	r.Speedup = times(ratio, float64(base.N))
	r.Efficiency = times(ratio, float64(base.N)/float64(p.N))
	return r
}

// times multiplies an estimate by a known positive number.
func times(e compare.Estimate, f float64) compare.Estimate {
	e.Value *= f
	e.Interval.Lo *= f
	e.Interval.Hi *= f
	return e
}
