package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
)

// spinPoints gathers the evidence of finding.Spin.
func spinPoints(runs []*result.Run) []SpinPoint {
	var points []SpinPoint
	for _, r := range runs {
		e := r.Main()
		if e == nil {
			continue
		}
		p := SpinPoint{Run: r.Name, Mode: r.ModeName(), N: r.N, Event: e.Name, Busy: e.All.Busy.Samples, Spin: e.All.SpinShare, Waits: r.Locks.Waits}
		for _, c := range e.All.SpinCallers {
			if spin := e.All.SpinShare.Value; spin > 0 {
				p.Callers = append(p.Callers, Caller{Name: c.Name, Share: c.Share.Value / spin})
			}
		}
		points = append(points, p)
	}
	return points
}

// scalePoints gathers the evidence of finding.Scale.
func scalePoints(r *result.Result) []ScalePoint {
	var points []ScalePoint
	for _, c := range r.Curves {
		if c.Scaling == nil || len(c.Scaling.Rows) < 2 || c.Scaling.Unit != "packets/s" {
			continue
		}
		last := c.Scaling.Rows[len(c.Scaling.Rows)-1]
		p := ScalePoint{Mode: c.Mode, Base: c.Scaling.Base, N: last.N, Speedup: last.Speedup, Repeats: last.Rate.N}
		for _, row := range c.Scaling.Rows {
			p.Repeats = min(p.Repeats, row.Rate.N)
		}
		for _, i := range c.Runs {
			if rate := r.Runs[i].Packets.Rate; rate.Measured() {
				p.Rates = append(p.Rates, Rate{Run: r.Runs[i].Name, Value: rate.Value})
			}
		}
		if c.Scaling.Knee.Found() {
			p.KneeText = fmt.Sprintf("at N=%d %s", c.Scaling.Knee.N, c.Scaling.Knee.Words())
		}
		if c.USL.Missing != nil {
			p.LawMissing = c.USL.Missing.Text
		}
		if len(c.StageBills) > 0 {
			addBill(&p, c.StageBills[len(c.StageBills)-1])
			p.CostDoubt = strings.Join(checks.DoubtedIn(result.Pick(r.Runs, c.Runs), metric.CostID), ", ")
		}
		p.Ceiling = c.Ceiling != nil && c.Ceiling.Missing == nil
		points = append(points, p)
	}
	return points
}

func addBill(p *ScalePoint, b scaling.Bill) {
	if b.N != p.N || b.Total.Base <= 0 {
		return
	}
	p.CostUnit, p.CostBase, p.CostAdded = b.Unit, b.Total.Base, b.Total.Delta
	for _, row := range b.Rows {
		if row.Share != nil {
			p.Stages = append(p.Stages, Added{Stage: row.Key, Cost: row.Delta.Value, Share: *row.Share})
		}
	}
}

// All answers the questions of package finding, in their order. Questions
// about one run are asked of the runs with most CPUs.
func All(r *result.Result) []result.Finding {
	most := atMost(r)
	growth := growthPoints(r)
	return slices.Concat(
		Scale(scalePoints(r)),
		rateFindings(r),
		Spin(spinPoints(r.Runs)),
		Locks(lockPoints(r.Runs, most)),
		NotXFRM(limitPoints(r, most)),
		SACPU(saTraffic(r.Runs)),
		Inbound(inboundFacts(r.Runs)),
		Drift(driftFacts(r.Runs)),
		Idle(cpuLoads(r.Runs)),
		Cache(cachePoints(r.Runs)),
		Walk(growth),
		Frames(growth),
		SharedLines(layoutFacts(r.Runs)),
	)
}

// atMost returns the run with most CPUs of each curve, of repeats the one of
// median rate; runs without a mode each.
func atMost(r *result.Result) []*result.Run {
	var out []*result.Run
	for _, c := range r.Curves {
		runs := result.Pick(r.Runs, c.Runs)
		if c.Mode == "" {
			out = append(out, runs...)
			continue
		}
		n := slices.MaxFunc(runs, func(a, b *result.Run) int { return cmp.Compare(a.N, b.N) }).N
		runs = slices.DeleteFunc(runs, func(r *result.Run) bool { return r.N != n })
		slices.SortStableFunc(runs, func(a, b *result.Run) int { return cmp.Compare(a.Packets.Rate.Value, b.Packets.Rate.Value) })
		out = append(out, runs[(len(runs)-1)/2])
	}
	return out
}
