package view

import (
	"cmp"
	"fmt"
	"slices"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// LockGrid has a row for each lock and the runs beside each other: what a packet
// waits for it. The lock that is waited for most in any of the last runs, which
// have the largest N, comes first.
func LockGrid(id, caption string, runs []*result.Run, limit int) Table {
	t := NewTable(id, caption, "lock")
	type row struct {
		cell  Cell
		locks []*result.Lock // one a run; nil: not waited for there
		most  float64        // ns per packet at the largest N, else in any run
	}
	var rows []*row
	byKey := map[string]*row{}
	largest := 0
	for _, r := range runs {
		largest = max(largest, r.N)
	}
	for i, r := range runs {
		t.Head = append(t.Head, Column{Text: RunLabel(r), Unit: "ns/packet", Number: true})
		same := map[string]int{}
		for j := range r.Locks.Rows {
			l := &r.Locks.Rows[j]
			key := cmp.Or(l.Name, l.Lock)
			same[key]++
			key = fmt.Sprintf("%s\x00%d", key, same[key])
			if byKey[key] == nil {
				byKey[key] = &row{cell: Cell{Text: LockName(*l), Title: format.Name(l.Lock)},
					locks: make([]*result.Lock, len(runs))}
				rows = append(rows, byKey[key])
			}
			x := byKey[key]
			x.locks[i] = l
			if v := l.PerPkt; format.Finite(v) && r.N == largest {
				x.most = max(x.most, v.Value)
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b *row) int { return cmp.Compare(b.most, a.most) })
	for _, x := range rows[:min(limit, len(rows))] {
		cells := []Cell{x.cell}
		for i, l := range x.locks {
			if l == nil {
				cells = append(cells,
					Cell{Text: "–", Title: "no wait was seen", Muted: true, Number: true,
						Sort: "0"})
				continue
			}
			cells = append(cells, lockValue(l.PerPkt).perturbed(runs[i]))
		}
		t.Add(cells...)
	}
	if left := len(rows) - limit; left > 0 {
		t.Note = fmt.Sprintf("%d more locks are in results.json.", left)
	}
	return t
}
