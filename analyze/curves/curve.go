// Package curves puts runs beside each other over N.
//
//	runs -> RatingOf                  packets/s, or bit/s of a generator (rates.go)
//	     -> New: one Curve a mode     its points, speed-up, knee, law and ceiling, of package scaling
//	     -> the costs over N          breakdown by stage and lock, functions that grow, the walk of a lookup
//
// The statistics are those of package scaling, which knows numbers and no runs; this
// room chooses which numbers of which runs they are made of.
package curves

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/lines"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
	"xfrmscope/analyze/stage"
)

// New groups runs, sorted by side and mode, into one curve a mode, and says of
// each what more CPUs bring and cost. Repeated runs of one mode and N are its
// sample. Runs without a mode are no curve of theirs.
func New(runs []*result.Run) []result.Curve {
	var out []result.Curve
	for i, r := range runs {
		if len(out) == 0 || out[len(out)-1].Mode != r.Mode || out[len(out)-1].Side != r.Side {
			out = append(out, result.Curve{Side: r.Side, Mode: r.Mode})
		}
		last := &out[len(out)-1]
		last.Runs = append(last.Runs, i)
	}
	var wg sync.WaitGroup
	for i := range out {
		wg.Go(func() {
			out[i].Lines = lines.Points(result.Pick(runs, out[i].Runs))
			if out[i].Mode != "" {
				scale(&out[i], runs)
				noteDoubts(&out[i], result.Pick(runs, out[i].Runs))
			}
		})
	}
	wg.Wait()
	setCeilings(out, runs)
	return out
}

// scale says what more CPUs bring and cost, as far as it was measured.
func scale(c *result.Curve, runs []*result.Run) {
	rates := RateCurve(c.Mode, result.Pick(runs, c.Runs), RatingOf(runs))
	c.Walk = findWalk(c, runs)
	if len(Distinct(rates.Points)) < 2 {
		return
	}
	s := scaling.Scale(rates, scaling.Options{})
	c.Scaling = &s
	if !result.Offered(runs[c.Runs[0]].Factor) {
		u := scaling.FitUSL(rates, scaling.Options{})
		c.USL = &u
	}
	if locks := lockCosts(c, runs); len(locks) > 1 {
		c.LockBreakdowns = scaling.Breakdowns(locks, "ns/packet", scaling.Options{})
	}
	pmus := result.PMUs(result.Pick(runs, c.Runs))
	c.CurveCost = costOver(c, runs, pmus[0])
	for _, event := range pmus[1:] {
		c.Others = append(c.Others, costOver(c, runs, event))
	}
	for _, cost := range c.Costs() {
		for _, b := range cost.StageBreakdowns {
			base, at := sampledAt(c, runs, b.Base), sampledAt(c, runs, b.N)
			cost.Falls = append(cost.Falls, fall(b, base, at, rates.Unit, len(pmus) > 1))
		}
	}
}

// costOver is what a packet costs over N by one event; of too few N it has no more than
// the event's name.
func costOver(c *result.Curve, runs []*result.Run, event string) result.CurveCost {
	out := result.CurveCost{Event: event}
	unit, stages, functions := sampleCosts(c, runs, event)
	if len(stages) < 2 {
		return out
	}
	out.StageBreakdowns = scaling.Breakdowns(stages, unit, scaling.Options{})
	if breakdowns := scaling.Breakdowns(functions, unit, scaling.Options{}); len(breakdowns) > 0 {
		last := breakdowns[len(breakdowns)-1]
		last.Trim(result.TopFunctions)
		out.FunctionBreakdown = &last
	}
	frames := scaling.Frames(functions, unit, scaling.Options{})
	frames.Trim(result.TopFunctions)
	out.Frames = &frames
	return out
}

// fall is a breakdown in packets/s that are missing. N CPUs of unlike cores should not
// bring N times what one brings.
func fall(b scaling.Breakdown, base, at scaling.Sampled, unit string, hybrid bool) scaling.Waterfall {
	if !hybrid {
		return scaling.Fall(b, base, at, unit)
	}
	return scaling.Waterfall{N: b.N, Unit: unit, Missing: compare.Because(compare.NotApplicable,
		"the CPUs have unlike cores: what N of them should send is not N times what one sends")}
}

