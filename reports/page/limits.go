package page

import (
	"xfrmscope/analyze/result"
	"xfrmscope/reports/view"
)

// limitsSection is what the numbers do not say.
func limitsSection(r *result.Result) section {
	total := len(result.RunsPresent(r))
	list := func(heading string, n view.Notes, none string) part {
		if len(n) == 0 {
			return part{Heading: heading, Text: none}
		}
		return part{Heading: heading, Notes: view.NoteList{Total: total, Notes: n}}
	}
	s := section{ID: "limits", Nav: "Limits", Title: "Limits of these numbers", Parts: []part{
		list("Not measured", view.Gaps(r), "Nothing that was asked for is missing."),
		list("Lost", view.Losses(r), "No loss was counted."),
	}}
	if n := view.Blind(r); len(n) > 0 {
		s.add(list("Blind spots", n, ""))
	}
	s.add(part{Heading: "What this does not prove", List: view.NotProven(r)},
		folded("how each number is made", part{Table: view.FormulaTable()}))
	return s
}
