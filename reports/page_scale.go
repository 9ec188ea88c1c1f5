package reports

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"xfrmscope/analyze"
	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/scaling"
)

// scaleSection says what more CPUs bring: speed-up, knee, law and ceiling of
// each mode. A result without a curve has none.
func scaleSection(r *analyze.Result) section {
	s := section{ID: "scaling", Nav: "Scaling", Title: "What do more CPUs bring?"}
	t := table{ID: "scale-table", Caption: "Median of the runs at each N with its interval in brackets; speed-up and efficiency against the smallest N", Head: []column{
		{Text: "mode"}, {Text: "N", Number: true}, {Text: "runs", Number: true}, {Text: "packets", Unit: "/s", Number: true}, {Text: "speed-up", Number: true},
		{Text: "efficiency", Unit: "%", Number: true}, {Text: "loss", Unit: "%", Number: true}, {Text: "limited by"},
	}}
	var facts [][2]string
	var notes []string
	for _, c := range r.Curves {
		if c.Scaling == nil {
			continue
		}
		for _, row := range c.Scaling.Rows {
			t.Rows = append(t.Rows, scaleRow(c, row))
		}
		facts = append(facts, scaleFacts(c)...)
		notes = append(notes, scaleNotes(c)...)
	}
	if len(t.Rows) == 0 {
		return section{}
	}
	s.Parts = []part{{Facts: facts}, {Table: bounded(t, maxRows)}, {List: notes}}
	return s
}

func curveName(c analyze.Curve) string { return sided(c.Side, orWord(name(c.Mode), "runs")) }

func scaleRow(c analyze.Curve, row scaling.Row) []cell {
	loss, limit := cell{Text: "not measured", Muted: true, Number: true, Sort: "-1"}, textCell(orWord(row.Limit, "–"))
	if row.Loss != nil {
		loss = numberOf(100 * *row.Loss)
	}
	return []cell{textCell(curveName(c)), intCell(row.N), intCell(row.Rate.N), summaryCell(row.Rate), estimateCell(row.Speedup, 1), estimateCell(row.Efficiency, 100), loss, limit}
}

// scaleFacts are the sentences on one mode.
func scaleFacts(c analyze.Curve) [][2]string {
	var out [][2]string
	add := func(what, text string) {
		if text != "" {
			out = append(out, [2]string{curveName(c) + ": " + what, sentence(visible(text, 400))})
		}
	}
	add("knee", kneeText(c.Scaling.Knee))
	if p := c.Scaling.Level; p.Known() {
		add("plateau", fmt.Sprintf("from N=%d to N=%d, at %s %s", p.From, p.To, significant(p.Rate, 4), orWord(c.Scaling.Unit, "packets/s")))
	}
	if c.USL != nil {
		add("law (USL)", lawText(*c.USL))
	}
	if c.Ceiling != nil {
		add("ceiling", ceilingText(*c.Ceiling))
	}
	if c.Walk != nil {
		add("SA lookup", walkText(*c.Walk))
	}
	return out
}

func kneeText(k scaling.Knee) string {
	if !k.Found() {
		return reasonText(k.Missing)
	}
	return fmt.Sprintf("scaling ends at N=%d: %s", k.N, k.Words())
}

// lawText prints the law's parameters and its peak.
func lawText(u scaling.USL) string {
	if !u.Known() {
		return "not fitted: " + reasonText(u.Missing)
	}
	parameter := func(name string, p scaling.Parameter) string {
		s := name + " " + significant(p.Value, 3)
		if p.Interval.Known() {
			return s + " [" + intervalText(p.Interval, 1) + "]"
		}
		if p.SE != nil {
			s += " +- " + significant(*p.SE, 2)
		}
		return s
	}
	s := parameter("sigma", u.Sigma) + ", " + parameter("kappa", u.Kappa)
	switch p := u.Peak; {
	case p.Missing != nil:
		s += "; " + p.Missing.Text
	case p.Beyond:
		s += fmt.Sprintf("; best N %s, which lies beyond the data", significant(p.N, 3))
	default:
		s += fmt.Sprintf("; best N %s", significant(p.N, 3))
	}
	return s
}

func ceilingText(c scaling.Ceiling) string {
	s := fmt.Sprintf("against %s: %s", orDash(c.Ceiling), c.Verdict)
	if c.Missing != nil {
		return s + ": " + c.Missing.Text
	}
	if c.Ratio.Known() {
		s += fmt.Sprintf(", %s %% of it", significant(100*c.Ratio.Value, 3))
		if c.Ratio.Interval.Known() {
			s += " [" + intervalText(c.Ratio.Interval, 100) + "]"
		} else {
			s += " (" + c.Ratio.Interval.Missing.Text + ")"
		}
	}
	if c.Reached > 0 {
		s += fmt.Sprintf(", reached at N=%d", c.Reached)
	}
	return s
}

