package page

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
	"xfrmscope/reports/chart"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// scaleSection says what more CPUs bring: speed-up, knee, law and ceiling of
// each mode. A result without a curve has none.
func scaleSection(r *result.Result) section {
	s := section{ID: "scaling", Nav: "Scaling", Open: true,
		Title: "What do more " + format.Name(r.Factor()) + " bring?"}
	t := view.ScaleTable(r)
	var facts [][2]string
	var notes []string
	for _, c := range r.Curves {
		if c.Scaling == nil {
			continue
		}
		facts = append(facts, view.ScaleFacts(c)...)
		notes = append(notes, view.ScaleNotes(c)...)
	}
	if len(t.Rows) == 0 {
		return section{}
	}
	s.Parts = []part{{Facts: facts}, {Table: view.Bounded(t, view.MaxRows)}, {List: notes}}
	return s
}

// fallOf is the waterfall at a curve's largest N, nil if there is none to draw.
func fallOf(c result.Curve) *scaling.Waterfall {
	if len(c.Falls) == 0 {
		return nil
	}
	f := &c.Falls[len(c.Falls)-1]
	if f.Missing != nil || !compare.Usable(f.Ideal) || !compare.Usable(f.Measured) || f.Ideal <= 0 {
		return nil
	}
	return f
}

// fallRows bounds the stages of a waterfall that have a row.
const fallRows = 6

// fallFigure draws where the rate went that N CPUs should have brought.
func fallFigure(c result.Curve, id string) figureBox {
	f := fallOf(c)
	if f == nil {
		return figureBox{}
	}
	drawn := &chart.FallChart{Label: "Packets per second from the ideal down to what was measured, by the stage " +
		"that costs more per packet", X: "packets/s"}
	drawn.Steps = []chart.Step{{Label: fmt.Sprintf("ideal: %d x one", f.N), To: f.Ideal, Class: "busy",
		End: format.Short(f.Ideal)}}
	at, small, others := f.Ideal, 0.0, 0
	next := func(label string, rate float64, class, hatch string) {
		s := chart.Step{Label: label, From: at, To: at - rate, Class: class, Hatch: hatch,
			End: lostText(rate, f.Ideal)}
		s.Tip = fmt.Sprintf("%s: %s packets/s", label, format.Signed(format.Short(-rate), -rate))
		drawn.Steps = append(drawn.Steps, s)
		at -= rate
	}
	for i, row := range f.Rows {
		if !compare.Usable(row.Rate) {
			continue
		}
		if i >= fallRows {
			small, others = small+row.Rate, others+1
			continue
		}
		class, hatch := "spin", "d"
		if row.Rate < 0 {
			class, hatch = "gain", ""
		}
		next(row.Key, row.Rate, class, hatch)
	}
	if others > 0 {
		next(fmt.Sprintf("%d other stages", others), small, "st9", "")
	}
	next("unexplained", f.Unexplained, "st9", "p")
	if f.Idle != nil {
		next("idle", *f.Idle, "st9", "")
		next("not sampled: lost/late", f.NotCost-*f.Idle, "st9", "l")
	} else { // cycles stand still on an idle CPU
		next("idle, or not sampled", f.NotCost, "st9", "l")
	}
	drawn.Steps = append(drawn.Steps, chart.Step{Label: "measured", To: f.Measured, Class: "s0",
		End: format.Short(f.Measured)})
	return figureBox{
		ID: id, Title: fmt.Sprintf("Where did the missing throughput go? %s, N=%d", view.CurveName(c), f.N),
		Picture: template.HTML(drawn.Render()),
		Caption: fmt.Sprintf("%s of %s packets/s are missing. Each step: what a packet costs more than at "+
			"N=%d, by stage, in packets/s; locks are in the stage that takes them.",
			format.Pretty(format.Short(f.Ideal-f.Measured)), format.Pretty(format.Short(f.Ideal)),
			baseOf(c)),
	}
}

func baseOf(c result.Curve) int {
	if c.Scaling != nil && c.Scaling.Base > 0 {
		return c.Scaling.Base
	}
	return 1
}

// lostText is a step of the fall in packets/s and as a share of the ideal.
func lostText(rate, ideal float64) string {
	share := -100 * rate / ideal
	if math.Abs(share) < .05 {
		return "0"
	}
	return format.Pretty(strings.Replace(format.Signed(format.Short(-rate), -rate)+" ("+
		format.Signed(format.Significant(share, 2), share)+" %)", "-", "−", 2))
}

// breakdownSection is the scaling bill of each mode at its largest N.
func breakdownSection(r *result.Result) section {
	s := section{ID: "bill", Nav: "Scaling bill", Title: "Where does a packet cost more than on one CPU?"}
	for i, c := range r.Curves {
		var pair [][]part
		for k, of := range c.Costs() {
			if n := len(of.StageBreakdowns); n > 0 {
				pair = append(pair, []part{{Table: view.BreakdownTable(view.CostName(c, of.Event),
					of.StageBreakdowns[n-1], "stage", costID("bill", i, k))}})
			}
		}
		if fallOf(c) != nil {
			pair = append(pair, []part{{Figure: fallFigure(c, fmt.Sprintf("fall-%d", i))}})
		}
		if len(pair) > 0 {
			s.add(part{Heading: view.CurveName(c), Pair: pair})
		}
		if n := len(c.LockBreakdowns); n > 0 {
			s.add(part{Table: view.BreakdownTable(view.CurveName(c), c.LockBreakdowns[n-1], "lock",
				fmt.Sprintf("lock-bill-%d", i))})
		}
		for k, of := range c.Costs() {
			if of.Frames != nil && len(of.Frames.Rows) > 0 {
				grow := part{Table: view.FramesTable(c, of, costID("frames", i, k))}
				what := ": functions whose cost per packet grows with N"
				s.add(folded(view.CostName(c, of.Event)+what, grow))
			}
		}
	}
	return s
}

// costID is the id of a curve's table, of its PMUs behind the first one with their number.
func costID(what string, curve, pmu int) string {
	id := fmt.Sprintf("%s-%d", what, curve)
	if pmu > 0 {
		id += fmt.Sprintf("-%d", pmu)
	}
	return id
}
