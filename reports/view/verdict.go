package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
)

// ModeText is what a mode is, in words where its name is one of ours; as the subject
// of a sentence it is shorter.
func ModeText(mode string) (text, subject string) {
	switch {
	case mode == "shared":
		return "one shared SA", "One shared SA"
	case mode == "pcpu":
		return "one SA per CPU", "SA per CPU"
	case result.IsPlain(mode):
		return "no IPsec", "No IPsec"
	}
	mode = format.Visible(mode, 32)
	return mode, mode
}

// Contrasted are the comparisons that a verdict is of: of two sides that one, else
// those of the modes.
func Contrasted(r *result.Result) []*result.Comparison {
	if r.Comparison != nil {
		return []*result.Comparison{r.Comparison}
	}
	var out []*result.Comparison
	for i := range r.Contrasts {
		out = append(out, &r.Contrasts[i])
	}
	return out
}

// Verdict is what a result says, in one sentence with its number and its certainty.
func Verdict(r *result.Result) string {
	runs := result.RunsPresent(r)
	if len(r.Findings) > 0 && r.Findings[0].ID == result.NoIPsec { // nothing else is of interest then
		return strings.ToUpper(r.Findings[0].Claim[:1]) + r.Findings[0].Claim[1:] + "."
	}
	if all := Contrasted(r); len(all) > 0 {
		c := all[0]
		before, _ := ModeText(c.Before.Name)
		_, after := ModeText(c.After.Name)
		if r.Comparison != nil {
			before, after = "before", "After"
		}
		return contrastText(c, r.Factor(), before, after)
	}
	for _, c := range r.Curves {
		if c.Scaling != nil && len(r.Curves) == 1 && len(c.Scaling.Rows) > 1 &&
			c.Scaling.Rows[len(c.Scaling.Rows)-1].Speedup.Known() {
			if result.Offered(r.Factor()) {
				return offeredText(r, c)
			}
			return scaleText(r, c)
		}
	}
	switch last := LastOfModes(r); {
	case len(runs) == 0:
		return "No runs: nothing was measured."
	case len(runs) == 1:
		return runText(runs[0])
	case len(last) > 1:
		return mostText(last)
	}
	return runText(runs[len(runs)-1])
}

// contrastText says how many times what one side sends the other sends.
func contrastText(c *result.Comparison, factor, before, after string) string {
	h, ok := Leading(c)
	if !ok {
		return withoutRate(c)
	}
	verb, where := "sends", " on "+format.Counted(h.N, "CPU")
	if h.C.Metric == metric.ThroughputID {
		verb, where = "carries", fmt.Sprintf(" at N=%d", h.N)
	} else if factor != "CPUs" {
		where = fmt.Sprintf(" at %d %s", h.N, factor)
	}
	if mode := h.Mode; mode != "" && after == "After" && !strings.Contains(mode, " -> ") {
		where += ", " + format.Visible(mode, 32)
	}
	return fmt.Sprintf("%s %s %s times%s what %s %s%s%s%s.", after, verb, timesText(h.C.Ratio.Value, h.C.Ratio),
		levelledText(h.C.Ratio), before, verb, where, sureText(h.C), spinsText(c, h))
}

// Leading is the comparison of rates that a verdict is of: that of the mode whose
// rate changed most.
func Leading(c *result.Comparison) (leading result.CompareAt, ok bool) {
	for _, h := range c.Headline {
		if (h.C.Metric == metric.RateID || h.C.Metric == metric.ThroughputID) && h.C.Ratio.Known() &&
			(!ok || changeOf(h.C) > changeOf(leading.C)) {
			leading, ok = h, true
		}
	}
	return leading, ok
}

// levelledText is an interval of a ratio after it: " (95 %: 1.1 to 2.4)", "" if there
// is none.
func levelledText(e compare.Estimate) string {
	text := func(v float64) string { return timesText(v, e) }
	switch i := e.Interval; {
	case !i.Known():
		return ""
	case i.OpenHi:
		return fmt.Sprintf(" (%s: %s and more)", format.InPercent(i.Level, 0), text(i.Lo))
	default:
		return fmt.Sprintf(" (%s: %s to %s)", format.InPercent(i.Level, 0), text(i.Lo), text(i.Hi))
	}
}

// timesText is a ratio with the decimals that the estimate needs.
func timesText(ratio float64, e compare.Estimate) string {
	i, of := e.Interval, e.Value
	switch {
	case of > .8 && of < 1.25 || of < .1 || i.Known() && i.Hi-i.Lo < of/10:
		return format.Decimals(ratio, 2)
	case of < 10:
		return format.Decimals(ratio, 1)
	}
	return format.Decimals(ratio, 0)
}

