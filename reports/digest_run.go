package reports

import (
	"fmt"
	"strings"

	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
)

// oneRunBlocks is the digest of a single run.
func oneRunBlocks(r *analyze.Result, run *analyze.Run) []block {
	a := all(run)
	head := append([]string{fmt.Sprintf("xfrmscope report: %s, %s", ascii(orDash(run.Name), 40), cpusText(run))}, whereLines([]*analyze.Run{run})...)
	functions := besides(functionLines(a), stageLines(a))
	blocks := []block{
		{items: lineItems(head[:min(5, len(head))])},
		foundBlock(r),
		{items: lineItems(runFigures(run, a)), gap: true},
		{items: cpuTable(run), keep: 4, least: 1, gap: true, rank: 3, noun: "CPU"},
		{items: missLines(run), rank: 4, noun: "miss ratio"},
		{items: headed(functions[:1], functions[1:]), keep: 4, least: 1, gap: true, rank: 4, noun: "function"},
	}
	return append(blocks, endBlocks(r, 1)...)
}

// cpusText says which CPUs a run measured.
func cpusText(r *analyze.Run) string {
	switch {
	case r.N == 0:
		return "CPUs not recorded"
	case r.N == 1:
		return "1 CPU: " + orUnknown(r.Manifest.Plan.CPUs.String())
	}
	return fmt.Sprintf("%d CPUs: %s", r.N, orUnknown(r.Manifest.Plan.CPUs.String()))
}

// runFigures are the figures of all CPUs together, two to a line.
func runFigures(run *analyze.Run, a analyze.CPU) []string {
	pair := func(l string, lv metric.Value, r string, rv metric.Value) string {
		return fmt.Sprintf("  %-10s %-26s %-10s %s", l, cut(figureOf(lv).String(), 26), r, cut(figureOf(rv).String(), 21))
	}
	mark := effectMark(run)
	lines := []string{
		pair("traffic", run.Packets.Rate, "spin", a.SpinShare),
		pair("cost", a.PerPacket, "lock word", a.LockWordShare),
		pair("lock wait"+mark, run.Locks.PerPkt, "waits"+mark, run.Locks.Waits),
		fmt.Sprintf("  %-10s %-26s %-10s %s", "busy n", cut(count(a.Busy.Samples)+" of "+count(a.Total.Samples), 26), mark+"by probe", cut(effectText(run.Locks.Effect), 21)),
	}
	if hasDoubt(run) {
		lines = append(lines, "  !: a sum is broken that the number hangs on")
	}
	return lines
}

// cpuTable prints the CPUs, at most four: the first, the last, evenly between.
func cpuTable(run *analyze.Run) [][]string {
	e := run.Main()
	if e == nil || len(e.CPUs) == 0 {
		return lineItems([]string{"  per CPU: no samples"})
	}
	head := fmt.Sprintf("  %5s %9s %9s %16s %16s", "CPU", "samples", "busy", "spin %", "word %")
	if left := len(e.CPUs) - 4; left > 0 {
		head += fmt.Sprintf("  4 of %d", len(e.CPUs))
	}
	var rows []string
	for _, i := range pick(len(e.CPUs), 4) {
		c := e.CPUs[i]
		rows = append(rows, fmt.Sprintf("  %5s %9s %9s %16s %16s", cpuNumber(c.CPU), count(c.Total.Samples), count(c.Busy.Samples), percentCell(c.SpinShare), percentCell(c.LockWordShare)))
	}
	return headed([]string{head}, rows)
}

// cpuNumber prints a CPU, "?" if the recording does not say.
func cpuNumber(cpu int) string {
	if cpu < 0 {
		return "?"
	}
	return fmt.Sprint(cpu)
}

func functionLines(a analyze.CPU) []string {
	lines := []string{"top functions, self % of busy"}
	for _, f := range a.Functions[:min(5, len(a.Functions))] {
		lines = append(lines, shareLine(f))
	}
	return lines
}

func stageLines(a analyze.CPU) []string {
	lines := []string{"stages, % of busy"}
	for _, s := range topShares(a.Stages, 5) {
		lines = append(lines, shareLine(s))
	}
	return lines
}

func shareLine(s analyze.Share) string {
	return fmt.Sprintf("%5s %s", wordCell(s.Share), ascii(s.Name, 32))
}

// besides puts two lists side by side.
func besides(left, right []string) []string {
	var lines []string
	for i := range max(len(left), len(right)) {
		l, r := "", ""
		if i < len(left) {
			l = left[i]
		}
		if i < len(right) {
			r = right[i]
		}
		lines = append(lines, strings.TrimRight(fmt.Sprintf("  %-40s %s", l, cut(r, 29)), " "))
	}
	return lines
}
