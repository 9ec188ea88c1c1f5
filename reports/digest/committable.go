package digest

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// commitSides is the number of modes that 72 columns hold beside each other.
const commitSides = 2

// CommitTable writes the bare table for a commit message: ASCII, at most 30
// lines of 72 columns. A sweep has a line for each N and its modes side by
// side, a single run a line for each CPU, runs without modes a line each. The
// last lines say what was measured on, the largest errors and how many warnings
// the report has.
func CommitTable(w io.Writer, r *result.Result) error {
	runs := view.Present(r)
	var blocks []block
	switch groups := view.MedianRuns(r); {
	case r.Comparison != nil:
		blocks = commitCompare(r.Comparison)
	case len(runs) == 0:
		blocks = []block{{items: lineItems([]string{"no runs"})}}
	case len(runs) == 1:
		blocks = []block{{items: commitCPUs(runs[0]), keep: 1, least: 1, rank: 1, noun: "CPU"}}
	case onlyTraffic(r):
		blocks = []block{{items: trafficTable(r), keep: 1, least: 1, rank: 1, noun: "row"}}
	case slices.ContainsFunc(groups, func(g view.Group) bool { return g.Chosen.Mode == "" }):
		blocks = []block{{items: commitRuns(groups, runs), keep: 1, least: 1, rank: 1, noun: "run"}}
	default:
		blocks = commitSweep(groups, runs)
	}
	if len(runs) > 0 && r.Comparison == nil {
		blocks = append(blocks, block{items: lineItems(commitFoot(r, runs))})
	} else if len(runs) > 0 {
		blocks = append(blocks, block{items: lineItems(whereLines(runs))})
	}
	_, err := io.WriteString(w, strings.Join(fitBlocks(blocks, digestLines), "\n")+"\n")
	return err
}

// commitSweep has a block for each commitSides modes.
func commitSweep(groups []view.Group, runs []*result.Run) []block {
	var blocks []block
	modes, ns := modesAndNs(groups)
	for part := range slices.Chunk(modes, commitSides) {
		title, head, rule := "    ", "CPUs", "----"
		for _, mode := range part {
			title += fmt.Sprintf("   %-28s", format.ASCII(mode, 28))
			head += "   " + commitHead(runs)
			rule += "   " + commitRule
		}
		var rows []string
		for _, n := range ns {
			row := fmt.Sprintf("%4d", n)
			for _, mode := range part {
				row += "   " + commitCells(groups, mode, n)
			}
			rows = append(rows, row)
		}
		blocks = append(blocks, block{items: headed([]string{title, head, rule}, rows), gap: len(blocks) > 0,
			keep: 1, least: 1, rank: 1, noun: "row"})
	}
	return blocks
}

// commitCompare has a line for each mode and N, as the table of kernel commit
// 10a118619439 ("xfrm: Refactor xfrm_input lock to reduce contention with RSS"),
// with what that leaves out: the spread and the runs.
func commitCompare(c *result.Comparison) []block {
	var blocks []block
	for i, f := range c.Rates {
		if i > 0 && len(f.Family.Comparisons) > 0 && f.Family.Comparisons[0].Metric == metric.LossID {
			continue // it belongs to the rates above, and is in the report
		}
		var rows []string
		unit := ""
		for i, one := range f.Family.Comparisons {
			unit = one.Unit
			rows = append(rows, compareRow(view.KeyOf(f, i), labelWide, one, format.RateScale(unit))[2:])
		}
		head := []string{compareHead(format.RateUnit(unit), "q")[0][2:]}
		head = append(head, strings.Repeat("-", labelWide)+strings.Repeat(" "+strings.Repeat("-", 15), 2)+" "+
			strings.Repeat("-", 8)+" "+strings.Repeat("-", 6))
		blocks = append(blocks, block{items: headed(head, rows), gap: len(blocks) > 0, keep: 1, least: 1,
			rank: 1, noun: "row"})
	}
	if len(blocks) == 0 {
		blocks = []block{{items: lineItems([]string{"no rate was measured on both sides"})}}
	}
	if few := view.FewBoots(c); few != "" {
		blocks = append(blocks, block{items: [][]string{wrapped("no star: %s", few)}})
	}
	return append(blocks, block{items: lineItems([]string{
		fmt.Sprintf("  median +- half of its 95 %% interval, %d + %d runs; ~ no change shown;",
			len(c.Before.Runs), len(c.After.Runs)),
		"  * holds: Mann-Whitney U, corrected in its table; g gate failed",
	})})
}

// modesAndNs returns the modes in the order of the curves and every N,
// ascending.
func modesAndNs(groups []view.Group) (modes []string, ns []int) {
	for _, g := range groups {
		if !slices.Contains(modes, g.Chosen.Mode) {
			modes = append(modes, g.Chosen.Mode)
		}
		ns = append(ns, g.Chosen.N)
	}
	slices.Sort(ns)
	return modes, slices.Compact(ns)
}

