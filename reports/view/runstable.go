package view

import (
	"xfrmscope/analyze"
	"xfrmscope/reports/format"
)

func RunsTable(r *analyze.Result) Table {
	runs := Present(r)
	t := Table{ID: "runs-table", Caption: "Runs. Errors are one standard error of sampling; n is the samples that are not idle.", Head: []Column{
		{Text: "run"}, {Text: "N", Number: true, Title: "CPUs measured"}, {Text: "packets", Unit: "/s", Number: true}, {Text: "cost", Unit: CostUnit(runs), Number: true},
		{Text: "spin", Unit: "% of busy", Number: true}, {Text: "lock word", Unit: "% of busy", Number: true}, {Text: "waits", Unit: "by probe", Number: true},
		{Text: "lock wait", Unit: "ns/packet", Number: true},
		{Text: "probe effect", Unit: "% of packets/s", Number: true, Title: "packets/s in the probe's window over packets/s in the samples' window, less 1"}, {Text: "n", Unit: "samples", Number: true}, {Text: "window", Unit: "s", Number: true}, {Text: "status"},
	}}
	for _, run := range runs {
		a := AllCPUs(run)
		spin := ValueCell(a.SpinShare).WithBar(a.SpinShare)
		spin.Warn = spin.Bar != ""
		status := TextCell(string(run.Manifest.Status))
		status.Title = format.Name(run.Manifest.Why)
		t.Rows = append(t.Rows, []Cell{
			{Text: format.Name(format.OrDash(run.Name)), Title: format.Name(run.Path)}, numberCell(run.N, run.N > 0), ValueCell(run.Packets.Rate), ValueCell(a.PerPacket), spin,
			ValueCell(a.LockWordShare), ValueCell(run.Locks.Waits).perturbed(run), ValueCell(run.Locks.PerPkt).perturbed(run), effectCell(run), CountCell(a.Busy.Samples), {Text: format.OrDash(Seconds(run)), Number: true}, status,
		})
	}
	return Bounded(t, MaxRows)
}
