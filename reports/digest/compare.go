package digest

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
	"xfrmscope/analyze/sides"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// compareBlocks is the digest of a comparison: what was compared, always what
// got worse, the rates at each N, what a packet costs, and the functions that
// changed.
func compareBlocks(r *result.Result) []block {
	c, runs := r.Comparison, view.Present(r)
	head := wrapped("xfrmscope compare: %s -> %s, %d + %d runs", format.OrWord(c.Before.Name, "before"),
		format.OrWord(c.After.Name, "after"), len(c.Before.Runs), len(c.After.Runs))
	head[0] = strings.TrimPrefix(head[0], "  ")
	head = append(head, whereLines(runs)...)
	blocks := []block{{items: lineItems(head[:min(5, len(head))])}, comparableBlock(c), worseBlock(c)}
	blocks = append(blocks, rateBlock(c), lawBlock(c))
	if i := costFamily(c); i >= 0 {
		f := &c.Costs[i]
		blocks = append(blocks, costBlock(c, f), functionBlock(c, f.Mode, f.N))
	}
	blocks = append(blocks, block{items: [][]string{{"  " + methodText(c)}}, rank: 8,
		noun: "method note"})
	return append(blocks, compareEnd(r)...)
}

// comparableBlock says what weakens a comparison, before any result.
func comparableBlock(c *result.Comparison) block {
	b := block{keep: 2, least: 1, rank: 6, noun: "side difference"}
	b.items = append(b.items, wrapped("gates: %s", view.GateSummary(c.Gates)))
	if few := view.FewBoots(c); few != "" {
		b.items = append(b.items, wrapped("no star: %s", few))
	}
	for _, f := range c.Forced {
		b.items = append(b.items, wrapped("refusal overridden: %s", f.Text))
	}
	for _, v := range view.Unexpected(c) {
		b.items = append(b.items, wrapped("also differs: %s", view.DifferText(v)))
	}
	for _, s := range view.BlankedText(c.Blanked) {
		b.items = append(b.items, wrapped("star taken: %s", s))
	}
	return b
}

// compareRow prints one comparison: before, after, change, p or q, star.
func compareRow(label string, width int, c compare.Comparison, k float64) string {
	level := c.Test.P
	if c.Q != nil {
		level = *c.Q
	}
	p := compare.PText(level)
	if !format.Tested(c) {
		p = "-"
	}
	return strings.TrimRight(fmt.Sprintf("  %-*s %15s %15s %8s %6s %s", width, endsKept(format.ASCII(label, 200),
		width), format.SideText(c.Before, k), format.SideText(c.After, k), format.ChangeColumn(c), p,
		format.MarkText(c)), " ")
}

// endsKept shortens a label in its middle: its end has the N.
func endsKept(s string, width int) string {
	const end = 6
	if len(s) <= width || width <= end+2 {
		return format.Cut(s, width)
	}
	return s[:width-end-2] + ".." + s[len(s)-end:]
}

// labelWide is the first column of a comparison's tables.
const labelWide = 19

// compareHead is the head of a table of comparisons.
func compareHead(title string, level string) []string {
	return []string{fmt.Sprintf("  %-*s %15s %15s %8s %6s", labelWide, endsKept(format.ASCII(title, 200),
		labelWide), "before", "after", "change", level)}
}

// rateBlock has a row for each mode and N.
func rateBlock(c *result.Comparison) block {
	b := block{gap: true, keep: 6, least: 1, rank: 2, noun: "row"}
	if len(c.Rates) == 0 || len(c.Rates[0].Family.Comparisons) == 0 {
		b.items = lineItems([]string{"  no packet rate was measured on both sides"})
		return b
	}
	var rows []string
	f := c.Rates[0]
	for _, i := range telling(f.Family.Comparisons, compareRows) {
		one := f.Family.Comparisons[i]
		rows = append(rows, compareRow(view.KeyOf(f, i), labelWide, one, format.RateScale(one.Unit)))
	}
	title := format.RateUnit(f.Family.Comparisons[0].Unit)
	if left := len(f.Family.Comparisons) - len(rows); left > 0 {
		rows = append(rows, fmt.Sprintf("  %d rows more in commit-table.txt", left))
	}
	b.items = headed(compareHead(title, "q"), rows)
	return b
}

