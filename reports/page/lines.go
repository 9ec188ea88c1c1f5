package page

import (
	"xfrmscope/analyze/result"
	"xfrmscope/reports/view"
)

// linesSection says which cache lines move between CPUs, and who moves them.
func linesSection(r *result.Result) section {
	s := section{ID: "lines", Nav: "Cache lines", Title: "Which cache lines move between CPUs?", Open: true}
	t := view.LinesTable(r)
	if len(t.Rows) == 0 {
		return s
	}
	s.Parts = []part{{Table: t}}
	s.add(part{Notes: view.NoteList{Total: len(result.RunsPresent(r)), Notes: view.LineLacks(r)}})
	return s
}
