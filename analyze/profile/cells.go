package profile

import (
	"cmp"
	"slices"
)

// WithoutTasks adds up the cells that differ in PID and TID only, which become
// -1. The order stays that of Profile.Cells.
func WithoutTasks(cells []Cell) []Cell {
	stacks := 0
	for i := range cells {
		stacks = max(stacks, int(cells[i].Stack)+1)
	}
	at := make([]int, stacks) // where in out the cell of a stack is, and one
	var out []Cell
	for rest := cells; len(rest) > 0; {
		start, first := len(out), &rest[0]
		n := 0
		for ; n < len(rest) && rest[n].CPU == first.CPU && rest[n].Comm == first.Comm; n++ {
			c := &rest[n]
			if at[c.Stack] <= start { // of another CPU or task's name
				out = append(out, Cell{CPU: c.CPU, Comm: c.Comm, PID: -1, TID: -1, Stack: c.Stack})
				at[c.Stack] = len(out)
			}
			sum := &out[at[c.Stack]-1]
			sum.Count += c.Count
			sum.Period += c.Period
			sum.PeriodSq += c.PeriodSq
		}
		slices.SortFunc(out[start:], func(a, b Cell) int { return cmp.Compare(a.Stack, b.Stack) })
		rest = rest[n:]
	}
	return out
}
