package page

import (
	"cmp"
	"fmt"
	"slices"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/chart"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// gridRows bounds the locks of a mode that have a row.
const gridRows = 12

// locksSection says which locks are waited for, by samples and by the probes.
func locksSection(r *result.Result, runs, side []*result.Run, spin figureBox) section {
	s := section{ID: "locks", Nav: "Locks", Title: "Which locks are waited for, and which are only slow?",
		Open: true}
	if len(result.RunsPresent(r)) > 1 { // of one run it is on the first screen
		s.add(part{Figure: spin})
	}
	waited := false
	for i, mode := range byMode(runs) {
		t := view.LockGrid(fmt.Sprintf("lock-grid-%d", i),
			"What a packet waits for each lock, by the wait probe", mode, gridRows)
		s.table(t.WithoutMissing())
		waited = waited || len(t.Rows) > 0
	}
	if !waited {
		s.add(part{Text: "No lock wait was recorded by a probe.", Muted: true})
	}
	s.table(view.Listing{ID: "caller-table", Caption: "Who entered a lock's slow path, share of " +
		view.WeighedBy(side...), What: "function", Rows: 20, Code: true,
		Of: func(r *result.Run) []result.Share { return view.AllCPUs(r).SpinCallers },
	}.Table(view.ByPMU(side...)))
	if t := view.LocksTable(view.Last(view.MedianRuns(r))); len(t.Rows) > 0 {
		s.add(folded("each lock at the largest N: waits, how long, how often against acquisitions",
			part{Table: t}))
	}
	s.add(fastParts(view.LastOfModes(r))...)
	s.add(waiterParts(view.LastOfModes(r))...)
	s.add(part{List: view.ProbeLines(runs)})
	return s
}

// byMode parts runs by side and mode.
func byMode(runs []*result.Run) [][]*result.Run {
	var out [][]*result.Run
	for _, r := range runs {
		if n := len(out); n > 0 && r.Mode != "" && out[n-1][0].Mode == r.Mode && out[n-1][0].Side == r.Side {
			out[n-1] = append(out[n-1], r)
			continue
		}
		out = append(out, []*result.Run{r})
	}
	return out
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
