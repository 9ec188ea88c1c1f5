package finding

import (
	"cmp"
	"fmt"
	"slices"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/locks"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
)

// lockPoints gathers the evidence of finding.Locks about some of all runs.
func lockPoints(all, some []*result.Run) []LockPoint {
	var out []LockPoint
	for _, r := range some {
		p := LockPoint{Mode: r.ModeName(), Run: r.Name, N: r.N, Cost: metric.NotMeasured(metric.CostID, "ns/packet", result.MissingReading)}
		for _, l := range r.Locks.Rows {
			facts := LockFacts{Name: l.Label(), Named: l.Name != "" || l.SPI != 0 || len(l.Callers) > 0, Wait: l.PerPkt, Contention: l.Contention, Bounce: l.Bounce}
			if l.Floor != nil && !l.Floor.Own {
				facts.OtherFloor = l.Floor.Of
			}
			p.Locks = append(p.Locks, facts)
		}
		if e := r.Main(); e != nil {
			if e.Unit == "nanoseconds" {
				p.Cost = e.All.PerPacket
			}
			p.Spin, p.Busy = e.All.SpinShare, e.All.Busy.Samples
			var spin, word []LockCaller
			for _, c := range e.All.SpinCallers {
				spin = append(spin, LockCaller{Name: c.Name, Spin: c.Share})
			}
			for _, c := range e.All.LockWordCallers {
				word = append(word, LockCaller{Name: c.Name, Word: c.Share, Cost: c.PerPacket, Floor: wordFloor(all, r, e.Name, c.Name)})
			}
			p.Callers = MergeCallers(spin, word)
		}
		out = append(out, p)
	}
	return out
}

// wordFloor is what the fast paths that a caller entered cost a packet on one
// CPU, the highest of the runs of the same mode, host and kernel.
func wordFloor(all []*result.Run, r *result.Run, event, caller string) metric.Value {
	floor := metric.NotMeasured(metric.WordCostID, "", bundle.Gap{What: "lock-word cost on one CPU", Why: "no run of one CPU of this mode, host and kernel has samples and packets"})
	for _, o := range all {
		e := o.Event(event)
		if r.N == 1 || o.N != 1 || !locks.Like(o, r) || o.Mode != r.Mode || e == nil || !e.All.PerPacket.Measured() {
			continue
		}
		v := metric.Value{ID: metric.WordCostID, Unit: e.All.PerPacket.Unit} // not listed: no sample
		i := slices.IndexFunc(e.All.LockWordCallers, func(s result.Share) bool { return s.Name == caller })
		switch callers := e.All.LockWordCallers; {
		case i >= 0:
			v = callers[i].PerPacket
		case len(callers) == result.TopFunctions: // cut: no more than the last
			v = callers[len(callers)-1].PerPacket
		}
		if !floor.Measured() || v.Value > floor.Value {
			floor = v
		}
	}
	return floor
}

// limits says whether a failed gate names a limit outside the machine. Drops, and
// pause frames that it sends itself, are what a machine does that is at its own
// limit; CPUs of which some are idle may be so for want of an SA.
func limits(g result.Gate) bool {
	return g.Status == result.GateFailed && (g.ID == bundle.GateGenerator || g.HeldBack)
}

// limitPoints gathers the evidence of finding.NotXFRM.
func limitPoints(r *result.Result, runs []*result.Run) []LimitPoint {
	table := stage.Default()
	var out []LimitPoint
	for _, run := range runs {
		p := LimitPoint{Mode: run.ModeName(), Run: run.Name, N: run.N, AtCeiling: atCeiling(r.Curves, run)}
		for _, g := range run.Gates {
			if limits(g) {
				p.Failed = append(p.Failed, FailedGate{ID: g.ID, Evidence: g.Evidence})
			}
		}
		if e := run.Main(); e != nil {
			p.Spin = e.All.SpinShare
			for _, c := range e.All.SpinCallers {
				row := table.Of(c.Name)
				s := Spinner{Stage: c.Name, Caller: c.Name, Share: c.Share}
				if row != stage.None {
					s.Stage, s.XFRM = table.Rows[row].Name, table.Rows[row].XFRM()
				}
				p.Spinners = append(p.Spinners, s)
			}
		}
		out = append(out, p)
	}
	return out
}

func atCeiling(curves []result.Curve, run *result.Run) string {
	for _, c := range curves {
		if c.Mode != run.Mode || c.Side != run.Side || c.Ceiling == nil || c.Ceiling.Verdict != scaling.AtCeiling {
			continue
		}
		k := c.Ceiling
		return fmt.Sprintf("%.3f of the rate without IPsec (%s), from N=%d on", k.Ratio.Value, k.Ceiling, k.Reached)
	}
	return ""
}

// growthPoints gathers the evidence of finding.Frames and finding.Walk.
func growthPoints(r *result.Result) []GrowthPoint {
	var out []GrowthPoint
	for _, c := range r.Curves {
		out = append(out, GrowthPoint{Mode: c.Mode, Frames: c.Frames, Walk: c.Walk})
	}
	return out
}

// MovePoints gathers the evidence of finding.Moved from a comparison.
func MovePoints(c *result.Comparison) []MovePoint {
	var out []MovePoint
	for _, f := range c.Stages {
		rate, ok := at(c, f.Mode, f.N, metric.RateID)
		cost, okCost := at(c, f.Mode, f.N, metric.CostID)
		if !ok || !okCost {
			continue // shares of time do not say what was removed
		}
		p := MovePoint{Mode: f.Mode, N: f.N, Rate: rate, Cost: cost}
		for i, key := range f.Keys {
			p.Parts = append(p.Parts, Part{Name: key, C: f.Family.Comparisons[i]})
		}
		p.Waits, _ = at(c, f.Mode, f.N, metric.WaitPacketID)
		for _, l := range c.Locks {
			if l.Mode == f.Mode && l.N == f.N {
				for i, one := range l.Family.Comparisons {
					if one.Metric == metric.WaitPacketID {
						p.Locks = append(p.Locks, Part{Name: l.Keys[i], C: one})
					}
				}
			}
		}
		out = append(out, p)
	}
	return out
}

// at returns the comparison of a metric of the run as a whole.
func at(c *result.Comparison, mode string, n int, id string) (compare.Comparison, bool) {
	for _, h := range c.Headline {
		if h.Mode == mode && h.N == n && h.C.Metric == id {
			return h.C, true
		}
	}
	for _, f := range slices.Concat(c.Costs, c.Rates) {
		for i, one := range f.Family.Comparisons {
			here := f.Mode == mode && f.N == n || f.N == 0 && f.Keys[i] == fmt.Sprintf("%s N=%d", cmp.Or(mode, f.Mode), n)
			if here && one.Metric == id {
				return one, true
			}
		}
	}
	return compare.Comparison{}, false
}
