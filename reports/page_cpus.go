package reports

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"xfrmscope/analyze"
)

func cpuPageTable(runs []*analyze.Run) table {
	t := table{ID: "cpu-table", Caption: "Each CPU of each run, main event", Head: []column{
		{Text: "run"}, {Text: "CPU", Number: true}, {Text: "samples", Number: true}, {Text: "busy", Unit: "samples", Number: true}, {Text: "spin", Unit: "% of busy", Number: true},
		{Text: "lock word", Unit: "% of busy", Number: true}, {Text: "packets", Unit: "/s", Number: true}, {Text: "cost", Unit: costUnit(runs), Number: true}, {Text: "waits", Unit: "by probe", Number: true}, {Text: "longest", Unit: "µs", Number: true}, {Text: "heaviest function"},
	}}
	for _, r := range runs {
		e := r.Main()
		if e == nil {
			continue
		}
		for i := range e.CPUs {
			t.Rows = append(t.Rows, cpuRow(r, &e.CPUs[i]))
		}
	}
	return bounded(t, maxRows)
}

func cpuRow(r *analyze.Run, c *analyze.CPU) []cell {
	rate := cell{Text: "not told apart", Title: "the packet counters do not tell CPUs apart", Muted: true, Sort: "-1", Number: true}
	if i := slices.IndexFunc(r.Packets.PerCPU, func(v analyze.CPUValue) bool { return v.CPU == c.CPU }); i >= 0 {
		rate = valueCell(r.Packets.PerCPU[i].Value)
	}
	waits, longest := cell{Text: "–", Muted: true, Sort: "-1", Number: true}, cell{Text: "–", Muted: true, Sort: "-1", Number: true}
	if i := slices.IndexFunc(r.Locks.CPUs, func(l analyze.LockCPU) bool { return l.CPU == c.CPU }); i >= 0 {
		waits, longest = countCell(r.Locks.CPUs[i].Waits), microCell(r.Locks.CPUs[i].MaxNS)
	}
	heaviest := cell{Text: "–", Muted: true}
	if len(c.Functions) > 0 {
		heaviest = cell{Text: name(c.Functions[0].Name), Code: true, Small: valueText(c.Functions[0].Share)}
	}
	spin := valueCell(c.SpinShare).withBar(c.SpinShare)
	spin.Warn = spin.Bar != ""
	return []cell{textCell(runLabel(r)), numberCell(c.CPU, c.CPU >= 0), countCell(c.Total.Samples), countCell(c.Busy.Samples), spin,
		valueCell(c.LockWordShare), rate, valueCell(c.PerPacket), waits, longest, heaviest}
}

// evenness is Jain's index of the runs of more than one CPU.
func evenness(runs []*analyze.Run) [][2]string {
	var out [][2]string
	for _, r := range runs {
		if r.N > 1 && finite(r.Packets.Jain) {
			out = append(out, [2]string{"evenness of packets/s, " + runLabel(r), valueText(r.Packets.Jain) + fmt.Sprintf(" (Jain: 100 %% if all CPUs send alike, %s %% if one sends all)", significant(100/float64(r.N), 2))})
		}
	}
	return out
}

func cpusSection(runs []*analyze.Run, repeats string, heats []part) section {
	s := section{ID: "cpus", Nav: "CPUs", Title: "CPU by CPU"}
	var panels []panel
	for _, r := range runs {
		if picture := cpuPanel(r, r.Main()); picture != nil {
			panels = append(panels, panel{groupLabel(r), template.HTML(picture)})
		}
	}
	if len(panels) == 0 {
		s.Parts = missing("not measured: the runs have no samples")
		return s
	}
	s.Parts = []part{
		{Text: strings.TrimSpace("Height: share of a CPU's samples that are not idle, per cent. " + repeats), Legend: spinLegend(), Panels: panels},
		{Facts: evenness(runs)},
		folded("table of every CPU", part{Table: cpuPageTable(runs)}, part{Table: timeTable(runs)}),
	}
	s.Parts = append(s.Parts, heats...)
	return s
}
