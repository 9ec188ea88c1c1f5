package reports

import (
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
)

// missTable shows the cache-miss ratios of runs, of all their CPUs together or
// of each.
func missTable(runs []*analyze.Run, each bool) table {
	t := table{ID: "miss-table", Caption: "Cache misses of each run, all measured CPUs together ± one standard error", Head: []column{{Text: "run"}, {Text: "event"}}}
	if each {
		t.ID, t.Caption = "miss-cpu-table", "Cache misses of each CPU ± one standard error"
		t.Head = append(t.Head, column{Text: "CPU", Number: true})
	}
	t.Head = append(t.Head, column{Text: "per 1000", Unit: "cycles", Number: true}, column{Text: "per 1000", Unit: "instructions", Number: true}, column{Text: "per packet", Unit: "misses", Number: true})
	for _, r := range runs {
		for _, m := range r.Misses {
			if each == (m.CPU < 0) {
				continue
			}
			row := []cell{textCell(runLabel(r)), textCell(m.Event)}
			if each {
				row = append(row, intCell(m.CPU))
			}
			t.Rows = append(t.Rows, append(row, valueCell(m.PerKiloCycle), valueCell(m.PerKiloInstructions), valueCell(m.PerPacket)))
		}
	}
	return bounded(t, maxRows)
}

// missFunctions lists, for each miss event, the functions that miss most.
func missFunctions(side []*analyze.Run) []table {
	var out []table
	for i, name := range missEvents(side) {
		of := func(r *analyze.Run) []analyze.Share {
			for _, e := range r.Events {
				if e.Name == name {
					return e.All.Functions
				}
			}
			return nil
		}
		t := listing{id: fmt.Sprintf("miss-functions-%d", i), caption: "Functions by their share of " + visible(name, 60) + " ± one standard error", what: "function", of: of, rows: 12, code: true}.table(side)
		t.Note = strings.Replace(t.Note, "in results.json", "below, by event", 1)
		out = append(out, t)
	}
	return out
}

// intensityTable shows what misses more than it works: 1 is as much as all
// functions do together.
func intensityTable(side []*analyze.Run) table {
	t := table{ID: "miss-intensity", Caption: "Miss intensity: a function's share of the misses over its share of the cycles ± one standard error",
		Note: "1 is the average of all functions. A sample may stand some instructions behind the miss, in the next function even, unless the event is precise.",
		Head: []column{{Text: "run"}, {Text: "event"}, {Text: "function"}, {Text: "of the misses", Unit: "%", Number: true}, {Text: "of the cycles", Unit: "%", Number: true}, {Text: "intensity", Number: true}}}
	for _, r := range side {
		for _, m := range r.Misses {
			for _, f := range m.Functions[:min(12, len(m.Functions))] {
				t.Rows = append(t.Rows, []cell{textCell(runLabel(r)), textCell(m.Event), {Text: visible(f.Name, 80), Code: true}, valueCell(f.Misses), valueCell(f.Work), valueCell(f.Value)})
			}
		}
	}
	return bounded(t, maxRows)
}

// countedTable shows what perf stat counted while nothing was sampled.
func countedTable(runs []*analyze.Run) table {
	t := table{ID: "counted-table", Caption: "Events counted without sampling, of each run", Note: "Counted in the first phase without a probe: what the samples say is held against it (cost-per-packet, under Checks).",
		Head: []column{{Text: "run"}, {Text: "event"}, {Text: "per second", Number: true}, {Text: "per packet", Number: true}, {Text: "per 1000", Unit: "cycles", Number: true}, {Text: "on", Unit: "% of the time", Number: true}}}
	for _, r := range runs {
		for _, c := range r.Counted {
			t.Rows = append(t.Rows, []cell{textCell(runLabel(r)), textCell(c.Event), valueCell(c.PerSecond), valueCell(c.PerPacket), valueCell(c.PerKiloCycle), valueCell(c.Running)})
		}
	}
	return bounded(t.withoutMissing(), maxRows)
}

// missEvents returns the miss events of runs, each once.
func missEvents(runs []*analyze.Run) []string {
	var names []string
	for _, r := range runs {
		for _, m := range r.Misses {
			if !slices.Contains(names, m.Event) {
				names = append(names, m.Event)
			}
		}
	}
	return names
}

// missGaps says of which runs no cache miss was counted, and why.
func missGaps(runs []*analyze.Run) notes {
	var n notes
	for _, r := range runs {
		if len(r.Misses) == 0 {
			n.add(whyNoMisses(r), r)
		}
	}
	return n
}

func whyNoMisses(r *analyze.Run) note {
	for _, g := range slices.Concat(r.Gaps, r.Manifest.Gaps) {
		if strings.Contains(g.What, "cache misses") {
			return note{Text: "not measured: " + orDash(g.Why), Fix: g.Fix}
		}
	}
	return note{Text: "not measured: no event that counts cache misses was sampled", Fix: "record with -e cycles:k,instructions:k,L1-dcache-load-misses:k"}
}

// missLines are the digest's: the miss ratios of a run, a line for each event.
func missLines(r *analyze.Run) [][]string {
	var items [][]string
	for _, m := range r.Misses {
		if m.CPU >= 0 {
			continue
		}
		var parts []string
		for _, v := range []struct {
			value metric.Value
			per   string
		}{{m.PerKiloCycle, "1000 cycles"}, {m.PerKiloInstructions, "1000 instructions"}, {m.PerPacket, "packet"}} {
			if finite(v.value) {
				parts = append(parts, fmt.Sprintf("%s per %s", errorText(v.value), v.per))
			}
		}
		if len(parts) > 0 {
			items = append(items, wrapped("%s, %s: %s", ascii(m.Event, 32), runLabel(r), strings.Join(parts, ", ")))
		}
	}
	return items
}

func missesSection(runs, side []*analyze.Run) section {
	s := section{ID: "misses", Nav: "Cache misses", Title: "Where do cache misses fall?"}
	s.Parts = []part{{Table: missTable(runs, false)}}
	for _, t := range missFunctions(side) {
		s.Parts = append(s.Parts, part{Table: t})
	}
	for _, t := range []table{intensityTable(side), countedTable(runs)} {
		if len(t.Rows) > 0 {
			s.Parts = append(s.Parts, part{Table: t})
		}
	}
	if each := missTable(runs, true); len(each.Rows) > 0 {
		s.Parts = append(s.Parts, folded("cache misses of every CPU", part{Table: each}))
	}
	s.Parts = append(s.Parts, part{Notes: noteList{len(runs), missGaps(runs)}})
	return s
}