func walkText(w scaling.Walk) string {
	if w.Missing != nil {
		return "not known: " + w.Missing.Text
	}
	s := fmt.Sprintf("%s ns for each SA more", significant(w.PerSA.Value, 3))
	if w.PerSA.Interval.Known() {
		s += " [" + intervalText(w.PerSA.Interval, 1) + "]"
	}
	if !w.Walks {
		return s + ": that it walks is not shown"
	}
	return s + fmt.Sprintf(": it walks; %s %% of the latency at %s SAs", significant(100*w.Share, 2), significant(w.Most, 3))
}

func scaleNotes(c analyze.Curve) []string {
	list := reasonTexts(c.Scaling.Notes)
	if c.USL != nil {
		list = append(list, reasonTexts(c.USL.Notes)...)
	}
	for i := range list {
		list[i] = curveName(c) + ": " + list[i]
	}
	return list
}

// fallOf is the waterfall at a curve's largest N, nil if there is none to draw.
func fallOf(c analyze.Curve) *scaling.Waterfall {
	if len(c.Falls) == 0 {
		return nil
	}
	f := &c.Falls[len(c.Falls)-1]
	if f.Missing != nil || !compare.Usable(f.Ideal) || !compare.Usable(f.Measured) || f.Ideal <= 0 {
		return nil
	}
	return f
}

// worstFall is the curve that misses most of its ideal rate, -1 if none has a
// waterfall.
func worstFall(r *analyze.Result) int {
	best, most := -1, 0.0
	for i, c := range r.Curves {
		if f := fallOf(c); f != nil && c.Side != "before" && 1-f.Measured/f.Ideal > most {
			best, most = i, 1-f.Measured/f.Ideal
		}
	}
	return best
}

// skipFall is the curve whose waterfall stands on the first screen.
func skipFall(r *analyze.Result) int {
	if r.Comparison != nil {
		return -1
	}
	return worstFall(r)
}

// fallRows bounds the stages of a waterfall that have a row.
const fallRows = 6

