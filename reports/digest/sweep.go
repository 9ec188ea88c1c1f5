package digest

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// digestRows bounds the table of runs.
const digestRows = 10

// sweepBlocks is the digest of several runs side by side.
func sweepBlocks(r *result.Result, runs []*result.Run) []block {
	groups := view.MedianRuns(r)
	if len(groups) == 0 { // no curves: the runs as they come
		for _, run := range runs {
			groups = append(groups, view.Group{Chosen: run, Repeats: 1, Curve: 0})
		}
	}
	head := append([]string{fmt.Sprintf("xfrmscope report: %d runs, %s", len(runs), view.ModesText(r))},
		whereLines(runs)...)
	// A claim left out is in the report; without its rows none can be judged.
	found := foundBlock(r)
	found.least, found.rank = 3, 2
	return append([]block{
		{items: lineItems(head[:min(5, len(head))])},
		found,
		{items: sweepTable(r, groups, runs), keep: math.MaxInt, least: 1, gap: true, rank: 1, noun: "row"},
		{items: perCPULines(groups), keep: 1, rank: 3, noun: "CPU line"},
		{items: lastMisses(groups), rank: 4, noun: "miss ratio"},
	}, endBlocks(r, len(runs))...)
}

// sweepTable is the table of the runs: of a traffic generator's its rates.
func sweepTable(r *result.Result, groups []view.Group, runs []*result.Run) [][]string {
	if onlyTraffic(r) {
		return trafficTable(r)
	}
	return runTable(groups, runs)
}

// runTable prints one line for each group, at most digestRows.
func runTable(groups []view.Group, runs []*result.Run) [][]string {
	head := []string{
		fmt.Sprintf("  %-8s %3s %7s %15s %12s %6s %7s %5s", rowHead(groups), "N", "kpkt/s",
			format.ASCII(view.CostUnit(runs), 15), "spin %", "word %", "wait", "n"),
		fmt.Sprintf("  %-28s %7s %12s %6s %7s", markLegend(groups), "+-", "+-", "", "ns/pkt"),
	}
	var lines []string
	rows := view.Pick(len(groups), digestRows)
	repeats := 1
	for _, i := range rows {
		repeats = max(repeats, groups[i].Repeats)
		lines = append(lines, runRow(groups, groups[i].Chosen, rowLabels(groups)[i]))
	}
	if repeats > 1 {
		lines = append(lines, fmt.Sprintf("  each row: the run of median packets/s of up to %d repeats",
			repeats))
	}
	if left := len(groups) - len(rows); left > 0 {
		lines = append(lines, fmt.Sprintf("  %d rows left out: see report.html and results.json", left))
	}
	return headed(head, lines)
}

// rowHead says what the first column is: unlabelled runs have no mode.
func rowHead(groups []view.Group) string {
	if slices.ContainsFunc(groups, func(g view.Group) bool { return g.Chosen.Mode != "" }) {
		return "mode"
	}
	return "run"
}

// rowLabel is the width of the first column.
const rowLabel = 8

// rowLabels names the rows: by mode, an unlabelled run by its name. Of names
// that begin alike the ends are shown.
func rowLabels(groups []view.Group) []string {
	heads := map[string]string{} // cut name -> name
	ends := false
	for _, g := range groups {
		name := view.RowName(g.Chosen)
		cut := format.ASCII(name, rowLabel)
		if other, ok := heads[cut]; ok && other != name {
			ends = true
		}
		heads[cut] = name
	}
	var labels []string
	for _, g := range groups {
		name := format.ASCII(view.RowName(g.Chosen), math.MaxInt)
		if ends && len(name) > rowLabel {
			name = ".." + name[len(name)-rowLabel+2:]
		}
		labels = append(labels, format.Cut(name, rowLabel))
	}
	return labels
}

func runRow(groups []view.Group, r *result.Run, label string) string {
	a := view.AllCPUs(r)
	over := func(of func(result.CPU) metric.Value) metric.Value {
		return view.OverRepeats(groups, r, func(r *result.Run) metric.Value { return of(view.AllCPUs(r)) })
	}
	return fmt.Sprintf("  %-8s %3d %7s %15s %12s %6s %7s %5s", label, r.N,
		format.Kilo(r.Packets.Rate),
		format.CostColumn(over(func(c result.CPU) metric.Value { return c.PerPacket })),
		format.ShareColumn(over(func(c result.CPU) metric.Value { return c.SpinShare })),
		format.Column(a.LockWordShare, 2), waitCell(r),
		strings.ReplaceAll(format.Short(float64(a.Busy.Samples)), " ", ""))
}

// waitCell prints the lock wait per packet, marked if it was counted at another
// packet rate than the samples were taken.
func waitCell(r *result.Run) string {
	v := r.Locks.PerPkt
	if !format.Finite(v) {
		return "-"
	}
	if _, most := v.AtMost(); most {
		return format.Column(v, 2) + view.EffectMark(r)
	}
	s := format.Significant(v.Value, 3)
	if math.Abs(v.Value) >= 9999.5 {
		s = strings.ReplaceAll(format.Short(v.Value), " ", "")
	}
	return s + format.DoubtMark(v) + view.EffectMark(r)
}

// markLegend explains the marks that rows have.
func markLegend(groups []view.Group) string {
	perturbed, doubted := false, false
	for _, g := range groups {
		perturbed = perturbed || view.EffectMark(g.Chosen) != ""
		doubted = doubted || view.HasDoubt(g.Chosen)
	}
	switch {
	case perturbed && doubted:
		return "*: other pkt/s; !: bad sum"
	case perturbed:
		return "*: counted at other pkt/s"
	case doubted:
		return "!: a sum is broken"
	}
	return ""
}

// perCPULines says where the CPUs of one run differ in their spin share by
// more than the sum of their errors; the last N of each mode is looked
// at.
func perCPULines(groups []view.Group) [][]string {
	var items [][]string
	for _, run := range view.Last(groups) {
		if low, high, ok := view.SpinSpread(run); ok {
			items = append(items, wrapped("per CPU, %s: spin %s %% on CPU %d to %s %% on CPU %d",
				view.RunLabel(run), format.ShareColumn(low.SpinShare), low.CPU,
				format.ShareColumn(high.SpinShare),
				high.CPU))
		}
	}
	return items
}

// lastMisses are the miss ratios of each mode at its largest N.
func lastMisses(groups []view.Group) [][]string {
	var items [][]string
	for _, run := range view.Last(groups) {
		items = append(items, missLines(run)...)
	}
	return items
}