// compareRows bounds the rates of a digest.
const compareRows = 9

// telling chooses at most limit rows: those that changed, in their order, then
// the last ones of those that did not, which are at the largest N.
func telling(list []compare.Comparison, limit int) []int {
	var changed, same []int
	for i := range list {
		if list[i].Verdict != compare.NotShown {
			changed = append(changed, i)
		} else {
			same = append(same, i)
		}
	}
	changed = changed[max(0, len(changed)-limit):]
	return append(changed, same[max(0, len(same)-limit+len(changed)):]...)
}

// lawBlock says in a line a mode how the law's parameters changed.
func lawBlock(c *result.Comparison) block {
	b := block{rank: 4, noun: "law"}
	for _, u := range c.USL {
		x := u.Change
		if !x.Before.Known() || !x.After.Known() {
			continue
		}
		mark := func(p scaling.ParameterChange) string {
			if p.Significant {
				return " *"
			}
			return " ~"
		}
		best := func(p scaling.Peak) string {
			switch {
			case p.Missing != nil:
				return "none"
			case p.Beyond:
				return format.Significant(p.N, 3) + " (beyond the data)"
			}
			return format.Significant(p.N, 3)
		}
		label := "USL fit"
		if u.Mode != "" {
			label += ", " + format.ASCII(u.Mode, 24)
		}
		b.items = append(b.items, wrapped("%s: sigma %s -> %s%s, kappa %s -> %s%s, best N %s -> %s", label,
			format.Significant(x.Before.Sigma.Value, 2), format.Significant(x.After.Sigma.Value, 2),
			mark(x.Sigma),
			format.Significant(x.Before.Kappa.Value, 2), format.Significant(x.After.Kappa.Value, 2),
			mark(x.Kappa), best(x.Before.Peak), best(x.After.Peak)))
	}
	return b
}

// costFamily is the family of costs whose figures changed most, -1 if there is
// none.
func costFamily(c *result.Comparison) int {
	best, most := -1, -1.0
	for i, f := range c.Costs {
		for _, one := range f.Family.Comparisons {
			size := 0.0
			if one.Ratio.Known() {
				size = math.Abs(math.Log(math.Max(one.Ratio.Value, 1e-9)))
			}
			if size > most {
				best, most = i, size
			}
		}
	}
	return best
}

// costBlock has the figures per packet of one mode and N, then its locks.
func costBlock(c *result.Comparison, f *result.CompareFamily) block {
	b := block{gap: true, keep: 3, least: 1, rank: 3, noun: "figure"}
	var rows []string
	add := func(list []result.CompareFamily, indent string, limit int) {
		for _, o := range list {
			if o.Mode != f.Mode || o.N != f.N {
				continue
			}
			for i, one := range o.Family.Comparisons[:min(limit, len(o.Family.Comparisons))] {
				label := view.MetricName(one.Metric)
				if i < len(o.Keys) {
					label = o.Keys[i]
				}
				rows = append(rows, compareRow(indent+label, labelWide, one,
					format.UnitScale(one.Unit)))
			}
		}
	}
	add(c.Costs, "", 6)
	add(c.Locks, "  ", 2)
	head := compareHead(format.OrWord(view.AtText(f.Mode, f.N), "per packet"), "q")
	b.items = headed(head, rows)
	return b
}

