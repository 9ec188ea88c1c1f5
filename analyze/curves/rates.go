package curves

import (
	"slices"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
	"xfrmscope/collect/bundle"
)

// A Rating is the rate that curves are made of.
type Rating struct {
	ID, Unit string // of metric.Catalogue; "packets/s" or "bit/s"
	Of       func(*result.Run) metric.Value
}

// RatingOf is the rate that curves of runs are made of: packets/s, as what a packet costs needs it, unless every run
// is a
// traffic generator's and has no samples: then throughput, which all tell.
// Runs without a mode are in no curve and do not count beside runs with one.
func RatingOf(runs []*result.Run) Rating {
	unlabelled := func(r *result.Run) bool { return r.Mode == "" }
	if labelled := slices.DeleteFunc(slices.Clone(runs), unlabelled); len(labelled) > 0 {
		runs = labelled
	}
	for _, r := range runs {
		if r.Traffic == nil || !r.Traffic.Throughput.Measured() || len(r.Events) > 0 {
			return Rating{metric.RateID, "packets/s", func(r *result.Run) metric.Value {
				return r.Packets.Headline()
			}}
		}
	}
	return Rating{metric.ThroughputID, "bit/s", func(r *result.Run) metric.Value {
		if r.Traffic == nil {
			return metric.NotMeasured(metric.ThroughputID, "bit/s", result.MissingReading)
		}
		return r.Traffic.Throughput
	}}
}

// RateCurve is the rate of some runs over N, with their loss where it is known.
func RateCurve(name string, runs []*result.Run, by Rating) scaling.Curve {
	c := scaling.Curve{Name: name, Unit: by.Unit}
	for _, r := range runs {
		v := by.Of(r)
		if !v.Measured() || r.N < 1 {
			continue
		}
		p := scaling.Point{N: r.N, Values: []float64{v.Value}, Boots: []string{r.Manifest.Host.BootID}}
		if r.Traffic != nil && r.Traffic.Loss.Measured() {
			p.Loss = []float64{r.Traffic.Loss.Value}
		}
		if r.Gate(bundle.GateGenerator) == result.GateFailed {
			p.Limit = "the generator or the link"
		}
		c.Points = append(c.Points, p)
	}
	return c
}

// setCeilings sets every curve against the one of the same side without IPsec.
func setCeilings(curves []result.Curve, runs []*result.Run) {
	by := RatingOf(runs)
	for i := range curves {
		c := &curves[i]
		if c.Scaling == nil || result.IsPlain(c.Mode) {
			continue
		}
		for _, plain := range curves {
			if plain.Side == c.Side && result.IsPlain(plain.Mode) {
				k := scaling.CompareCeiling(RateCurve(c.Mode, result.Pick(runs, c.Runs), by),
					RateCurve(plain.Mode, result.Pick(runs, plain.Runs), by), scaling.Options{})
				c.Ceiling = &k
				break
			}
		}
	}
}

// sampledAt is the median of packets/s at N while perf sampled, which costs per
// packet are over, and of the idle weight; 0 if there is none. A clock ticks on an
// idle CPU, cycles stand still.
func sampledAt(c *result.Curve, runs []*result.Run, n int) scaling.Sampled {
	var rates, idle []float64
	for _, i := range c.Runs {
		if runs[i].N != n {
			continue
		}
		if v := runs[i].Packets.Rate; v.Measured() {
			rates = append(rates, v.Value)
		}
		if e := runs[i].Main(); e != nil && e.Unit == "nanoseconds" && e.All.Busy.Period > 0 {
			idle = append(idle, e.All.Idle.Period/e.All.Busy.Period)
		}
	}
	slices.Sort(rates)
	slices.Sort(idle)
	return scaling.Sampled{Rate: compare.Median(rates), Idle: compare.Median(idle), IdleKnown: len(idle) > 0}
}
