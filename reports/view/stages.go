package view

import (
	"xfrmscope/analyze/result"
)

func StageTable(runs []*result.Run) Table {
	l := Listing{Id: "stage-table", Caption: "Stages, share of busy samples; no packets were counted", What: "stage", Of: func(r *result.Run) []result.Share { return AllCPUs(r).Stages }, Rows: MaxRows}
	if unit := CostUnit(runs); unit != NoCost {
		l.Caption, l.cost = "Stages, cost per packet ± one standard error; bars and tips have the share of busy samples", unit
	}
	return l.Table(runs)
}
