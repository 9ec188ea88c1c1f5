package lines

import "xfrmscope/collect/bundle"

// Instructions is which field each instruction of a kernel touches, as a simulated run
// of the same build found out.
type Instructions struct {
	fields map[instruction]string
}

// An instruction is told by its function, wherever the kernel lies in memory.
type instruction struct {
	function string
	offset   uint64
}

// NewInstructions keeps the field that each instruction touched most when its line came
// from another cache, else when it missed, else at all; of several runs the sums count.
func NewInstructions(rows []bundle.FieldRow) *Instructions {
	in := &Instructions{map[instruction]string{}}
	type touched struct {
		instruction
		field string
	}
	sums := map[touched][3]uint64{}
	for _, row := range rows {
		at := touched{instruction{row.Function, row.Offset}, row.Field}
		sum := sums[at]
		sums[at] = [3]uint64{sum[0] + row.Transfers, sum[1] + row.Misses, sum[2] + row.Seen}
	}
	best := map[instruction][3]uint64{}
	for at, weight := range sums {
		have, known := best[at.instruction]
		if !known || less(have, weight) || have == weight && at.field < in.fields[at.instruction] {
			best[at.instruction], in.fields[at.instruction] = weight, at.field
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

// of names what an instruction touches.
func (in *Instructions) of(at instruction) (string, bool) {
	if in == nil {
		return "", false
	}
	field, ok := in.fields[at]
	return field, ok
}
