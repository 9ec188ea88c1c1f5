package reports

import (
	"fmt"
	"html/template"
	"strconv"
	"xfrmscope/analyze"
)

func spinCallers(r *analyze.Run) []analyze.Share { return all(r).SpinCallers }

func probeLines(runs []*analyze.Run) []string {
	var n notes
	for _, r := range runs {
		switch {
		case r.Locks.Gap != nil:
			n.add(note{Text: "not measured: " + orDash(r.Locks.Gap.Why), Fix: r.Locks.Gap.Fix}, r)
		case r.Locks.Rung != "":
			n.add(note{Text: "wait probe attached by " + r.Locks.Rung}, r)
		}
		for _, b := range r.Locks.Blind {
			n.add(note{Text: "does not see " + b}, r)
		}
	}
	var out []string
	for _, x := range n {
		out = append(out, visible(x.Text, 300)+" ("+visible(x.runsText(len(runs)), 120)+")")
	}
	return out
}

func locksTable(runs []*analyze.Run) table {
	t := table{ID: "lock-table", Caption: "Locks that were waited for, by the wait probe", Head: []column{
		{Text: "run"}, {Text: "lock"}, {Text: "waits", Number: true}, {Text: "wait", Unit: "ms, all CPUs", Number: true}, {Text: "longest", Unit: "µs", Number: true},
		{Text: "CPUs that waited"}, {Text: "wait lengths", Unit: "log₂ ns"},
	}}
	const each = 8
	left := 0
	for _, r := range runs {
		rows := r.Locks.Rows
		left += max(0, len(rows)-each)
		for _, l := range rows[:min(each, len(rows))] {
			t.Rows = append(t.Rows, lockRow(r, l))
		}
	}
	if left > 0 {
		t.Note = fmt.Sprintf("The %d heaviest locks of each run; %s more are in results.json.", each, count(uint64(left)))
	}
	return bounded(t, maxRows)
}

func lockRow(r *analyze.Run, l analyze.Lock) []cell {
	lock := cell{Text: name(l.Name), Small: name(l.Lock)}
	if l.Name == "" {
		lock = cell{Text: name(l.Lock), Code: true}
	}
	run := textCell(runLabel(r)).perturbed(r)
	if perturbed(r) {
		run.Small = "perturbed"
	}
	return []cell{run, lock, countCell(l.Waits),
		{Text: pretty(significant(float64(l.WaitNS)/1e6, 4)), Sort: strconv.FormatUint(l.WaitNS, 10), Number: true},
		microCell(l.MaxNS), {Text: cpuList(l.CPUs)}, {Picture: template.HTML(histogram(l.Hist)), Text: histogramText(l.Hist)}}
}

func locksSection(runs, side []*analyze.Run) section {
	s := section{ID: "locks", Nav: "Locks", Title: "Which locks are waited for?"}
	callers := listing{id: "caller-table", caption: "Who entered a lock's slow path, share of busy", what: "function", of: spinCallers, rows: 20, code: true}.table(side)
	locks := part{Table: locksTable(runs)}
	if len(locks.Table.Rows) == 0 {
		locks = part{Text: "No lock wait was recorded by a probe.", Muted: true}
	}
	s.Parts = []part{{Table: callers}, locks, {List: probeLines(runs)}}
	return s
}
