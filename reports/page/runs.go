package page

import (
	"xfrmscope/analyze/result"
	"xfrmscope/reports/view"
)

func runsSection(r *result.Result) section {
	s := section{ID: "runs", Nav: "Runs", Title: "Runs"}
	if len(view.Present(r)) == 0 {
		s.Parts = missing("The result holds no runs.")
		return s
	}
	s.Parts = []part{{Table: view.RunsTable(r)}}
	return s
}
