package view

import (
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
)

// MissTable shows the cache-miss ratios of runs, of all their CPUs together or
// of each.
func MissTable(runs []*result.Run, each bool) Table {
	t := NewTable("miss-table", "Cache misses of each run, all measured CPUs together", "run", "event")
	if each {
		t.ID, t.Caption = "miss-cpu-table", "Cache misses of each CPU"
		t.Head = append(t.Head, Column{Text: "CPU", Number: true})
	}
	t.Head = append(t.Head, Heads("per 1000#|cycles", "per 1000#|instructions", "per packet#|misses")...)
	for _, r := range runs {
		for _, m := range r.Misses {
			if each == (m.CPU < 0) {
				continue
			}
			row := []Cell{RunCell(r), TextCell(m.Event)}
			if each {
				row = append(row, intCell(m.CPU))
			}
			t.Rows = append(t.Rows, append(row, ValueCell(m.PerKiloCycle),
				ValueCell(m.PerKiloInstructions), ValueCell(m.PerPacket)))
		}
	}
	return Bounded(t, MaxRows)
}

// MissFunctions lists, for each miss event, the functions that miss most.
func MissFunctions(side []*result.Run) []Table {
	var out []Table
	for i, name := range missEvents(side) {
		of := func(r *result.Run) []result.Share {
			for _, e := range r.Events {
				if e.Name == name {
					return e.All.Functions
				}
			}
			return nil
		}
		t := Listing{ID: fmt.Sprintf("miss-functions-%d", i), Caption: "Functions by their share of " +
			format.Visible(name, 60), What: "function", Of: of, Rows: 12, Code: true}.Table(side)
		t.Note = strings.Replace(t.Note, "in results.json", "below, by event", 1)
		out = append(out, t)
	}
	return out
}

// IntensityTable shows what misses more than it works: 1 is as much as all
// functions do together.
func IntensityTable(side []*result.Run) Table {
	t := NewTable("miss-intensity", "Miss intensity: a function's share of the misses over its share of the cycles",
		"run", "event", "function", "of the misses#|%", "of the cycles#|%", "intensity#")
	t.Note = "1 is the average of all functions. A sample may stand some instructions behind the miss, in the " +
		"next function even, unless the event is precise."
	for _, r := range side {
		for _, m := range r.Misses {
			for _, f := range m.Functions[:min(12, len(m.Functions))] {
				t.Add(RunCell(r), TextCell(m.Event), Cell{Text: format.Visible(f.Name, 80),
					Code: true}, ValueCell(f.Misses), ValueCell(f.Work), ValueCell(f.Value))
			}
		}
	}
	return Bounded(t, MaxRows)
}

// CountedTable shows what perf stat counted while nothing was sampled.
func CountedTable(runs []*result.Run) Table {
	t := NewTable("counted-table", "Events counted without sampling, of each run",
		"run", "event", "per second#", "per packet#", "per 1000#|cycles", "on#|% of the time")
	t.Note = "Counted in the first phase without a probe: what the samples say is held against it " +
		"(cost-per-packet, under Checks)."
	for _, r := range runs {
		for _, c := range r.Counted {
			t.Add(RunCell(r), TextCell(c.Event), ValueCell(c.PerSecond), ValueCell(c.PerPacket),
				ValueCell(c.PerKiloCycle), ValueCell(c.Running))
		}
	}
	return Bounded(t.WithoutMissing(), MaxRows)
}

// missEvents returns the miss events of runs, each once.
func missEvents(runs []*result.Run) []string {
	var names []string
	for _, r := range runs {
		for _, m := range r.Misses {
			names = result.AppendNew(names, m.Event)
		}
	}
	return names
}

// MissGaps says of which runs no cache miss was counted, and why.
func MissGaps(runs []*result.Run) Notes {
	var n Notes
	for _, r := range runs {
		if len(r.Misses) == 0 {
			n.add(whyNoMisses(r), r)
		}
	}
	return n
}

func whyNoMisses(r *result.Run) note {
	for _, g := range slices.Concat(r.Gaps, r.Manifest.Gaps) {
		if g.Of() == bundle.GapMisses {
			return note{Text: "not measured: " + format.OrDash(g.Why), Fix: g.Fix}
		}
	}
	return note{Text: "not measured: no event that counts cache misses was sampled",
		Fix: "record with -e cycles:k,instructions:k,L1-dcache-load-misses:k"}
}
