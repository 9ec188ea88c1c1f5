package reports

import (
	"fmt"
	"strconv"
	"strings"
	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
)

func saTable(runs []*analyze.Run) table {
	t := table{ID: "sa-table", Caption: "Packets by SA in the window", Head: []column{
		{Text: "run"}, {Text: "SPI"}, {Text: "from, to"}, {Text: "mode"}, {Text: "direction"}, {Text: "CPU of the SA"}, {Text: "packets", Number: true}, {Text: "bytes", Number: true}, {Text: "remarks"},
	}, Note: "An outbound SA without a CPU number is the fallback: any CPU may use it, and all of them take its lock."}
	for _, r := range runs {
		for _, s := range r.SAs {
			t.Rows = append(t.Rows, saRow(r, s))
		}
	}
	return bounded(t, maxRows)
}

func saRow(r *analyze.Run, s analyze.SA) []cell {
	cpu := cell{Text: "any", Sort: "-1", Muted: true}
	switch {
	case s.PCPU != nil:
		cpu = cell{Text: strconv.FormatUint(uint64(*s.PCPU), 10), Sort: strconv.FormatUint(uint64(*s.PCPU), 10)}
	case s.Fallback:
		cpu = cell{Text: "any: fallback", Sort: "-1", Warn: s.DeltaPackets > 0}
	}
	direction := "in"
	if s.Outbound {
		direction = "out"
	}
	var remarks []string
	if s.Reset {
		remarks = append(remarks, "made or rekeyed in the window: counted from zero")
	}
	if d := s.Drops; d.ReplayWindow+d.Replay+d.Integrity > 0 {
		remarks = append(remarks, fmt.Sprintf("drops: replay window %d, replay %d, integrity %d", d.ReplayWindow, d.Replay, d.Integrity))
	}
	packets := countCell(s.DeltaPackets)
	if total := r.Packets.Total; finite(total) && total.Value > 0 && s.Outbound {
		packets = packets.withBar(metric.Value{Value: float64(s.DeltaPackets) / total.Value})
	}
	return []cell{textCell(runLabel(r)), {Text: fmt.Sprintf("0x%08x", s.SPI), Code: true, Sort: strconv.FormatUint(uint64(s.SPI), 10)},
		{Text: name(s.Src) + " → " + name(s.Dst), Small: name(s.NetNS)}, textCell(strings.TrimSpace(s.Proto + " " + s.Mode)), textCell(direction), cpu, packets, countCell(s.DeltaBytes), textCell(strings.Join(remarks, "; "))}
}

func sasSection(runs []*analyze.Run) section {
	t := saTable(runs)
	if len(t.Rows) == 0 {
		return section{}
	}
	return section{ID: "sas", Nav: "SAs", Title: "Which SA carried the packets?", Parts: []part{{Table: t}}}
}