// commitCells are the figures of one mode and N, dashes if there is no such
// run.
func commitCells(groups []view.Group, mode string, n int) string {
	out := commitRow("-", "-", "-")
	for _, g := range groups {
		if g.Chosen.Mode == mode && g.Chosen.N == n {
			out = commitFigures(g.Chosen.Packets.Rate, view.AllCPUs(g.Chosen))
		}
	}
	return out
}

// commitRule is under the head of the columns that every commit table has.
const commitRule = "-------  -----------  ------"

func commitHead(runs []*result.Run) string {
	return commitRow("kpkt/s", format.ASCII(view.CostUnit(runs), 11), "spin %")
}

func commitFigures(rate metric.Value, c result.CPU) string {
	return commitRow(format.Kilo(rate), format.Column(c.PerPacket, 4), format.PlainShare(c.SpinShare))
}

func commitRow(rate, cost, spin string) string {
	return fmt.Sprintf("%7s  %11s  %6s", rate, cost, spin)
}

// commitCPUs has a line for each CPU of a run.
func commitCPUs(r *result.Run) [][]string {
	head := []string{
		format.ASCII(view.RunLabel(r), 60),
		fmt.Sprintf(" CPU   %s  %6s  %9s", commitHead([]*result.Run{r}), "word %", "busy n"),
		"----   " + commitRule + "  ------  ---------",
	}
	row := func(label string, rate metric.Value, c result.CPU) string {
		return fmt.Sprintf("%4s   %s  %6s  %9s", label, commitFigures(rate, c),
			format.PlainShare(c.LockWordShare), format.Count(c.Busy.Samples))
	}
	rows := []string{row("all", r.Packets.Rate, view.AllCPUs(r))}
	if e := r.Main(); e != nil {
		for _, c := range e.CPUs {
			rows = append(rows, row(format.CPUNumber(c.CPU), view.RateOfCPU(r, c.CPU), c))
		}
	}
	return headed(head, rows)
}

// commitRuns has a line for each run.
func commitRuns(groups []view.Group, runs []*result.Run) [][]string {
	head := []string{
		fmt.Sprintf("%-28s  CPUs  %s", "run", commitHead(runs)),
		strings.Repeat("-", 28) + "  ----  " + commitRule,
	}
	var rows []string
	for _, g := range groups {
		rows = append(rows, fmt.Sprintf("%-28s  %4d  %s", format.ASCII(format.OrDash(g.Chosen.Name), 28),
			g.Chosen.N, commitFigures(g.Chosen.Packets.Rate, view.AllCPUs(g.Chosen))))
	}
	return headed(head, rows)
}

// commitFoot says what the table was measured on and how sure it is.
func commitFoot(r *result.Result, runs []*result.Run) []string {
	lines := append(whereLines(runs), wrapped("%s", errorsText(runs))...)
	if repeats := view.Repeats(view.MedianRuns(r)); repeats > 1 {
		lines = append(lines, fmt.Sprintf("  each figure: the run of median packets/s of up to %d repeats",
			repeats))
	}
	if slices.ContainsFunc(runs, view.HasDoubt) {
		lines = append(lines, "  !: a sum is broken that the number hangs on")
	}
	if n := len(view.Warnings(r).Kinds()) + len(view.Losses(r).Kinds()); n > 0 {
		lines = append(lines, fmt.Sprintf(
			"  warnings and losses that weaken these numbers: %d, see digest.txt", n))
	}
	return lines
}

// errorsText gives the largest +- of what a table of runs, or of the CPUs
// of one, shows.
func errorsText(runs []*result.Run) string {
	var shown []result.CPU
	for _, r := range runs {
		shown = append(shown, view.AllCPUs(r))
		if e := r.Main(); e != nil && len(runs) == 1 {
			shown = append(shown, e.CPUs...)
		}
	}
	var cost, spin float64
	for _, c := range shown {
		if v := c.PerPacket; format.Finite(v) && v.Value > 0 {
			cost = max(cost, format.OrZero(v.Half())/v.Value)
		}
		spin = max(spin, format.OrZero(c.SpinShare.Half()))
	}
	var parts []string
	if cost > 0 {
		parts = append(parts, fmt.Sprintf("%s <= %s %%", view.CostUnit(runs), format.Significant(100*cost,
			2)))
	}
	if spin > 0 {
		parts = append(parts, fmt.Sprintf("spin <= %s points", format.Significant(100*spin, 2)))
	}
	if len(parts) == 0 {
		return "errors are not known"
	}
	return "+- within a run (95 %): " + strings.Join(parts, ", ")
}
