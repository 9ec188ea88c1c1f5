package page

import (
	"xfrmscope/analyze/result"
	"xfrmscope/reports/view"
)

func missesSection(runs, side []*result.Run) section {
	s := section{ID: "misses", Nav: "Cache misses", Title: "Where do cache misses fall?"}
	s.Parts = []part{{Table: view.MissTable(runs, false)}}
	for _, t := range view.MissFunctions(side) {
		s.Parts = append(s.Parts, part{Table: t})
	}
	for _, t := range []view.Table{view.IntensityTable(side), view.CountedTable(runs)} {
		if len(t.Rows) > 0 {
			s.Parts = append(s.Parts, part{Table: t})
		}
	}
	if each := view.MissTable(runs, true); len(each.Rows) > 0 {
		s.Parts = append(s.Parts, folded("cache misses of every CPU", part{Table: each}))
	}
	s.Parts = append(s.Parts, part{Notes: view.NoteList{Total: len(runs), Notes: view.MissGaps(runs)}})
	return s
}
