package page

import (
	"xfrmscope/analyze/result"
	"xfrmscope/reports/view"
)

func stagesSection(side []*result.Run, drawn figureBox) section {
	s := section{ID: "stages", Nav: "Cost by stage", Title: "What does a packet cost, and where?"}
	t := view.StageTable(side)
	if len(t.Rows) == 0 {
		s.Parts = missing("not measured: no sample fell outside idle")
		return s
	}
	s.Parts = []part{{Figure: drawn}, {Table: t}}
	return s
}
