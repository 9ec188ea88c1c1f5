package analyze

import (
	"cmp"
	"fmt"
	"slices"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/finding"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/scaling"
	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
)

// lockPoints gathers the evidence of finding.Locks about some of all runs.
func lockPoints(all, some []*Run) []finding.LockPoint {
	var out []finding.LockPoint
	for _, r := range some {
		p := finding.LockPoint{Mode: r.modeName(), Run: r.Name, N: r.N, Cost: metric.NotMeasured(metric.CostID, "ns/packet", missingReading)}
		for _, l := range r.Locks.Rows {
			facts := finding.LockFacts{Name: l.label(), Named: l.Name != "" || l.SPI != 0 || len(l.Callers) > 0, Wait: l.PerPkt, Contention: l.Contention, Bounce: l.Bounce}
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
			var spin, word []finding.LockCaller
			for _, c := range e.All.SpinCallers {
				spin = append(spin, finding.LockCaller{Name: c.Name, Spin: c.Share})
			}
			for _, c := range e.All.LockWordCallers {
				word = append(word, finding.LockCaller{Name: c.Name, Word: c.Share, Cost: c.PerPacket, Floor: wordFloor(all, r, e.Name, c.Name)})
			}
			p.Callers = finding.MergeCallers(spin, word)
		}
		out = append(out, p)
	}
	return out
}

// wordFloor is what the fast paths that a caller entered cost a packet on one
// CPU, the highest of the runs of the same mode, host and kernel.
func wordFloor(all []*Run, r *Run, event, caller string) metric.Value {
	floor := metric.NotMeasured(metric.WordCostID, "", bundle.Gap{What: "lock-word cost on one CPU", Why: "no run of one CPU of this mode, host and kernel has samples and packets"})
	for _, o := range all {
		e := o.event(event)
		if r.N == 1 || o.N != 1 || !o.like(r) || o.Mode != r.Mode || e == nil || !e.All.PerPacket.Measured() {
			continue
		}
		v := metric.Value{ID: metric.WordCostID, Unit: e.All.PerPacket.Unit} // not listed: no sample
		i := slices.IndexFunc(e.All.LockWordCallers, func(s Share) bool { return s.Name == caller })
		switch callers := e.All.LockWordCallers; {
		case i >= 0:
			v = callers[i].PerPacket
		case len(callers) == TopFunctions: // cut: no more than the last
			v = callers[len(callers)-1].PerPacket
		}
		if !floor.Measured() || v.Value > floor.Value {
			floor = v
		}
	}
	return floor
}

// label names a lock as far as it is known: by name, by who waited for it, by
// address.
func (l *Lock) label() string {
	switch {
	case l.Name != "":
		return l.Name
	case l.SPI != 0:
		return fmt.Sprintf("x->lock SPI %#x", l.SPI)
	case len(l.Callers) > 0:
		return fmt.Sprintf("lock %s, taken in %s,", l.Lock, l.Callers[0].Name)
	}
	return "lock " + l.Lock
}

// limits says whether a failed gate names a limit outside the machine. Drops, and
// pause frames that it sends itself, are what a machine does that is at its own
// limit; CPUs of which some are idle may be so for want of an SA.
func limits(g Gate) bool {
	return g.Status == GateFailed && (g.ID == bundle.GateGenerator || g.HeldBack)
}

// limitPoints gathers the evidence of finding.NotXFRM.
func limitPoints(r *Result, runs []*Run) []finding.LimitPoint {
	table := stage.Default()
	var out []finding.LimitPoint
	for _, run := range runs {
		p := finding.LimitPoint{Mode: run.modeName(), Run: run.Name, N: run.N, AtCeiling: atCeiling(r.Curves, run)}
		for _, g := range run.Gates {
			if limits(g) {
				p.Failed = append(p.Failed, g.ID+": "+g.Evidence)
			}
		}
		if e := run.Main(); e != nil {
			p.Spin = e.All.SpinShare
			for _, c := range e.All.SpinCallers {
				row := table.Of(c.Name)
				s := finding.Spinner{Stage: c.Name, Caller: c.Name, Share: c.Share}
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

func atCeiling(curves []Curve, run *Run) string {
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
func growthPoints(r *Result) []finding.GrowthPoint {
	var out []finding.GrowthPoint
	for _, c := range r.Curves {
		out = append(out, finding.GrowthPoint{Mode: c.Mode, Frames: c.Frames, Walk: c.Walk})
	}
	return out
}

// movePoints gathers the evidence of finding.Moved from a comparison.
func movePoints(c *Comparison) []finding.MovePoint {
	var out []finding.MovePoint
	for _, f := range c.Stages {
		rate, ok := c.at(f.Mode, f.N, metric.RateID)
		cost, okCost := c.at(f.Mode, f.N, metric.CostID)
		if !ok || !okCost {
			continue // shares of time do not say what was removed
		}
		p := finding.MovePoint{Mode: f.Mode, N: f.N, Rate: rate, Cost: cost}
		for i, key := range f.Keys {
			p.Parts = append(p.Parts, finding.Part{Name: key, C: f.Family.Comparisons[i]})
		}
		p.Waits, _ = c.at(f.Mode, f.N, metric.WaitPacketID)
		for _, l := range c.Locks {
			if l.Mode == f.Mode && l.N == f.N {
				for i, one := range l.Family.Comparisons {
					if one.Metric == metric.WaitPacketID {
						p.Locks = append(p.Locks, finding.Part{Name: l.Keys[i], C: one})
					}
				}
			}
		}
		out = append(out, p)
	}
	return out
}

// at returns the comparison of a metric of the run as a whole.
func (c *Comparison) at(mode string, n int, id string) (compare.Comparison, bool) {
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