// sureText says after a difference how sure it is, "" if that is in its interval.
func sureText(c compare.Comparison) string {
	switch c.Verdict {
	case compare.Changed:
		return ""
	case compare.SamplingOnly:
		if i := c.Ratio.Interval; i.Known() && i.Contains(1) {
			return ", not significant, one run each"
		}
		return ", by one run each"
	}
	return ", " + certainty(c)
}

// spinsText says what became of spinning, else of the cost; of each PMU of several.
func spinsText(c *result.Comparison, h result.CompareAt) string {
	out := ""
	for _, f := range c.Costs {
		if f.Mode != h.Mode || f.N != h.N {
			continue
		}
		for _, one := range f.Family.Comparisons {
			if one.Metric != metric.SpinID || one.Before.N == 0 || one.After.N == 0 {
				continue
			}
			b, a := one.Before.Median, one.After.Median
			from := whole(b) + format.NotesMark(one.Before.Notes)
			to := whole(a) + format.NotesMark(one.After.Notes)
			spinning := "; spinning" + ofPMU(f.Event)
			switch {
			case from == to:
			case b >= .01 && a < b && to == "0":
				out += fmt.Sprintf("%s falls from %s %% to 0", spinning, from)
			case b >= .01 && a < b:
				out += fmt.Sprintf("%s falls from %s to %s %%", spinning, from, to)
			case a >= .01 && a > b:
				out += fmt.Sprintf("%s rises from %s to %s %%", spinning, from, to)
			}
		}
	}
	return cmp.Or(out, costChange(c, h))
}

// ofPMU names the event of one PMU of several.
func ofPMU(event string) string {
	if event == "" {
		return ""
	}
	return " of " + format.Name(event)
}

func whole(share float64) string { return format.Decimals(100*share, 0) }

func costChange(c *result.Comparison, h result.CompareAt) string {
	out := ""
	for _, o := range c.Headline {
		if o.Mode == h.Mode && o.N == h.N && o.C.Metric == metric.CostID && o.C.Ratio.Known() &&
			changeOf(o.C) >= .01 {
			unit, _, _ := strings.Cut(format.ShownUnit(o.C.Unit), "/")
			if unit == "ns" {
				unit = "time"
			}
			out += "; a packet costs " + moreText(o.C.Ratio.Value) + " " + unit + ofPMU(o.Of.Name)
		}
	}
	return out
}

// moreText is a ratio in words: "43 % less".
func moreText(ratio float64) string {
	if ratio < 1 {
		return format.Significant(100*(1-ratio), 2) + " % less"
	}
	return format.Significant(100*(ratio-1), 2) + " % more"
}

// withoutRate is the verdict where packets were not counted.
func withoutRate(c *result.Comparison) string {
	for _, h := range c.Headline {
		if h.C.Before.N > 0 && h.C.After.N > 0 {
			k := format.UnitScale(h.C.Unit)
			return fmt.Sprintf("%s: %s -> %s %s at N=%d%s.", MetricName(h.C.Metric),
				format.MedianText(h.C.Before, k, 3), format.MedianText(h.C.After, k, 3),
				format.ShownUnit(h.C.Unit), h.N, sureText(h.C))
		}
	}
	return "Nothing that was measured on both sides says which is better."
}

// offeredText says what is carried of a rate that a generator offered, of one mode: more of it brings no more.
func offeredText(r *result.Result, c result.Curve) string {
	most := 0.0
	for _, row := range c.Scaling.Rows {
		most = max(most, row.Rate.Median)
	}
	unit, k := format.CurveUnit(c.Scaling.Unit)
	_, mode := ModeText(c.Mode)
	s := fmt.Sprintf("%s: carries at most %s %s", mode, format.Significant(most*k, 3), unit)
	for _, row := range c.Scaling.Rows {
		if row.Loss != nil && *row.Loss > c.Scaling.Knee.Limit {
			return s + fmt.Sprintf("; from %d %s on packets are lost (%s).", row.N, r.Factor(),
				format.InPercent(*row.Loss, 1))
		}
	}
	return s + "."
}

