package view

import (
	"fmt"
	"slices"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// A timeKind is one of the uses of CPU time that a page tells apart.
type timeKind struct {
	Name string
	Of   func(result.TimeShares) float64
}

func TimeKinds() []timeKind {
	return []timeKind{
		{"user", func(t result.TimeShares) float64 { return t.User }},
		{"system", func(t result.TimeShares) float64 { return t.System }},
		{"softirq", func(t result.TimeShares) float64 { return t.Softirq }},
		{"idle", func(t result.TimeShares) float64 { return t.Idle }},
		{"irq", func(t result.TimeShares) float64 { return t.IRQ }},
		{"steal", func(t result.TimeShares) float64 { return t.Steal }},
	}
}

// softirqKinds are those that carry packets.
func softirqKinds() []string { return []string{"NET_RX", "NET_TX"} }

// TimeTable is what the kernel accounted to each CPU.
func TimeTable(runs []*result.Run) Table {
	t := NewTable("time-table", "What the kernel accounted to each CPU, /proc/stat", "run", "CPU#")
	t.Note = "In ticks of 10 ms. User: nice included; idle: iowait included; steal: what a hypervisor gave to " +
		"others."
	for _, kind := range TimeKinds() {
		t.Head = append(t.Head, Column{Text: kind.Name, Unit: "% of time", Number: true})
	}
	for _, kind := range softirqKinds() {
		t.Head = append(t.Head, Column{Text: kind, Unit: "/s", Number: true,
			Title: "how often this softirq ran, /proc/softirqs"})
	}
	for _, r := range runs {
		if r.CPUTimes == nil {
			continue
		}
		for _, c := range r.CPUTimes.CPUs {
			row := []Cell{RunCell(r), intCell(c.CPU)}
			for _, kind := range TimeKinds() {
				row = append(row, percentOf(kind.Of(c.TimeShares)))
			}
			for _, kind := range softirqKinds() {
				row = append(row, numberOf(float64(c.Softirqs[kind])/c.Seconds))
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return Bounded(t, MaxRows)
}

func CPUsTable(runs []*result.Run) Table {
	of, work := WeighedBy(runs...), "busy#|samples"
	if of != "busy" {
		work = "share#|% of samples|of all CPUs' samples of the event"
	}
	t := NewTable("cpu-table", "Each CPU of each run, main event",
		"run", "CPU#", "samples#", work, "spin#|% of "+of, "fast path#|% of "+of, "packets#|/s",
		"cost#|"+CostUnit(runs), "waits#|by probe", "longest#|µs", "heaviest function")
	for _, r := range runs {
		for _, c := range CPUs(r) {
			row := cpuRow(r, &c)
			if of != "busy" {
				row[3] = percentOf(CPUShare(r, &c))
			}
			t.Rows = append(t.Rows, row)
		}
	}
	if Counted(runs) {
		t = t.without("samples", "busy")
	}
	return Bounded(t, MaxRows)
}

func cpuRow(r *result.Run, c *result.CPU) []Cell {
	rate := Cell{Text: "not told apart", Title: "the packet counters do not tell CPUs apart", Muted: true,
		Sort: "-1", Number: true}
	if i := slices.IndexFunc(r.Packets.PerCPU, func(v result.CPUValue) bool { return v.CPU == c.CPU }); i >= 0 {
		rate = ValueCell(r.Packets.PerCPU[i].Value)
	}
	waits, longest := NoCell("-1"), NoCell("-1")
	if i := slices.IndexFunc(r.Locks.CPUs, func(l result.LockCPU) bool { return l.CPU == c.CPU }); i >= 0 {
		waits, longest = CountCell(r.Locks.CPUs[i].Waits), microCell(r.Locks.CPUs[i].MaxNS)
	}
	heaviest := Cell{Text: "–", Muted: true}
	if len(c.Functions) > 0 {
		heaviest = Cell{Text: format.Name(c.Functions[0].Name), Code: true,
			Small: format.ValueText(c.Functions[0].Share)}
	}
	spin := ValueCell(c.SpinShare).WithBar(c.SpinShare)
	spin.Warn = spin.Bar != ""
	return []Cell{RunCell(r), numberCell(c.CPU, c.CPU >= 0), CountCell(c.Total.Samples),
		CountCell(c.Busy.Samples), spin,
		ValueCell(c.LockWordShare), rate, ValueCell(c.PerPacket), waits, longest, heaviest}
}

// Evenness is Jain's index of the runs of more than one CPU.
func Evenness(runs []*result.Run) [][2]string {
	var out [][2]string
	for _, r := range runs {
		if r.N > 1 && format.Finite(r.Packets.Jain) {
			out = append(out, [2]string{"evenness of packets/s, " + RunLabel(r),
				format.ValueText(r.Packets.Jain) +
					fmt.Sprintf(" (Jain: 100 %% if all CPUs send alike, %s %% if one sends all)",
						format.Significant(100/float64(r.N), 2))})
		}
	}
	return out
}
