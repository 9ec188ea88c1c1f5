package view

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
	"xfrmscope/reports/format"
)

func CurveName(c result.Curve) string {
	return Sided(c.Side, cmp.Or(format.Name(c.Mode), "runs"))
}

// ScaleHead is the head of a rate in a table: "packets#|/s".
func ScaleHead(r *result.Result) string {
	for _, c := range r.Curves {
		if c.Scaling != nil && c.Scaling.Unit == "bit/s" {
			return "throughput#|Gbit/s"
		}
	}
	return "packets#|/s"
}

// ScaleTable has a row for each N of each curve. Over an offered rate there is no
// speed-up.
func ScaleTable(r *result.Result) Table {
	head, speedup := []string{"mode", "N#", "runs#", ScaleHead(r)}, !result.Offered(r.Factor())
	if speedup {
		head = append(head, "speed-up#")
	}
	t := NewTable("scale-table", "Median of the runs at each N with its interval in brackets; speed-up and "+
		"efficiency against the smallest N", append(head, "efficiency#|%", "loss#|%", "limited by")...)
	for _, c := range r.Curves {
		if c.Scaling == nil {
			continue
		}
		for _, row := range c.Scaling.Rows {
			t.Add(scaleRow(c, row, speedup)...)
		}
	}
	return t
}

func scaleRow(c result.Curve, row scaling.Row, speedup bool) []Cell {
	loss, limit := unmeasured(""), TextCell(cmp.Or(row.Limit, "–"))
	if row.Loss != nil {
		loss = numberOf(100 * *row.Loss)
	}
	_, k := format.CurveUnit(c.Scaling.Unit)
	cells := []Cell{TextCell(CurveName(c)), intCell(row.N), intCell(row.Rate.N), summaryCell(row.Rate, k)}
	if speedup {
		cells = append(cells, estimateCell(row.Speedup, 1))
	}
	return append(cells, estimateCell(row.Efficiency, 100), loss, limit)
}

// CarriedTable says of each mode the most that it carries, and from what N on it
// loses packets.
func CarriedTable(r *result.Result) Table {
	t := NewTable("carried-table", "The most that each mode carries, medians over its runs",
		"mode", "most#|"+strings.TrimPrefix(ScaleHead(r), "throughput#|"), "at N#", "loses from N#")
	for _, c := range r.Curves {
		if c.Scaling == nil || len(c.Scaling.Rows) == 0 {
			continue
		}
		most, loses := c.Scaling.Rows[0], NoCell("-1")
		for _, row := range slices.Backward(c.Scaling.Rows) {
			if row.Rate.Median > most.Rate.Median {
				most = row
			}
			if row.Loss != nil && *row.Loss > lossShown {
				loses = intCell(row.N)
			}
		}
		_, k := format.CurveUnit(c.Scaling.Unit)
		t.Add(TextCell(CurveName(c)), summaryCell(most.Rate, k), intCell(most.N), loses)
	}
	return t
}

// lossShown is the least loss that is told as one: a packet in a thousand.
const lossShown = .001

// ScaleFacts are the sentences on one mode.
func ScaleFacts(c result.Curve) [][2]string {
	var out [][2]string
	add := func(what, text string) {
		if text != "" {
			out = append(out, [2]string{CurveName(c) + ": " + what,
				format.Sentence(format.Visible(text, 400))})
		}
	}
	add("knee", kneeText(c.Scaling.Knee))
	if p := c.Scaling.Level; p.Known() {
		unit, k := format.CurveUnit(c.Scaling.Unit)
		add("plateau", fmt.Sprintf("from N=%d to N=%d, at %s %s", p.From, p.To, format.Significant(p.Rate*k, 4),
			cmp.Or(unit, "packets/s")))
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
		return format.ReasonText(k.Missing)
	}
	return fmt.Sprintf("scaling ends at N=%d: %s", k.N, k.Words())
}

// lawText prints the law's parameters and its peak.
func lawText(u scaling.USL) string {
	if !u.Known() {
		return "not fitted: " + format.ReasonText(u.Missing)
	}
	parameter := func(name string, p scaling.Parameter) string {
		s := name + " " + format.Significant(p.Value, 3) + format.Bracketed(p.Interval, 1)
		if p.Half != nil && !p.Interval.Known() {
			s += " +- " + format.Significant(*p.Half, 2)
		}
		return s
	}
	s := parameter("gamma", u.Gamma) + ", " + parameter("sigma", u.Sigma) + ", " + parameter("kappa", u.Kappa)
	if why := u.Gamma.Interval.Missing; why != nil {
		s += " (" + why.Text + ")"
	}
	if u.Boots > 0 {
		s += fmt.Sprintf(" (intervals over %d boots)", u.Boots)
	}
	switch p := u.Peak; {
	case p.Missing != nil:
		s += "; " + p.Missing.Text
	case p.Beyond:
		s += fmt.Sprintf("; best N %s, which lies beyond the data", format.Significant(p.N, 3))
	default:
		s += fmt.Sprintf("; best N %s", format.Significant(p.N, 3))
	}
	if u.Misfit != nil {
		return s + "; fits the law: p " + compare.PText(u.Misfit.P)
	}
	return s + "; off by " + format.Significant(u.RMS, 2) + " in the mean square"
}

