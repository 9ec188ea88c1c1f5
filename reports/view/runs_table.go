package view

import (
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

func RunsTable(r *result.Result) Table {
	runs := ByPMU(Present(r)...)
	of, noIdle := WeighedBy(runs...), " that are not idle"
	if of != "busy" {
		noIdle = ""
	}
	t := NewTable("runs-table",
		"Runs. Errors are of sampling within each; n is the samples"+noIdle+".",
		"run", "N#||CPUs measured", "packets#|/s", "cost#|"+CostUnit(runs), "spin#|% of "+of,
		"lock word#|% of "+of, "waits#|by probe", "lock wait#|ns/packet", "probe effect#|% of "+
			"packets/s|packets/s in the probe's window over packets/s in the samples' window, less 1",
		"n#|samples", "window#|s", "status")
	for _, run := range runs {
		a := AllCPUs(run)
		spin := ValueCell(a.SpinShare).WithBar(a.SpinShare)
		spin.Warn = spin.Bar != ""
		status := TextCell(string(run.Manifest.Status))
		status.Title = format.Name(run.Manifest.Why)
		t.Add(Cell{Text: format.Name(format.OrDash(run.Name)), Title: format.Name(run.Path)},
			numberCell(run.N, run.N > 0), ValueCell(run.Packets.Headline()), ValueCell(a.PerPacket), spin,
			ValueCell(a.LockWordShare), ValueCell(run.Locks.Waits).perturbed(run),
			ValueCell(run.Locks.PerPkt).perturbed(run), effectCell(run), CountCell(a.Busy.Samples),
			Cell{Text: format.OrDash(Seconds(run)), Number: true}, status)
	}
	return Bounded(t, MaxRows)
}

func StageTable(runs []*result.Run) Table {
	l := Listing{ID: "stage-table", Caption: "Stages, share of " + SamplesBy(runs...) + "; no packets were counted",
		What: "stage", Of: func(r *result.Run) []result.Share {
			return AllCPUs(r).Stages
		}, Rows: MaxRows}
	if unit := CostUnit(runs); unit != NoCost {
		l.Caption, l.cost = "Stages, cost per packet; bars and tips have the share of "+
			SamplesBy(runs...), unit
	}
	return l.Table(runs)
}
