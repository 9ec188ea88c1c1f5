package reports

import (
	"fmt"
	"slices"
	"xfrmscope/analyze"
)

// functionsSection has one table for each event: events are never put together.
func functionsSection(side []*analyze.Run) section {
	s := section{ID: "functions", Nav: "Functions", Title: "Functions, runs side by side"}
	var seen []string
	for _, run := range side {
		for _, e := range run.Events {
			if slices.Contains(seen, e.Name) || len(seen) == maxEvents {
				continue
			}
			f := eventFunctions(side, e, len(seen))
			f.Open = e == run.Main()
			s.Parts = append(s.Parts, part{Fold: f})
			seen = append(seen, e.Name)
		}
	}
	if len(s.Parts) == 0 {
		s.Parts = missing("not measured: the runs have no samples")
	}
	return s
}

// maxEvents bounds the events that have a table.
const maxEvents = 16

// eventFunctions is the i-th event's functions.
func eventFunctions(side []*analyze.Run, e *analyze.Event, i int) *fold {
	of := func(pick func(*analyze.Event) []analyze.Share) func(*analyze.Run) []analyze.Share {
		return func(r *analyze.Run) []analyze.Share {
			for _, o := range r.Events {
				if o.Name == e.Name {
					return pick(o)
				}
			}
			return nil
		}
	}
	id := fmt.Sprintf("functions-%d", i)
	t := listing{id: id, caption: "Functions by self share of busy ± one standard error, event " + name(e.Name), what: "function", rows: 40, code: true,
		of: of(func(e *analyze.Event) []analyze.Share { return e.All.Functions })}.table(side)
	unmatched := listing{id: "un" + id, caption: "Leaf functions that no stage claims, event " + name(e.Name), what: "function", rows: 20, code: true,
		of: of(func(e *analyze.Event) []analyze.Share { return e.Unmatched })}.table(side)
	f := &fold{Summary: "event " + name(e.Name), Small: name(e.Unit), Parts: []part{{Table: t}}}
	if len(t.Rows) == 0 {
		f.Parts = missing("no sample fell outside idle")
	}
	if len(unmatched.Rows) > 0 {
		f.Parts = append(f.Parts, folded("functions no stage claims", part{Table: unmatched}))
	}
	return f
}
