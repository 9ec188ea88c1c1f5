package analyze

import (
	"slices"

	"xfrmscope/analyze/scaling"
)

// curves groups runs, sorted by mode, into one curve a mode, and says of each
// what more CPUs bring and cost. Runs without a mode are no curve of theirs.
func curves(runs []*Run) []Curve {
	var out []Curve
	for i, r := range runs {
		if len(out) == 0 || out[len(out)-1].Mode != r.Mode {
			out = append(out, Curve{Mode: r.Mode})
		}
		last := &out[len(out)-1]
		last.Runs = append(last.Runs, i)
	}
	for i := range out {
		if out[i].Mode != "" {
			out[i].scale(runs)
		}
	}
	setCeilings(out, runs)
	return out
}

// scale fills in Scaling, USL and the bills, as far as packets were counted.
func (c *Curve) scale(runs []*Run) {
	rates := rateCurve(c.Mode, pick(runs, c.Runs), ratingOf(runs))
	var stages, functions []scaling.Costs
	unit := ""
	for _, i := range c.Runs {
		r := runs[i]
		e := r.Main()
		if e == nil || r.N < 1 || !e.All.PerPacket.Measured() || (unit != "" && unit != e.All.PerPacket.Unit) {
			continue
		}
		unit = e.All.PerPacket.Unit
		stages = append(stages, costsOf(r.N, e.All, e.All.Stages))
		functions = append(functions, costsOf(r.N, e.All, e.All.Functions))
	}
	if len(distinct(rates.Points)) < 2 {
		return
	}
	s, u := scaling.Scale(rates, scaling.Options{}), scaling.FitUSL(rates, scaling.Options{})
	c.Scaling, c.USL = &s, &u
	if len(stages) < 2 {
		return
	}
	c.StageBills = scaling.Bills(stages, unit, scaling.Options{})
	frames := scaling.Frames(functions, unit, scaling.Options{})
	c.Frames = &frames
}

// distinct returns the Ns of points.
func distinct(points []scaling.Point) []int {
	var ns []int
	for _, p := range points {
		ns = append(ns, p.N)
	}
	slices.Sort(ns)
	return slices.Compact(ns)
}

// costsOf is the cost per packet of each part of one run.
func costsOf(n int, c CPU, parts []Share) scaling.Costs {
	costs, ses := map[string]float64{}, map[string]float64{}
	for _, s := range parts {
		costs[s.Name] += s.PerPacket.Value
		ses[s.Name] += s.PerPacket.SE
	}
	perSample := 0.0
	if c.Busy.Samples > 0 {
		perSample = c.PerPacket.Value / float64(c.Busy.Samples)
	}
	return scaling.Costs{
		N:          n,
		Runs:       []map[string]float64{costs},
		Totals:     []float64{c.PerPacket.Value},
		Resolution: []float64{perSample},
		SEs:        []map[string]float64{ses},
	}
}