// fallFigure draws where the rate went that N CPUs should have brought.
func fallFigure(c analyze.Curve, id string) figureBox {
	f := fallOf(c)
	if f == nil {
		return figureBox{}
	}
	chart := &fallChart{label: "Packets per second from the ideal down to what was measured, by the stage that costs more per packet", x: "packets/s"}
	chart.steps = []step{{label: fmt.Sprintf("ideal: %d x one", f.N), to: f.Ideal, class: "busy", end: short(f.Ideal)}}
	at, small, others := f.Ideal, 0.0, 0
	next := func(label string, rate float64, class, hatch string) {
		s := step{label: label, from: at, to: at - rate, class: class, hatch: hatch, end: lostText(rate, f.Ideal)}
		s.tip = fmt.Sprintf("%s: %s packets/s", label, signed(short(-rate), -rate))
		chart.steps = append(chart.steps, s)
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
	next("idle, or not offered", f.NotCost, "st9", "l")
	chart.steps = append(chart.steps, step{label: "measured", to: f.Measured, class: "s0", end: short(f.Measured)})
	return figureBox{
		ID: id, Title: fmt.Sprintf("Where did the missing throughput go? %s, N=%d", curveName(c), f.N), Picture: template.HTML(chart.render()),
		Caption: fmt.Sprintf("%s of %s packets/s are missing. Each step: what a packet costs more than at N=%d, by stage, in packets/s; locks are in the stage that takes them.",
			pretty(short(f.Ideal-f.Measured)), pretty(short(f.Ideal)), baseOf(c)),
	}
}

func baseOf(c analyze.Curve) int {
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
	return pretty(strings.Replace(signed(short(-rate), -rate)+" ("+signed(significant(share, 2), share)+" %)", "-", "−", 2))
}

// billSection is the scaling bill of each mode at its largest N.
func billSection(r *analyze.Result, skip int) section {
	s := section{ID: "bill", Nav: "Scaling bill", Title: "Where does a packet cost more than on one CPU?"}
	for i, c := range r.Curves {
		var pair [][]part
		if n := len(c.StageBills); n > 0 {
			pair = append(pair, []part{{Table: billTable(c, c.StageBills[n-1], "stage", fmt.Sprintf("bill-%d", i))}})
		}
		if i != skip && fallOf(c) != nil {
			pair = append(pair, []part{{Figure: fallFigure(c, fmt.Sprintf("fall-%d", i))}})
		}
		if len(pair) > 0 {
			s.Parts = append(s.Parts, part{Heading: curveName(c), Pair: pair})
		}
		if n := len(c.LockBills); n > 0 {
			s.Parts = append(s.Parts, part{Table: billTable(c, c.LockBills[n-1], "lock", fmt.Sprintf("lock-bill-%d", i))})
		}
		if c.Frames != nil && len(c.Frames.Rows) > 0 {
			s.Parts = append(s.Parts, folded(curveName(c)+": functions whose cost per packet grows with N", part{Table: framesTable(c, fmt.Sprintf("frames-%d", i))}))
		}
	}
	if len(s.Parts) == 0 {
		return section{}
	}
	return s
}

// billTable prints one bill; its rows sum to the total.
func billTable(c analyze.Curve, b scaling.Bill, what, id string) table {
	t := table{ID: id, Caption: fmt.Sprintf("%s: cost per packet at N=%d less at N=%d by %s, with the interval in brackets; rows sum to the total", curveName(c), b.N, b.Base, what), Head: []column{
		{Text: what}, {Text: fmt.Sprintf("N=%d", b.Base), Unit: visible(b.Unit, 24), Number: true}, {Text: fmt.Sprintf("N=%d", b.N), Unit: visible(b.Unit, 24), Number: true},
		{Text: "difference", Unit: visible(b.Unit, 24), Number: true}, {Text: "of the total", Unit: "%", Number: true},
	}, Note: strings.Join(reasonTexts(b.Notes), "; ")}
	for _, row := range b.Rows {
		t.Rows = append(t.Rows, billRow(row))
	}
	t = bounded(t, 20)
	return withRows(t, billRow(b.Unexplained), billRow(b.Total))
}

func withRows(t table, rows ...[]cell) table {
	t.Rows = append(t.Rows, rows...)
	return t
}

func billRow(row scaling.BillRow) []cell {
	if small := 1e-9 * max(math.Abs(row.Base), math.Abs(row.AtN), 1); math.Abs(row.Delta.Value) < small {
		row.Base, row.AtN, row.Delta = zeroed(row.Base, small), zeroed(row.AtN, small), compare.Estimate{Missing: row.Delta.Missing, Interval: compare.NoInterval(compare.Because(compare.NotApplicable, "nothing but rounding"))}
	}
	delta := estimateCell(row.Delta, 1)
	if row.Delta.Known() {
		delta.Text = signed(delta.Text, row.Delta.Value)
	}
	share := cell{Text: "–", Muted: true, Number: true, Sort: "0"}
	if row.Share != nil {
		share = percentOf(*row.Share)
		share.Bar = px(max(0, min(100, 100**row.Share)))
	}
	return []cell{textCell(row.Key), numberOf(row.Base), numberOf(row.AtN), delta, share}
}

// zeroed is v, or 0 where v is nothing but rounding.
func zeroed(v, small float64) float64 {
	if math.Abs(v) < small {
		return 0
	}
	return v
}

// framesTable prints the functions whose cost grows most.
func framesTable(c analyze.Curve, id string) table {
	f := c.Frames
	t := table{ID: id, Caption: fmt.Sprintf("%s: self cost per packet at N=%d and N=%d, and the exponent of its growth with N (0: it scales, 1: twice the CPUs, twice the cost)", curveName(c), f.Base, f.Last), Head: []column{
		{Text: "function"}, {Text: fmt.Sprintf("N=%d", f.Base), Unit: visible(f.Unit, 24), Number: true}, {Text: fmt.Sprintf("N=%d", f.Last), Unit: visible(f.Unit, 24), Number: true},
		{Text: "added", Unit: visible(f.Unit, 24), Number: true}, {Text: "exponent", Number: true}, {Text: "stops scaling"},
	}, Note: strings.Join(append(reasonTexts(f.Notes), fmt.Sprintf("%d functions were tested, %d stop scaling; %d were too small to be listed.", f.Tested, f.Stops, f.Small)), "; ")}
	for _, row := range f.Rows {
		stops := cell{Text: "not shown", Muted: true}
		if row.Stops {
			stops = cell{Text: "yes", Warn: true}
			if row.First.Missing == nil && row.First.N > 0 {
				stops.Small = fmt.Sprintf("from N=%d", row.First.N)
			}
		}
		added := numberOf(row.Added)
		added.Text = signed(added.Text, row.Added)
		t.Rows = append(t.Rows, []cell{{Text: name(row.Key), Code: true, Warn: isSpin(row.Key)}, numberOf(row.Base), numberOf(row.AtLast), added, estimateCell(row.Exponent.Slope, 1), stops})
	}
	return bounded(t, 25)
}