func ceilingText(c scaling.Ceiling) string {
	s := fmt.Sprintf("against %s: %s", format.OrDash(c.Ceiling), c.Verdict)
	if c.Missing != nil {
		return s + ": " + c.Missing.Text
	}
	if c.Ratio.Known() {
		s += fmt.Sprintf(", %s %% of it", format.Significant(100*c.Ratio.Value, 3)) +
			format.Bracketed(c.Ratio.Interval, 100)
		if why := c.Ratio.Interval.Missing; why != nil {
			s += " (" + why.Text + ")"
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
	s := fmt.Sprintf("%s ns for each SA more", format.Significant(w.PerSA.Value, 3)) +
		format.Bracketed(w.PerSA.Interval, 1)
	if !w.Walks {
		return s + ": that it walks is not shown"
	}
	return s + fmt.Sprintf(": it walks; %s %% of the latency at %s SAs", format.Significant(100*w.Share, 2),
		format.Significant(w.Most, 3))
}

func ScaleNotes(c result.Curve) []string {
	list := format.ReasonTexts(c.Scaling.Notes)
	if c.USL != nil {
		list = append(list, format.ReasonTexts(c.USL.Notes)...)
	}
	for i := range list {
		list[i] = CurveName(c) + ": " + list[i]
	}
	return list
}

// CostName names a curve's cost, and the PMU where it has several.
func CostName(c result.Curve, event string) string {
	if event == "" {
		return CurveName(c)
	}
	return CurveName(c) + ", " + format.Name(PMUName(event))
}

// BreakdownTable prints one breakdown of what is named; its rows sum to the total.
func BreakdownTable(name string, b scaling.Breakdown, what, id string) Table {
	t := NewTable(id, fmt.Sprintf(
		"%s: cost per packet at N=%d less at N=%d by %s, with the interval in brackets; rows sum to the total",
		name, b.N, b.Base, what),
		what, fmt.Sprintf("N=%d", b.Base)+"#|"+format.Visible(b.Unit, 24), fmt.Sprintf("N=%d", b.N)+"#|"+
			format.Visible(b.Unit, 24), "difference#|"+format.Visible(b.Unit, 24), "of the total#|%")
	t.Note = strings.Join(format.ReasonTexts(b.Notes), "; ")
	for _, row := range b.Rows {
		t.Rows = append(t.Rows, breakdownRow(row, b.Notes))
	}
	t = Bounded(t, 20)
	t.Rows = append(t.Rows, breakdownRow(b.Unexplained, b.Notes), breakdownRow(b.Total, b.Notes))
	return t
}

func breakdownRow(row scaling.BreakdownRow, notes []compare.Reason) []Cell {
	if small := 1e-9 * max(math.Abs(row.Base), math.Abs(row.AtN), 1); math.Abs(row.Delta.Value) < small {
		row.Base, row.AtN, row.Delta = zeroed(row.Base, small), zeroed(row.AtN, small),
			compare.Estimate{Missing: row.Delta.Missing,
				Interval: compare.NoInterval(compare.Because(compare.NotApplicable,
					"nothing but rounding"))}
	}
	delta := estimateCell(row.Delta, 1)
	if row.Delta.Known() {
		delta.Text = format.Signed(delta.Text, row.Delta.Value)
	}
	share := NoCell("0")
	if row.Share != nil {
		share = percentOf(*row.Share)
		share.Bar = format.Pixels(max(0, min(100, 100**row.Share)))
	}
	return []Cell{TextCell(row.Key), numberOf(row.Base).noted(notes), numberOf(row.AtN).noted(notes),
		delta.noted(notes), share}
}

// zeroed is v, or 0 where v is nothing but rounding.
func zeroed(v, small float64) float64 {
	if math.Abs(v) < small {
		return 0
	}
	return v
}

// FramesTable prints the functions whose cost grows most.
func FramesTable(c result.Curve, of *result.CurveCost, id string) Table {
	f := of.Frames
	t := NewTable(id, fmt.Sprintf("%s: self cost per packet at N=%d and N=%d, and the exponent of its growth "+
		"with N (0: it scales, 1: twice the CPUs, twice the cost)", CostName(c, of.Event), f.Base, f.Last),
		"function", fmt.Sprintf("N=%d", f.Base)+"#|"+format.Visible(f.Unit, 24), fmt.Sprintf("N=%d", f.Last)+
			"#|"+format.Visible(f.Unit, 24), "added#|"+format.Visible(f.Unit, 24), "exponent#",
		"stops scaling")
	t.Note = strings.Join(append(format.ReasonTexts(f.Notes),
		fmt.Sprintf("%d functions were tested, %d stop scaling; %d were too small to be listed.", f.Tested,
			f.Stops, f.Small)), "; ")
	for _, row := range f.Rows {
		stops := Cell{Text: "not shown", Muted: true}
		if row.Stops {
			stops = Cell{Text: "yes", Warn: true}
			if row.First.Missing == nil && row.First.N > 0 {
				stops.Small = fmt.Sprintf("from N=%d", row.First.N)
			}
		}
		added := numberOf(row.Added)
		added.Text = format.Signed(added.Text, row.Added)
		t.Add(Cell{Text: format.Name(row.Key), Code: true, Warn: isSpin(row.Key)}, numberOf(row.Base),
			numberOf(row.AtLast), added, estimateCell(row.Exponent.Slope, 1), stops)
	}
	return Bounded(t, 25)
}
