package page

import (
	"cmp"
	"slices"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/chart"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// locksSection says which locks are waited for, by samples and by the probes.
func locksSection(runs, side []*result.Run, spin figureBox) section {
	s := section{ID: "locks", Nav: "Locks", Title: "Which locks are waited for, and which are only slow?"}
	callers := view.Listing{ID: "caller-table", Caption: "Who entered a lock's slow path, share of " +
		view.WeighedBy(side...),
		What: "function", Of: view.SpinCallers, Rows: 20, Code: true}.Table(side)
	locks := part{Table: view.LocksTable(runs)}
	if len(locks.Table.Rows) == 0 {
		locks = part{Text: "No lock wait was recorded by a probe.", Muted: true}
	}
	s.Parts = append([]part{{Figure: spin}, {Table: callers}, locks}, fastParts(side)...)
	s.add(waiterParts(side)...)
	s.add(part{List: view.ProbeLines(runs)})
	return s
}

// fastParts show how long acquisitions took that did not wait, against those of
// one CPU: what a bounce is read from.
func fastParts(side []*result.Run) []part {
	t := view.NewTable("fast-table", "Acquisitions that did not wait, by the time probe",
		"run", "lock", "timed#", "bounce#|ns/packet", "lengths")
	for _, r := range side {
		rows := slices.DeleteFunc(slices.Clone(r.Locks.Rows), func(l result.Lock) bool {
			return len(l.FastHist) == 0
		})
		slices.SortStableFunc(rows, func(a, b result.Lock) int {
			return cmp.Or(cmp.Compare(b.Bounce.Value, a.Bounce.Value), cmp.Compare(view.Sum(b.FastHist),
				view.Sum(a.FastHist)))
		})
		for _, l := range rows[:min(view.FastOfRun, len(rows))] {
			var oneCPU []uint64
			if l.Floor != nil {
				oneCPU = l.Floor.Hist
			}
			t.Add(view.RunCell(r), view.LockCell(l), view.CountCell(view.Sum(l.FastHist)),
				view.BounceCell(l).During(r, bundle.ProbeTime),
				view.LengthsCell(view.Lengths{Counts: l.FastHist, OneCPU: oneCPU, Half: true}))
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return []part{folded("how long acquisitions took that did not wait",
		part{Text: "Share of the acquisitions by length. A second hump, to the right of those on one CPU, is " +
			"a cache line that comes from elsewhere, if nothing else is slower there.",
			Legend: []chart.LegendItem{{Class: "busy", Hatch: "", Text: "on one CPU"},
				{Class: "word", Hatch: "l", Text: "in this run"}}},
		part{Table: view.Bounded(t.WithoutMissing(), 100)})}
}

// waiterParts lists who waited for each lock, where stacks were taken.
func waiterParts(side []*result.Run) []part {
	t := view.NewTable("waiter-table", "Who waited for a lock, of the phase with stacks",
		"run", "lock", "caller", "of this lock's waiting#|%")
	for _, r := range side {
		for _, l := range r.Locks.Rows[:min(view.LocksOfRun, len(r.Locks.Rows))] {
			for _, c := range l.Callers[:min(5, len(l.Callers))] {
				t.Add(view.RunCell(r), view.LockCell(l),
					view.Cell{Text: format.Name(c.Name), Small: format.ModuleText(c.Module),
						Code: true}, view.ValueCell(c.Share).WithBar(c.Share))
			}
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return []part{folded("who waited for each lock", part{Table: view.Bounded(t.WithoutMissing(), 100)})}
}
