package lines

import (
	"xfrmscope/analyze/symbols"
	"xfrmscope/collect/bundle"
)

// Instructions is which field each instruction of a kernel touches, as a simulated run
// of the same build found out.
type Instructions struct {
	BuildID string
	fields  map[instruction]string
}

// An instruction is told by its function, wherever the kernel lies in memory.
type instruction struct {
	function string
	offset   uint64
}

// NewInstructions keeps the field that each instruction touched most when its line came
// from another cache, else when it missed, else at all.
func NewInstructions(buildID string, rows []bundle.FieldRow) *Instructions {
	in := &Instructions{buildID, map[instruction]string{}}
	best := map[instruction][3]uint64{}
	for _, row := range rows {
		at, weight := instruction{row.Function, row.Offset}, [3]uint64{row.Transfers, row.Misses, row.Seen}
		have, known := best[at]
		if !known || less(have, weight) || have == weight && row.Field < in.fields[at] {
			best[at], in.fields[at] = weight, row.Field
		}
	}
	return in
}

func less(a, b [3]uint64) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// of names what the instruction at an address touches.
func (in *Instructions) of(text *symbols.Table, ip uint64) (string, bool) {
	if in == nil {
		return "", false
	}
	s, ok := text.Lookup(ip)
	if !ok {
		return "", false
	}
	field, ok := in.fields[instruction{s.Name, ip - s.Start}]
	return field, ok
}
