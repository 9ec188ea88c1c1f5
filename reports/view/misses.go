package view

import (
	"cmp"
	"fmt"
	"maps"
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

// counts reports whether an event counts what happens, not time or instructions: misses,
// lines that move, stalls.
func counts(e *result.Event) bool {
	return !e.Timed() && !e.Memory && bundle.BaseEvent(e.Name) != "instructions"
}

// MissStages is the cost by stage in misses, fills and transfers: a column for each event
// and run, per packet where packets are known. The stages of a column sum to its first
// row.
func MissStages(runs []*result.Run) Table {
	t := NewTable("miss-stages", "Misses, fills and transfers by stage, per packet; bars and tips have the share",
		"stage")
	all := []Cell{TextCell("all stages")}
	var columns []*result.Event
	for _, name := range countEvents(runs) {
		for _, r := range runs {
			e := r.Event(name)
			if e == nil || !e.All.PerPacket.Measured() {
				continue
			}
			columns = append(columns, e)
			t.Head = append(t.Head, Column{Text: RunLabel(r), Unit: format.Visible(name, 48), Number: true})
			all = append(all, ValueCell(e.All.PerPacket))
		}
	}
	most := map[string]float64{}
	for _, e := range columns {
		for _, s := range e.All.Stages {
			most[s.Name] = max(most[s.Name], s.PerPacket.Value)
		}
	}
	names := slices.SortedFunc(maps.Keys(most), func(a, b string) int {
		return cmp.Or(cmp.Compare(most[b], most[a]), cmp.Compare(a, b))
	})
	l := Listing{cost: "per packet"}
	for _, name := range names {
		row := []Cell{TextCell(name)}
		for _, e := range columns {
			row = append(row, l.cell(e.All.Stages, name, ""))
		}
		t.Rows = append(t.Rows, row)
	}
	if t = Bounded(t, MaxRows); len(t.Rows) > 0 {
		t.Rows = slices.Insert(t.Rows, 0, all)
	}
	return t
}

// countEvents are the names of the events of runs that count, each once.
func countEvents(runs []*result.Run) []string {
	var names []string
	for _, r := range runs {
		for _, e := range r.Events {
			if counts(e) {
				names = result.AppendNew(names, e.Name)
			}
		}
	}
	return names
}

// TopStages says in which stages an event falls most: "SA lookup 30.1, bundle build 22.0".
func TopStages(e *result.Event, limit int) string {
	var parts []string
	for _, s := range TopShares(AllOf(e).Stages, limit) {
		if format.Finite(s.PerPacket) {
			parts = append(parts, s.Name+" "+format.Significant(s.PerPacket.Value, 3))
		}
	}
	return strings.Join(parts, ", ")
}

// UnsampledCounts are what perf stat counted of events that were not sampled: stalls,
// misses of the TLB.
func UnsampledCounts(r *result.Run) []result.Total {
	return slices.DeleteFunc(slices.Clone(r.Counted), func(t result.Total) bool { return r.Event(t.Event) != nil })
}

// MissFunctions lists, for each miss event, the functions that miss most.
func MissFunctions(side []*result.Run) []Table {
	var out []Table
	for i, name := range missEvents(side) {
		of := func(r *result.Run) []result.Share { return AllOf(r.Event(name)).Functions }
		l := Listing{ID: fmt.Sprintf("miss-functions-%d", i), Caption: "Functions by their share of " +
			format.Visible(name, 60), What: "function", Of: of, Rows: 12, Code: true}
		if slices.ContainsFunc(side, func(r *result.Run) bool {
			return slices.ContainsFunc(of(r), func(s result.Share) bool { return s.PerPacket.Measured() })
		}) {
			l.Caption = "Functions by " + format.Visible(name, 60) + "; bars and tips have the share"
			l.cost = "per packet"
		}
		t := l.Table(side)
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
			return missingNote(g)
		}
	}
	return missingNote(bundle.Gap{Why: "no event that counts cache misses was sampled",
		Fix: "record with -e cycles:k,instructions:k,L1-dcache-load-misses:k"})
}
