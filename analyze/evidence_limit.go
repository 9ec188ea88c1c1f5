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
)

// lockPoints gathers the evidence of finding.Locks.
func lockPoints(runs []*Run) []finding.LockPoint {
	var out []finding.LockPoint
	for _, r := range runs {
		p := finding.LockPoint{Mode: r.modeName(), Run: r.Name, N: r.N, Cost: metric.NotMeasured(metric.CostID, "ns/packet", missingReading)}
		for _, l := range r.Locks.Rows {
			p.Locks = append(p.Locks, finding.LockFacts{Name: l.label(), Named: l.Name != "" || l.SPI != 0 || len(l.Callers) > 0, Wait: l.PerPkt, Contention: l.Contention, Bounce: l.Bounce})
		}
		if e := r.Main(); e != nil {
			if e.Unit == "nanoseconds" {
				p.Cost = e.All.PerPacket
			}
			var spin, word []finding.LockCaller
			for _, c := range e.All.SpinCallers {
				spin = append(spin, finding.LockCaller{Name: c.Name, Spin: c.Share})
			}
			for _, c := range e.All.LockWordCallers {
				word = append(word, finding.LockCaller{Name: c.Name, Word: c.Share})
			}
			p.Callers = finding.MergeCallers(spin, word)
		}
		out = append(out, p)
	}
	return out
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

// limits are the gates that name a limit outside XFRM.
var limits = []string{"pause", "drops", "idle-cpus", "generator-limited"}

// limitPoints gathers the evidence of finding.NotXFRM.
func limitPoints(r *Result, runs []*Run) []finding.LimitPoint {
	table := stage.Default()
	var out []finding.LimitPoint
	for _, run := range runs {
		p := finding.LimitPoint{Mode: run.modeName(), Run: run.Name, N: run.N, AtCeiling: atCeiling(r.Curves, run)}
		for _, g := range run.Gates {
			if g.Status == GateFailed && slices.Contains(limits, g.ID) {
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
				for i, key := range l.Keys {
					p.Locks = append(p.Locks, finding.Part{Name: key, C: l.Family.Comparisons[i]})
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
