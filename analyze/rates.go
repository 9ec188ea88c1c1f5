package analyze

import (
	"slices"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/finding"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/scaling"
	"xfrmscope/collect/bundle"
)

// A Rating is the rate that curves are made of.
type Rating struct {
	ID, Unit string // of metric.Catalogue; "packets/s" or "bit/s"
	Of       func(*Run) metric.Value
}

// Rating returns the rate that the curves of r are made of.
func (r *Result) Rating() Rating { return ratingOf(runsPresent(r)) }

// Factor is what N counts: "CPUs", "flows".
func (r *Result) Factor() string {
	for _, run := range runsPresent(r) {
		if run.Mode != "" && run.Factor != "" {
			return run.Factor
		}
	}
	return "CPUs"
}

// ratingOf is packets/s, as what a packet costs needs it, unless every run is a
// traffic generator's and has no samples: then throughput, which all tell.
// Runs without a mode are in no curve and do not count beside runs with one.
func ratingOf(runs []*Run) Rating {
	unlabelled := func(r *Run) bool { return r.Mode == "" }
	if labelled := slices.DeleteFunc(slices.Clone(runs), unlabelled); len(labelled) > 0 {
		runs = labelled
	}
	for _, r := range runs {
		if r.Traffic == nil || !r.Traffic.Throughput.Measured() || len(r.Events) > 0 {
			return Rating{metric.RateID, "packets/s", func(r *Run) metric.Value { return r.Packets.Rate }}
		}
	}
	return Rating{metric.ThroughputID, "bit/s", func(r *Run) metric.Value {
		if r.Traffic == nil {
			return metric.NotMeasured(metric.ThroughputID, "bit/s", missingReading)
		}
		return r.Traffic.Throughput
	}}
}

// rateCurve is the rate of some runs over N, with their loss where it is known.
func rateCurve(name string, runs []*Run, by Rating) scaling.Curve {
	c := scaling.Curve{Name: name, Unit: by.Unit}
	for _, r := range runs {
		v := by.Of(r)
		if !v.Measured() || r.N < 1 {
			continue
		}
		p := scaling.Point{N: r.N, Values: []float64{v.Value}}
		if r.Traffic != nil && r.Traffic.Loss.Measured() {
			p.Loss = []float64{r.Traffic.Loss.Value}
		}
		if r.gate(bundle.GateGenerator) == GateFailed {
			p.Limit = "the generator or the link"
		}
		c.Points = append(c.Points, p)
	}
	return c
}

// plainModes are the labels of runs without IPsec.
var plainModes = []string{"plain", "no-ipsec", "none"}

// setCeilings sets every curve against the one of the same side without IPsec.
func setCeilings(curves []Curve, runs []*Run) {
	by := ratingOf(runs)
	for i := range curves {
		c := &curves[i]
		if c.Scaling == nil || slices.Contains(plainModes, c.Mode) {
			continue
		}
		for _, plain := range curves {
			if plain.Side == c.Side && slices.Contains(plainModes, plain.Mode) {
				k := scaling.CompareCeiling(rateCurve(c.Mode, pick(runs, c.Runs), by), rateCurve(plain.Mode, pick(runs, plain.Runs), by), scaling.Options{})
				c.Ceiling = &k
				break
			}
		}
	}
}

func pick(runs []*Run, index []int) []*Run {
	var out []*Run
	for _, i := range index {
		out = append(out, runs[i])
	}
	return out
}

// rateFindings says in words what curves of a traffic generator show. What ends
// a curve of runs with samples, finding.Scale says.
func rateFindings(r *Result) []finding.Finding {
	var linear, supported, all []finding.RateCurve
	for _, c := range r.Curves {
		if c.Scaling == nil || len(c.Runs) == 0 {
			continue
		}
		first := r.Runs[c.Runs[0]]
		f := finding.RateCurve{Mode: c.Mode, Factor: first.Factor, Scaling: *c.Scaling, Ceiling: c.Ceiling}
		if f.Factor == "" {
			f.Factor = "CPUs"
		}
		if c.Scaling.Unit == "bit/s" {
			f.Layer = first.Traffic.Layer
			f.Shown = shown(pick(r.Runs, c.Runs), ratingOf(r.Runs))
			supported = append(supported, f)
			if !slices.Contains(plainModes, c.Mode) {
				linear = append(linear, f)
			}
		}
		all = append(all, f)
	}
	return slices.Concat(finding.Linear(linear), finding.Ceilings(all), finding.Support(supported))
}

// shown is what two sides of runs like these would show, N by N.
func shown(runs []*Run, by Rating) []finding.Shown {
	values := map[int][]float64{}
	var ns []int
	for _, r := range runs {
		if v := by.Of(r); v.Measured() {
			values[r.N] = append(values[r.N], v.Value)
			ns = appendNew(ns, r.N)
		}
	}
	slices.Sort(ns)
	var out []finding.Shown
	for _, n := range ns {
		s := compare.Series{Unit: by.Unit, Values: values[n]}
		out = append(out, finding.Shown{N: n, Runs: len(values[n]), Detectable: compare.Detect(s, s, compare.Options{})})
	}
	return out
}