// noteDoubts says which of the curve's figures are made of numbers in doubt.
func noteDoubts(c *result.Curve, runs []*result.Run) {
	note := func(to *[]compare.Reason, id string) {
		if why := checks.DoubtedIn(runs, id); len(why) > 0 {
			*to = append(*to, *compare.Because(compare.InDoubt, "%s: %s in doubt: %s",
				cmp.Or(c.Mode, "runs"), metric.FormulaOf(id).Name, strings.Join(why, ", ")))
		}
	}
	if c.Scaling != nil {
		note(&c.Scaling.Notes, metric.RateID)
	}
	for _, cost := range c.Costs() {
		var tables []*[]compare.Reason
		for i := range cost.StageBreakdowns {
			tables = append(tables, &cost.StageBreakdowns[i].Notes)
		}
		if cost.FunctionBreakdown != nil {
			tables = append(tables, &cost.FunctionBreakdown.Notes)
		}
		if cost.Frames != nil {
			tables = append(tables, &cost.Frames.Notes)
		}
		all := ofAllPackets(cost.Event, runs)
		for _, notes := range tables {
			if note(notes, metric.CostID); all != nil {
				*notes = append(*notes, *all)
			}
		}
	}
	for i := range c.LockBreakdowns {
		note(&c.LockBreakdowns[i].Notes, metric.WaitPacketID)
	}
}

// ofAllPackets says that costs of one PMU of several are not over the packets of its own
// CPUs, nil if they are.
func ofAllPackets(event string, runs []*result.Run) *compare.Reason {
	n := 0
	for _, r := range runs {
		if e := r.MainOf(event); e != nil && e.All.PerPacket.Basis == metric.OfAllPackets {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return compare.Because(compare.OtherBasis, "the cost of %s is %s, in %d of %d runs: it falls as CPUs of the "+
		"others join in", event, metric.OfAllPackets, n, len(runs))
}

// sampleCosts is what a packet cost in each run, by stage and by function. What
// no stage claims, and functions too small to list, are left out of the parts: a
// breakdown calls them unexplained.
func sampleCosts(c *result.Curve, runs []*result.Run, event string) (unit string, stages, functions []scaling.Costs) {
	for _, i := range c.Runs {
		e := runs[i].MainOf(event)
		if e == nil || !e.All.PerPacket.Measured() || e.All.Busy.Period <= 0 || runs[i].N < 1 ||
			(unit != "" && unit != e.All.PerPacket.Unit) {
			continue
		}
		unit = e.All.PerPacket.Unit
		ofStage, ofFunction := newCosts(runs[i].N, e), newCosts(runs[i].N, e)
		for _, s := range e.All.Stages {
			if s.Name != stage.Unmatched {
				ofStage.add(s.Name, s.Weight)
			}
		}
		for _, f := range e.Self {
			if f.Name != result.Unlisted {
				ofFunction.add(stage.Strip(f.Name), f.Weight)
			}
		}
		stages, functions = append(stages, ofStage.Costs), append(functions, ofFunction.Costs)
	}
	return unit, stages, functions
}

// A costs is what a packet cost in one run.
type costs struct {
	scaling.Costs
	perWeight float64 // cost of one unit of the event's weight
}

func newCosts(n int, e *result.Event) costs {
	total := e.All.PerPacket.Value
	c := costs{scaling.Costs{
		N:      n,
		Runs:   []map[string]float64{{}},
		Totals: []float64{total},
		SEs:    []map[string]float64{{}},
	}, total / e.All.Busy.Period}
	if n := e.All.Busy.Samples; n > 0 {
		c.Resolution = []float64{total / float64(n)}
	}
	return c
}

func (c *costs) add(key string, w metric.Estimate) {
	c.Runs[0][key] += w.Period * c.perWeight
	c.SEs[0][key] = math.Hypot(c.SEs[0][key], w.SE()*c.perWeight)
}

// lockCosts is what waiting cost a packet in each run, by lock. The locks of all
// SAs are one: each run has SAs of its own. What found no slot is unexplained.
func lockCosts(c *result.Curve, runs []*result.Run) []scaling.Costs {
	var out []scaling.Costs
	for _, i := range c.Runs {
		l := &runs[i].Locks
		if !l.PerPkt.Measured() || runs[i].N < 1 {
			continue
		}
		costs := map[string]float64{}
		for _, row := range l.Rows {
			if row.PerPkt.Measured() {
				costs[row.Class()] += row.PerPkt.Value
			}
		}
		out = append(out, scaling.Costs{N: runs[i].N, Runs: []map[string]float64{costs},
			Totals: []float64{l.PerPkt.Value}})
	}
	return out
}

// findWalk asks whether xfrm_state_find gets slower with each SA in its bucket.
// It is nil if no run timed it.
func findWalk(c *result.Curve, runs []*result.Run) *scaling.Walk {
	var lookups []scaling.Lookup
	for _, i := range c.Runs {
		if f := runs[i].Lookups; f != nil && f.Mean.Measured() && f.Walk.Measured() {
			lookups = append(lookups, scaling.Lookup{SAs: f.Walk.Value, NS: []float64{f.Mean.Value}})
		}
	}
	if len(lookups) == 0 {
		return nil
	}
	w := scaling.FindWalk(lookups, scaling.Options{})
	return &w
}

// Distinct returns the Ns of points.
func Distinct(points []scaling.Point) []int {
	var ns []int
	for _, p := range points {
		ns = append(ns, p.N)
	}
	slices.Sort(ns)
	return slices.Compact(ns)
}
