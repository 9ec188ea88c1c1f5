package digest

import (
	"fmt"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// oneRunBlocks is the digest of a single run.
func oneRunBlocks(r *result.Result, run *result.Run) []block {
	a := view.AllCPUs(run)
	head := append([]string{fmt.Sprintf("xfrmscope report: %s, %s", format.ASCII(format.OrDash(run.Name), 40),
		view.CPUsText(run))}, whereLines([]*result.Run{run})...)
	functions := besides(functionLines(a, view.Weighed(run.Main())), stageLines(a, view.Weighed(run.Main())))
	for _, e := range others(run) {
		part := besides(functionLines(e.All, view.Weighed(e)), stageLines(e.All, view.Weighed(e)))
		functions = append(append(functions, "  of "+format.ASCII(e.Name, 40)+":"), part[1:]...)
	}
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

// runFigures are the figures of all CPUs together, two to a line.
func runFigures(run *result.Run, a result.CPU) []string {
	pair := func(l string, lv metric.Value, r string, rv metric.Value) string {
		return fmt.Sprintf("  %-10s %-26s %-10s %s", l, format.Cut(format.Of(lv).String(), 26), r,
			format.Cut(format.Of(rv).String(), 21))
	}
	mark := view.EffectMark(run)
	busy := "busy n"
	if view.Weighed(run.Main()) != "busy" {
		busy = "samples"
	}
	lines := []string{
		pair("traffic", trafficOf(run), "spin", a.SpinShare),
		pair("cost", a.PerPacket, "lock word", a.LockWordShare),
		pair("lock wait"+mark, run.Locks.PerPkt, "waits"+mark, run.Locks.Waits),
		fmt.Sprintf("  %-10s %-26s %-10s %s", busy, format.Cut(samplesOf(a.Busy)+" of "+samplesOf(a.Total),
			26), mark+"by probe", format.Cut(format.EffectText(run.Locks.Effect), 21)),
	}
	for _, e := range others(run) {
		lines = append(lines, "  of "+format.ASCII(e.Name, 40)+":",
			pair("cost", e.All.PerPacket, "spin", e.All.SpinShare))
	}
	if t := run.Traffic; t != nil && format.Finite(t.Loss) && t.Loss.Value != 0 {
		lines = append(lines, "  loss       "+format.Of(t.Loss).String()+" of the packets sent")
	}
	if basis := a.PerPacket.Basis; basis != "" {
		lines = append(lines, "  cost is "+format.ASCII(basis, 60))
	}
	if view.HasDoubt(run) {
		lines = append(lines, "  !: a sum is broken that the number hangs on")
	}
	return lines
}

// cpuTable prints the CPUs, at most four: the first, the last, evenly between.
func cpuTable(run *result.Run) [][]string {
	cpus := view.CPUs(run)
	if len(cpus) == 0 {
		return lineItems([]string{"  per CPU: no samples"})
	}
	busy := "busy"
	if view.Weighed(run.Main()) != busy {
		busy = "" // of misses or faults none is
	}
	head := fmt.Sprintf("  %5s %9s %9s %16s %16s", "CPU", "samples", busy, "spin %", "word %")
	if left := len(cpus) - 4; left > 0 {
		head += fmt.Sprintf("  4 of %d", len(cpus))
	}
	var rows []string
	for _, i := range view.Pick(len(cpus), 4) {
		c := cpus[i]
		work := samplesOf(c.Busy)
		if busy == "" {
			work = ""
		}
		rows = append(rows, fmt.Sprintf("  %5s %9s %9s %16s %16s", format.CPUNumber(c.CPU), samplesOf(c.Total),
			work, format.ShareColumn(c.SpinShare), format.ShareColumn(c.LockWordShare)))
	}
	return headed([]string{head}, rows)
}

// others are the main event's counterparts on the other PMUs of a hybrid CPU.
func others(run *result.Run) []*result.Event {
	if mains := run.Mains(); len(mains) > 1 {
		return mains[1:]
	}
	return nil
}

func functionLines(a result.CPU, of string) []string {
	lines := []string{"top functions, self % of " + of}
	for _, f := range a.Functions[:min(5, len(a.Functions))] {
		lines = append(lines, shareLine(f))
	}
	return lines
}

func stageLines(a result.CPU, of string) []string {
	lines := []string{"stages, % of " + of}
	for _, s := range view.TopShares(a.Stages, 5) {
		lines = append(lines, shareLine(s))
	}
	return lines
}

func shareLine(s result.Share) string {
	return fmt.Sprintf("%5s %s", format.Column(s.Share, 2), format.ASCII(s.Name, 32))
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
		lines = append(lines, strings.TrimRight(fmt.Sprintf("  %-40s %s", l, format.Cut(r, 29)), " "))
	}
	return lines
}

// missLines are the digest's: the miss ratios of a run, a line for each event.
func missLines(r *result.Run) [][]string {
	var items [][]string
	for _, m := range r.Misses {
		if m.CPU >= 0 {
			continue
		}
		var parts []string
		for _, v := range []struct {
			value metric.Value
			per   string
		}{{m.PerKiloCycle, "1000 cycles"}, {m.PerKiloInstructions, "1000 instructions"},
			{m.PerPacket, "packet"}} {
			if format.Finite(v.value) {
				parts = append(parts, fmt.Sprintf("%s per %s", format.ErrorText(v.value), v.per))
			}
		}
		if len(parts) > 0 {
			items = append(items, wrapped("%s, %s: %s", format.ASCII(m.Event, 32), view.RunLabel(r),
				strings.Join(parts, ", ")))
		}
	}
	return items
}

// samplesOf prints how many samples a weight is of.
func samplesOf(e metric.Estimate) string {
	if e.Samples == 0 && e.Period > 0 {
		return "unknown"
	}
	return format.Count(e.Samples)
}

// trafficOf is the packet rate, or the bit rate where only that is told, as of
// TCP.
func trafficOf(run *result.Run) metric.Value {
	if t := run.Traffic; !run.Packets.Rate.Measured() && t != nil && t.Throughput.Measured() {
		return t.Throughput
	}
	return run.Packets.Rate
}
