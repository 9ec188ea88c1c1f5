package digest

import (
	"fmt"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// showMoved names the fields whose cache lines move most, a line for each mode at its
// largest N.
func showMoved(b *strings.Builder, r *result.Result) {
	for i, line := range view.LinesMost(r, 4) {
		if i == 0 {
			fmt.Fprintf(b, "\ncache lines that move most between CPUs:\n")
		}
		for _, part := range format.Wrap(format.ASCII(line, 400), "  ", "    ", 100) {
			fmt.Fprintln(b, part)
		}
	}
}

func showLines(b *strings.Builder, r *result.Run, top int) {
	if r.Lines == nil {
		return
	}
	var rows []string
	list := r.Lines.Fields
	for _, f := range list[:min(top, len(list))] {
		apart := ""
		if f.FalseSharing() && len(f.With) > 0 {
			apart = "with " + view.PartsText(f.With, 1)
		}
		rows = append(rows,
			fmt.Sprintf("%12s %14s  %-32s %s", format.Column(f.PerPacket, 3), format.ShareColumn(f.Share),
				format.Cut(format.ASCII(f.Name, 64), 32), apart))
	}
	title := view.GroupLabel(r) + ": cache lines moved, " + r.Lines.Source
	showTable(b, title, fmt.Sprintf("%12s %14s  %-32s %s", "per packet", "% of lines", "field", "shared falsely"),
		rows, len(list)-len(rows))
}
