package view

import (
	"fmt"
	"slices"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// LineBytes is the cache line LayoutField.Line counts in.
const LineBytes = 64

// IsWritten reports whether a field is written by the packet path.
func IsWritten(f result.LayoutField) bool {
	return f.Access&(result.EveryPacket|result.Rewritten) != 0
}

// SharedLines are the lines on which a written field has company.
func SharedLines(l result.Layout) []uint32 {
	var out []uint32
	for _, f := range l.Fields {
		company := 0
		for _, o := range l.Fields {
			if o.Line == f.Line {
				company++
			}
		}
		if IsWritten(f) && company > 1 && !slices.Contains(out, f.Line) {
			out = append(out, f.Line)
		}
	}
	return out
}

func LayoutTable(l result.Layout, i int) Table {
	t := NewTable(fmt.Sprintf("layout-%d", i), "Hot fields of struct "+format.Name(l.Struct),
		"field", "offset#|bytes", "size#|bytes", "line#", "use", "shares its line")
	shared := SharedLines(l)
	for _, f := range l.Fields {
		with := Cell{Text: "–", Muted: true}
		if slices.Contains(shared, f.Line) {
			with = Cell{Text: "yes, with a written field", Warn: true}
		}
		t.Add(CodeCell(f.Name), intCell(int(f.Offset)), intCell(int(f.Size)), intCell(int(f.Line)),
			TextCell(f.Use), with)
	}
	return Bounded(t, 120)
}
