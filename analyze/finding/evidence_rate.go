package finding

import (
	"slices"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/curves"
	"xfrmscope/analyze/result"
)

// rateFindings says in words what curves of a traffic generator show. What ends
// a curve of runs with samples, finding.Scale says.
func rateFindings(r *result.Result) []result.Finding {
	var linear, supported, all []RateCurve
	for _, c := range r.Curves {
		if c.Scaling == nil || len(c.Runs) == 0 {
			continue
		}
		first := r.Runs[c.Runs[0]]
		f := RateCurve{Mode: c.Mode, Factor: first.Factor, Scaling: *c.Scaling, Ceiling: c.Ceiling}
		if f.Factor == "" {
			f.Factor = "CPUs"
		}
		if c.Scaling.Unit == "bit/s" {
			f.Layer = first.Traffic.Layer
			f.Shown = shown(result.Pick(r.Runs, c.Runs), curves.RatingOf(r.Runs))
			supported = append(supported, f)
			if !slices.Contains(result.PlainModes, c.Mode) {
				linear = append(linear, f)
			}
		}
		all = append(all, f)
	}
	return slices.Concat(Linear(linear), Ceilings(all), Support(supported))
}

// shown is what two sides of runs like these would show, N by N.
func shown(runs []*result.Run, by curves.Rating) []Shown {
	values := map[int][]float64{}
	var ns []int
	for _, r := range runs {
		if v := by.Of(r); v.Measured() {
			values[r.N] = append(values[r.N], v.Value)
			ns = result.AppendNew(ns, r.N)
		}
	}
	slices.Sort(ns)
	var out []Shown
	for _, n := range ns {
		s := compare.Series{Unit: by.Unit, Values: values[n]}
		out = append(out, Shown{N: n, Runs: len(values[n]), Detectable: compare.Detect(s, s, compare.Options{})})
	}
	return out
}
