package digest

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// foundBlock has the findings that neither the verdict nor the tables say.
func foundBlock(r *result.Result) block {
	b := block{rank: 6, noun: "finding"}
	for _, f := range r.Findings {
		if !slices.Contains([]string{result.Scales, result.Spins, result.OfALock, result.NoIPsec}, f.ID) {
			b.items = append(b.items, wrapped("Found: ", "  ", format.OrDash(f.Claim)))
		}
	}
	return b
}

// caveatTexts are what weakens the numbers: each names the number and the loss in
// figures.
func caveatTexts(r *result.Result, runs []*result.Run) []string {
	var texts []string
	add := func(form string, args ...any) { texts = append(texts, fmt.Sprintf(form, args...)) }
	for _, run := range runs {
		if run.Manifest.Status == bundle.Partial {
			add("%s is partial: %s", view.RunLabel(run), format.OrDash(run.Manifest.Why))
		}
	}
	if c := r.Comparison; c != nil {
		compareCaveats(c, add)
	}
	if groups := view.MedianRuns(r); len(groups) > 1 && view.Repeats(groups) == 1 &&
		slices.ContainsFunc(runs, func(r *result.Run) bool { return r.Mode != "" }) {
		add("one run per point: no number has an error between runs")
	}
	doubtCaveats(runs, add)
	for _, g := range view.GateRows(runs) {
		if g.Status == result.GateFailed {
			where := g.Where(len(runs))
			add("%s%s: %s", g.ID, parenthesized(where), atWorst(g.Evidence, len(runs)))
		}
	}
	if low, high, n := rangeOf(runs, func(r *result.Run) metric.Value {
		if r.Packets.PerfEffect == nil {
			return metric.Value{Value: math.NaN()}
		}
		return *r.Packets.PerfEffect
	}); n > 0 && max(math.Abs(low), math.Abs(high)) >= result.Perturbing {
		add("perf itself changed packets/s by %s: costs and shares are of that traffic", spanText(low, high))
	}
	if low, high, n := rangeOf(runs, func(r *result.Run) metric.Value {
		if !view.Perturbed(r) {
			return metric.Value{Value: math.NaN()}
		}
		return r.Locks.Effect
	}); n > 0 {
		add("lock waits were counted while packets/s changed by %s (%d of %d runs)", spanText(low, high), n,
			len(runs))
	}
	if c := r.Comparison; c != nil {
		for _, v := range view.Unexpected(c) {
			add("also differs: %s", view.DifferText(v))
		}
	}
	for _, n := range append(view.Warnings(r).Unsaid().Kinds(), view.Losses(r).Kinds()...) {
		text := view.Brief(n.Text)
		if where := n.Where(len(runs)); where != "" && len(n.Runs) > 0 && len(n.Runs) < len(runs) {
			text = format.ASCII(text, 200) + " (" + where + ")"
		}
		texts = append(texts, text)
	}
	return texts
}

// caveatBlock lists the caveats, then what was not measured.
func caveatBlock(r *result.Result, runs []*result.Run) block {
	texts := caveatTexts(r, runs)
	b := block{gap: len(view.Contrasted(r)) == 0, keep: 4, least: 2, rank: 5, noun: "caveat"}
	gaps := append(view.Gaps(r).ByCause(), view.Blind(r)...)
	if view.OnlyTraffic(runs) {
		gaps = nil // nobody expects samples of a generator
	}
	for _, n := range gaps {
		text := view.Brief(n.Text)
		if n.Weakens != "" {
			text = "not measured: " + text
		}
		texts = append(texts, text)
	}
	for i, text := range texts {
		item := wrapped(" - ", "   ", format.ASCII(text, 134))
		if i == 0 {
			item = append([]string{"Caveats:"}, item...)
		}
		b.items = append(b.items, item)
	}
	if len(b.items) == 0 {
		b.items = [][]string{{"Caveats: none recorded"}}
	}
	return b
}

func parenthesized(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// atWorst says that of several runs the worst is quoted.
func atWorst(evidence string, runs int) string {
	if runs > 1 {
		return "at worst " + evidence
	}
	return evidence
}

// compareCaveats are what takes the significance of a comparison.
func compareCaveats(c *result.Comparison, add func(string, ...any)) {
	if few := view.FewBoots(c); few != "" {
		add("nothing is significant: %s", few)
	}
	for _, n := range c.Notes {
		if n.Code == compare.OtherBasis {
			add("%s", n.Text)
		}
	}
	for _, f := range c.Forced {
		add("refusal overridden: %s", f.Text)
	}
	for _, s := range view.BlankedText(c.Blanked) {
		add("not significant: %s", s)
	}
}

// doubtCaveats puts the cross-checks that runs fail together, each with its worst.
func doubtCaveats(runs []*result.Run, add func(string, ...any)) {
	type failed struct {
		worst result.ConsistencyCheck
		run   *result.Run
		runs  int
	}
	var all []failed
	for _, r := range runs {
		for _, c := range r.ConsistencyChecks {
			if c.Verdict != result.CheckBroken {
				continue
			}
			at := slices.IndexFunc(all, func(f failed) bool { return f.worst.ID == c.ID })
			if at < 0 {
				all = append(all, failed{worst: c, run: r})
				at = len(all) - 1
			}
			all[at].runs++
			if math.Abs(c.Residual) > math.Abs(all[at].worst.Residual) {
				all[at].worst, all[at].run = c, r
			}
		}
	}
	for _, f := range all {
		c := f.worst
		where := ""
		if f.runs > 1 {
			where = fmt.Sprintf(" and %d more", f.runs-1)
		}
		add("! %s, %s%s: %s %s, %s %s (%s %%)", doubtedText(c.Marks), view.RunLabel(f.run), where, c.Left.Text,
			strings.TrimSuffix(sideValue(c.Left), " "+c.Right.Unit), without(c.Left.Text, c.Right.Text),
			sideValue(c.Right),
			format.Signed(format.Decimals(100*c.Residual, 0), c.Residual))
	}
}

// without leaves out of a side's words those that it begins with as the other does, but for the preposition:
// "slow-path time by probe", "by samples".
func without(other, text string) string {
	words, others := strings.Fields(text), strings.Fields(other)
	same := 0
	for same < min(len(words), len(others)) && words[same] == others[same] {
		same++
	}
	if same < 2 || same == len(words) {
		return text
	}
	return strings.Join(words[same-1:], " ")
}

// doubtedText names what hangs on a check.
func doubtedText(ids []string) string {
	if len(ids) == 0 {
		return "a number"
	}
	var names []string
	for _, id := range ids[:min(2, len(ids))] {
		names = append(names, view.MetricName(id))
	}
	return strings.Join(names, " and ")
}

func sideValue(s result.Side) string {
	switch s.Unit {
	case "ns":
		return format.Weight(s.Value, "nanoseconds")
	}
	return format.Short(s.Value) + " " + s.Unit
}

// rangeOf is the lowest and the highest of a value over runs, of those that have it.
func rangeOf(runs []*result.Run, of func(*result.Run) metric.Value) (low, high float64, n int) {
	for _, r := range runs {
		v := of(r)
		if !format.Finite(v) {
			continue
		}
		if n == 0 || v.Value < low {
			low = v.Value
		}
		if n == 0 || v.Value > high {
			high = v.Value
		}
		n++
	}
	return low, high, n
}

// spanText is a range of changes: "-32..-12 %".
func spanText(low, high float64) string {
	text := func(v float64) string { return format.Signed(format.Decimals(100*v, 0), v) }
	if text(low) == text(high) {
		return text(low) + " %"
	}
	return text(low) + ".." + text(high) + " %"
}
