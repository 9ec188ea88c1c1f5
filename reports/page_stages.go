package reports

import "xfrmscope/analyze"

func stageTable(runs []*analyze.Run) table {
	l := listing{id: "stage-table", caption: "Stages, share of busy samples; no packets were counted", what: "stage", of: func(r *analyze.Run) []analyze.Share { return all(r).Stages }, rows: maxRows}
	if unit := costUnit(runs); unit != noCost {
		l.caption, l.cost = "Stages, cost per packet ± one standard error; bars and tips have the share of busy samples", unit
	}
	return l.table(runs)
}

func stagesSection(side []*analyze.Run, chart figureBox) section {
	s := section{ID: "stages", Nav: "Cost by stage", Title: "What does a packet cost, and where?"}
	t := stageTable(side)
	if len(t.Rows) == 0 {
		s.Parts = missing("not measured: no sample fell outside idle")
		return s
	}
	s.Parts = []part{{Figure: chart}, {Table: t}}
	return s
}
