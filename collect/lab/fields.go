package lab

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"xfrmscope/collect/bundle"
)

// fields are what the senders' instructions touched, in the order of the functions'
// addresses.
func (c *Counts) fields(functions *functions, n *namer) []bundle.FieldRow {
	type key struct {
		pc    uint64
		field string
	}
	sums := map[key]touch{}
	for _, w := range c.windows {
		for _, t := range w.touches {
			field, _ := n.name(t.addr)
			at := key{t.pc, field}
			sum := sums[at]
			sums[at] = touch{store: sum.store || t.store, seen: sum.seen + t.seen,
				misses: sum.misses + t.misses, transfers: sum.transfers + t.transfers}
		}
	}
	order := slices.SortedFunc(maps.Keys(sums), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.pc, b.pc), cmp.Compare(sums[b].seen, sums[a].seen),
			cmp.Compare(a.field, b.field))
	})
	rows := make([]bundle.FieldRow, 0, len(order))
	for _, at := range order {
		f, t := functions.of(at.pc), sums[at]
		if t.misses == 0 && !strings.Contains(at.field, ".") {
			continue // of the stack, say: a sample of a miss will not be there
		}
		rows = append(rows, bundle.FieldRow{Function: f.name, Offset: at.pc - f.addr, Module: f.module,
			Field: at.field, Store: t.store, Seen: t.seen, Misses: t.misses, Transfers: t.transfers})
	}
	return rows
}