// functionBlock lists the functions that changed, and what of the others could
// have been seen.
func functionBlock(c *result.Comparison, mode string, n int) block {
	b := block{gap: true, keep: 2, least: 1, rank: 4, noun: "function"}
	i := slices.IndexFunc(c.Functions, func(f result.CompareFunctions) bool { return f.Mode == mode && f.N == n })
	if i < 0 {
		return b
	}
	f := c.Functions[i].Functions
	unit := ""
	var rows []string
	others := 0
	for _, row := range f.Rows {
		unit = row.Comparison.Unit
		if x := row.Comparison; x.Verdict == compare.NotShown || x.Verdict == compare.NoData {
			others++
			continue
		}
		x := row.Comparison
		rows = append(rows, strings.TrimRight(fmt.Sprintf("    %-33s %10s -> %-9s %8s %s",
			format.ASCII(row.Name, 33), format.Significant(x.Before.Median, 4),
			format.Significant(x.After.Median, 4), format.ChangeColumn(x), format.MarkText(x)), " "))
	}
	head := []string{fmt.Sprintf("  functions, %s (%d tested, q < %s)", format.OrWord(format.ASCII(unit, 24),
		"self"), f.Family.Tested, format.Significant(f.Family.Options.Defaults().Alpha, 2))}
	if f.Family.Detectable > 0 {
		head = append(head, fmt.Sprintf("    %d not shown to change (%s %% or more would have been)", others,
			format.Significant(100*f.Family.Detectable, 2)))
	} else if others > 0 {
		head = append(head, fmt.Sprintf("    %d not shown to change, nor could have been with these runs",
			others))
	}
	b.items = append([][]string{head}, lineItems(rows)...)
	return b
}

// worseBlock is never left out: what got worse and how sure that is, or what
// could have been seen. What does not hold has its medians in the rows below.
func worseBlock(c *result.Comparison) block {
	b := block{gap: true, keep: 3, least: 1, rank: 1, noun: "worse figure"}
	for _, w := range view.Worsened(c) {
		k := format.RateScale(w.C.Unit)
		change := format.ChangeColumn(w.C)
		if w.C.Ratio.Known() {
			change = format.Cut(strings.ReplaceAll(format.ChangePercent(w.C.Ratio.Value), " ", ""), 8)
		}
		text := fmt.Sprintf("worse: %s %s %s: %s", w.At, w.What, change, w.Certainty)
		if w.Certainty == "" {
			text = fmt.Sprintf("worse: %s %s: %s -> %s %s, %s %s", w.At, w.What,
				format.Significant(w.C.Before.Median*k, 4), format.Significant(w.C.After.Median*k, 4),
				format.RateUnit(w.C.Unit), change, format.MarkText(w.C))
		}
		b.items = append(b.items, format.Wrap(format.ASCII(text, 200), "", "  ", digestColumns))
	}
	if len(b.items) == 0 {
		b.items = [][]string{format.Wrap(format.ASCII("worse: nothing that could be shown; "+
			view.CouldHaveShown(c), 320), "", "  ", digestColumns)}
	}
	return b
}

func methodText(c *result.Comparison) string {
	return fmt.Sprintf("median, half of its 95 %% interval; Mann-Whitney U; * holds, g gate failed (seed %d)",
		c.Options.Defaults().Seed)
}

// compareEnd is what weakens the numbers of both sides.
func compareEnd(r *result.Result) []block {
	end := endBlocks(r, len(view.Present(r)))
	end[0].rank, end[1].rank = 7, 7
	return end
}

// Judgement prints in one line what a condition says of one number:
//
// //	cost_per_packet>5%: ok, shared -> pcpu N=4: 259 727 -> 156 949 ns/packet, -39.6 % (95 % interval -41.6 to
// -37.5)
func Judgement(j sides.Judgement) string {
	where := fmt.Sprintf("N=%d", j.N)
	if j.Mode != "" {
		where = j.Mode + " " + where
	}
	if j.Of != (result.Subject{}) {
		where += ", " + j.Of.String()
	}
	if j.N == 0 {
		where = "nowhere"
	}
	head := fmt.Sprintf("%s: %s", j.Condition.Text, j.Outcome)
	if j.Outcome == sides.Unmeasured || j.Outcome == sides.LeftOut {
		return format.ASCII(fmt.Sprintf("%s at %s: %s", head, where, j.Why), 400)
	}
	if j.Unclear {
		head += " (unclear)"
	}
	line := fmt.Sprintf("%s at %s: %s %s -> %s %s, %s", head, where, j.C.Metric,
		format.Significant(j.C.Before.Median, 4), format.Significant(j.C.After.Median, 4), j.C.Unit,
		format.ChangeOf(j.C.Ratio, j.C.Difference, j.C.Unit))
	return format.ASCII(line, 400)
}
