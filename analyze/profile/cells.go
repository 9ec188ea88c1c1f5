package profile

import (
	"cmp"
	"slices"
)

// WithoutTasks adds up the cells that differ in PID and TID only, which become
// -1. The order stays that of Profile.Cells.
func WithoutTasks(cells []Cell) []Cell {
	var out []Cell
	for rest := cells; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].CPU == rest[0].CPU && rest[n].Comm == rest[0].Comm {
			n++
		}
		out = appendByStack(out, rest[:n])
		rest = rest[n:]
	}
	return out
}

// appendByStack appends the cells of one CPU and comm, one a stack.
func appendByStack(out, cells []Cell) []Cell {
	start := len(out)
	out = append(out, cells...)
	tail := out[start:]
	slices.SortStableFunc(tail, func(a, b Cell) int { return cmp.Compare(a.Stack, b.Stack) })
	kept := start
	for i := range tail {
		c := tail[i]
		c.PID, c.TID = -1, -1
		if kept > start && out[kept-1].Stack == c.Stack {
			last := &out[kept-1]
			last.Count += c.Count
			last.Period += c.Period
			last.PeriodSq += c.PeriodSq
			continue
		}
		out[kept] = c
		kept++
	}
	return out[:kept]
}
