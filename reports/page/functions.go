package page

import (
	"fmt"
	"slices"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// functionsSection has one table for each event: events are never put together.
func functionsSection(side []*result.Run) section {
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
func eventFunctions(side []*result.Run, e *result.Event, i int) *fold {
	of := func(pick func(*result.Event) []result.Share) func(*result.Run) []result.Share {
		return func(r *result.Run) []result.Share {
			for _, o := range r.Events {
				if o.Name == e.Name {
					return pick(o)
				}
			}
			return nil
		}
	}
	id := fmt.Sprintf("functions-%d", i)
	t := view.Listing{Id: id, Caption: "Functions by self share of busy ± one standard error, event " + format.Name(e.Name), What: "function", Rows: 40, Code: true,
		Of: of(func(e *result.Event) []result.Share { return e.All.Functions })}.Table(side)
	unmatched := view.Listing{Id: "un" + id, Caption: "Leaf functions that no stage claims, event " + format.Name(e.Name), What: "function", Rows: 20, Code: true,
		Of: of(func(e *result.Event) []result.Share { return e.Unmatched })}.Table(side)
	f := &fold{Summary: "event " + format.Name(e.Name), Small: format.Name(e.Unit), Parts: []part{{Table: t}}}
	if len(t.Rows) == 0 {
		f.Parts = missing("no sample fell outside idle")
	}
	if len(unmatched.Rows) > 0 {
		f.Parts = append(f.Parts, folded("functions no stage claims", part{Table: unmatched}))
	}
	return f
}
