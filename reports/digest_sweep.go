package reports

import (
	"fmt"
	"math"
	"strings"

	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
)

// digestRows bounds the table of runs.
const digestRows = 10

// sweepBlocks is the digest of several runs side by side.
func sweepBlocks(r *analyze.Result, runs []*analyze.Run) []block {
	groups := medianRuns(r)
	if len(groups) == 0 { // no curves: the runs as they come
		for _, run := range runs {
			groups = append(groups, group{run, 1, 0})
		}
	}
	head := append([]string{fmt.Sprintf("xfrmscope report: %d runs, %s", len(runs), modesText(r))}, whereLines(runs)...)
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

func modesText(r *analyze.Result) string {
	var modes []string
	for _, c := range r.Curves {
		if c.Mode != "" {
			modes = append(modes, c.Mode)
		}
	}
	switch len(modes) {
	case 0:
		return "no modes"
	case 1:
		return "mode " + modes[0]
	}
	return "modes " + strings.Join(modes, ", ")
}

// sweepTable is the table of the runs: of a traffic generator's its rates.
func sweepTable(r *analyze.Result, groups []group, runs []*analyze.Run) [][]string {
	if onlyTraffic(r) {
		return trafficTable(r)
	}
	return runTable(groups, runs)
}

// runTable prints one line for each group, at most digestRows.
func runTable(groups []group, runs []*analyze.Run) [][]string {
	head := []string{
		fmt.Sprintf("  %-8s %3s %7s %15s %12s %6s %7s %5s", rowHead(groups), "N", "kpkt/s", ascii(costUnit(runs), 15), "spin %", "word %", "wait", "n"),
		fmt.Sprintf("  %-28s %7s %12s %6s %7s", markLegend(groups), "+- 1 se", "+- 1 se", "", "ns/pkt"),
	}
	var lines []string
	rows := pick(len(groups), digestRows)
	repeats := 1
	for _, i := range rows {
		repeats = max(repeats, groups[i].repeats)
		lines = append(lines, runRow(groups[i].chosen, rowLabels(groups)[i]))
	}
	if repeats > 1 {
		lines = append(lines, fmt.Sprintf("  each row: the run of median packets/s of up to %d repeats", repeats))
	}
	if left := len(groups) - len(rows); left > 0 {
		lines = append(lines, fmt.Sprintf("  %d rows left out: see report.html and results.json", left))
	}
	return headed(head, lines)
}

// rowHead says what the first column is: unlabelled runs have no mode.
func rowHead(groups []group) string {
	for _, g := range groups {
		if g.chosen.Mode != "" {
			return "mode"
		}
	}
	return "run"
}

// rowLabel is the width of the first column.
const rowLabel = 8

// rowLabels names the rows: by mode, an unlabelled run by its name. Of names
// that begin alike the ends are shown.
func rowLabels(groups []group) []string {
	heads := map[string]string{} // cut name -> name
	ends := false
	for _, g := range groups {
		name := rowName(g.chosen)
		cut := ascii(name, rowLabel)
		if other, ok := heads[cut]; ok && other != name {
			ends = true
		}
		heads[cut] = name
	}
	var labels []string
	for _, g := range groups {
		name := ascii(rowName(g.chosen), math.MaxInt)
		if ends && len(name) > rowLabel {
			name = ".." + name[len(name)-rowLabel+2:]
		}
		labels = append(labels, cut(name, rowLabel))
	}
	return labels
}

func rowName(r *analyze.Run) string {
	if r.Mode == "" {
		return orDash(r.Name)
	}
	return r.Mode
}

func runRow(r *analyze.Run, label string) string {
	a := all(r)
	return fmt.Sprintf("  %-8s %3d %7s %15s %12s %6s %7s %5s", label, r.N,
		kilo(r.Packets.Rate), costCell(a.PerPacket), percentCell(a.SpinShare), wordCell(a.LockWordShare), waitCell(r), strings.ReplaceAll(short(float64(a.Busy.Samples)), " ", ""))
}

func kilo(v metric.Value) string {
	if !finite(v) {
		return "-"
	}
	return significant(v.Value/1000, 4) + doubtMark(v)
}

// costCell prints a cost with its relative error.
func costCell(v metric.Value) string {
	if !finite(v) {
		return "-"
	}
	s := significant(v.Value, 4) + doubtMark(v)
	if v.SE > 0 && v.Value > 0 {
		s += " +-" + significant(100*v.SE/v.Value, 2) + "%"
	}
	return s
}

// percentCell prints a share with its error, both in per cent.
func percentCell(v metric.Value) string {
	if !finite(v) {
		return "-"
	}
	mark := doubtMark(v)
	if !(v.SE > 0) {
		return significant(100*v.Value, 3) + mark
	}
	return decimals(100*v.Value, 2-len(mark)) + mark + " +-" + decimals(100*v.SE, 2)
}

func wordCell(v metric.Value) string {
	if !finite(v) {
		return "-"
	}
	return significant(100*v.Value, 2) + doubtMark(v)
}

// waitCell prints the lock wait per packet, marked if it was counted at another
// packet rate than the samples were taken.
func waitCell(r *analyze.Run) string {
	v := r.Locks.PerPkt
	if !finite(v) {
		return "-"
	}
	s := significant(v.Value, 3)
	if math.Abs(v.Value) >= 9999.5 {
		s = strings.ReplaceAll(short(v.Value), " ", "")
	}
	return s + doubtMark(v) + effectMark(r)
}

// markLegend explains the marks that rows have.
func markLegend(groups []group) string {
	perturbed, doubted := false, false
	for _, g := range groups {
		perturbed = perturbed || effectMark(g.chosen) != ""
		doubted = doubted || hasDoubt(g.chosen)
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
// more than twice the sum of their errors; the last N of each mode is looked
// at.
func perCPULines(groups []group) [][]string {
	var items [][]string
	for i, g := range groups {
		if !lastOfMode(groups, i) {
			continue
		}
		if low, high, ok := spinSpread(g.chosen); ok {
			items = append(items, wrapped("per CPU, %s: spin %s %% on CPU %d to %s %% on CPU %d", runLabel(g.chosen),
				percentCell(low.SpinShare), low.CPU, percentCell(high.SpinShare), high.CPU))
		}
	}
	return items
}

// lastMisses are the miss ratios of each mode at its largest N.
func lastMisses(groups []group) [][]string {
	var items [][]string
	for i, g := range groups {
		if lastOfMode(groups, i) {
			items = append(items, missLines(g.chosen)...)
		}
	}
	return items
}

// spinSpread returns the CPUs that spin least and most, and whether they
// differ.
func spinSpread(r *analyze.Run) (low, high analyze.CPU, differ bool) {
	e := r.Main()
	if e == nil {
		return low, high, false
	}
	found := false
	for _, c := range e.CPUs {
		if !finite(c.SpinShare) {
			continue
		}
		if !found || c.SpinShare.Value < low.SpinShare.Value {
			low = c
		}
		if !found || c.SpinShare.Value > high.SpinShare.Value {
			high = c
		}
		found = true
	}
	gap := high.SpinShare.Value - low.SpinShare.Value
	return low, high, found && gap > 2*(low.SpinShare.SE+high.SpinShare.SE)
}
