package page

import (
	"xfrmscope/analyze/result"
	"xfrmscope/reports/view"
)

// checksSection is what must hold for the numbers to mean anything: gates, sums
// that two measurements give, what measuring cost, what moved meanwhile.
func checksSection(runs []*result.Run) section {
	s := section{ID: "checks", Nav: "Checks", Title: "Can these numbers be trusted?"}
	add := func(heading, text string, t view.Table) {
		if len(t.Rows) > 0 {
			s.Parts = append(s.Parts, part{Heading: heading, Text: text}, part{Table: t})
		}
	}
	add("Gates", "A failed gate takes the star from a comparison, never the number.", view.GatesTable(view.GateRows(runs), len(runs)))
	add("Sums that must hold", "Each line is measured twice, by different means. A broken one marks the figures that hang on it with ! and takes the star from comparisons of them.", view.ConsistencyTable(runs))
	add("What measuring cost", "Each probe ran in a window of its own, between windows without one.", view.PhaseTable(runs))
	add("What moved during a run", "", view.DriftTable(runs))
	if len(s.Parts) == 0 {
		return section{}
	}
	return s
}