// scaleText says what more CPUs bring, of one mode.
func scaleText(r *result.Result, c result.Curve) string {
	rows := c.Scaling.Rows
	first, last := rows[0], rows[len(rows)-1]
	n := func(n int) string { return format.Counted(n, strings.TrimSuffix(r.Factor(), "s")) }
	base := float64(max(c.Scaling.Base, 1))
	speedup := last.Speedup
	speedup.Value /= base
	speedup.Interval.Lo, speedup.Interval.Hi = speedup.Interval.Lo/base, speedup.Interval.Hi/base
	_, mode := ModeText(c.Mode)
	brings := n(c.Scaling.Base) + " bring"
	if c.Scaling.Base == 1 {
		brings += "s"
	}
	s := fmt.Sprintf("%s: %s bring %s times%s what %s; ideal is %s", mode, n(last.N),
		timesText(speedup.Value, speedup), levelledText(speedup), brings,
		format.Significant(float64(last.N)/base, 2))
	if first.Rate.N == 1 && last.Rate.N == 1 {
		s += ", one run each"
	}
	runs := result.Pick(r.Runs, c.Runs)
	shown := runs[len(runs)-1] // of repeats that of the table
	for _, run := range LastOfModes(r) {
		if slices.Contains(runs, run) {
			shown = run
		}
	}
	pmus := ByPMU(shown)
	for _, one := range pmus {
		a, of := AllCPUs(one), ""
		if len(pmus) > 1 {
			of = ofPMU(one.Main().Name)
		}
		switch {
		case !format.Finite(a.SpinShare):
		case a.SpinShare.Value == 0:
			s += "; nothing" + of + " spins"
		default:
			s += "; spinning" + of + " " + whole(a.SpinShare.Value) + format.DoubtMark(a.SpinShare) + " %"
		}
	}
	return s + "."
}

// runText says of one run what a packet costs and where the time goes.
func runText(r *result.Run) string {
	if pmus := ByPMU(r); len(pmus) > 1 {
		var texts []string
		for _, one := range pmus {
			texts = append(texts, runText(one))
		}
		return strings.Join(texts, " ")
	}
	a := AllCPUs(r)
	name := "Run " + RunLabel(r)
	if r.Mode != "" {
		_, name = ModeText(r.Mode)
		name += " on " + strings.Split(CPUsText(r), ":")[0]
	}
	of := WeighedBy(r)
	if e := r.Main(); e != nil && of == "busy" {
		of = e.Of()
	}
	var parts []string
	if v := a.PerPacket; format.Finite(v) {
		parts = append(parts, "a packet costs "+strings.TrimSuffix(format.Of(v).String(), "/packet"))
	}
	if v := a.SpinShare; format.Finite(v) {
		parts = append(parts, fmt.Sprintf("%s of %s spins on locks", format.SentenceShare(v), of))
	}
	if t := r.Traffic; t != nil && format.Finite(t.Throughput) {
		does := "it carries "
		if t.Counts == bundle.Sent {
			does = "it sends "
		}
		parts = append(parts, does+format.Significant(t.Throughput.Value/1e9, 3)+" Gbit/s")
		if format.Finite(t.Loss) {
			parts = append(parts, format.SentenceShare(t.Loss)+" of the packets are lost")
		}
	}
	if len(a.Functions) > 0 && len(parts) < 2 && format.Finite(a.Functions[0].Share) {
		f, most := a.Functions[0], "most of it is"
		if of == "samples" {
			most = "most of the " + SamplesOf(r.Main()) + " are"
		}
		parts = append(parts, fmt.Sprintf("%s in %s, %s", most, format.Visible(f.Name, 40),
			format.SentenceShare(f.Share)))
	}
	if v := r.Locks.Waits; len(parts) == 0 && format.Finite(v) {
		parts = append(parts, format.Of(v).String()+" for locks")
	}
	if len(parts) == 0 {
		return name + ": nothing was measured that says where time goes."
	}
	return name + ": " + strings.Join(parts, "; ") + "."
}

// mostText says of many modes which sends most.
func mostText(last []*result.Run) string {
	if n := len(last); slices.ContainsFunc(last, func(r *result.Run) bool { return r.Mode == "" }) {
		return fmt.Sprintf(
			"%d runs without a mode: which belong together is not known, so none is set against "+
				"another.", n)
	}
	measured := slices.DeleteFunc(slices.Clone(last), func(r *result.Run) bool { return rateOf(r) <= 0 })
	if len(measured) < 2 {
		return runText(last[0])
	}
	most, least := measured[0], measured[0]
	for _, r := range measured {
		if rateOf(r) > rateOf(most) {
			most = r
		}
		if rateOf(r) < rateOf(least) {
			least = r
		}
	}
	return fmt.Sprintf("Of %d modes at their largest N %s sends most, %s times what %s sends; their order is not "+
		"tested.", len(measured), RunLabel(most), format.Significant(rateOf(most)/rateOf(least), 2),
		RunLabel(least))
}
