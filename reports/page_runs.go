package reports

import "xfrmscope/analyze"

// pageRuns chooses the runs that tables put side by side: at most limit, the
// first and the last of all and others between.
func pageRuns(r *analyze.Result, limit int) []*analyze.Run {
	groups := medianRuns(r)
	var runs []*analyze.Run
	for _, i := range pick(len(groups), limit) {
		runs = append(runs, groups[i].chosen)
	}
	if len(runs) == 0 {
		runs = present(r)
	}
	return runs[:min(limit, len(runs))]
}

func runsTable(r *analyze.Result) table {
	runs := present(r)
	t := table{ID: "runs-table", Caption: "Runs. Errors are one standard error of sampling; n is the samples that are not idle.", Head: []column{
		{Text: "run"}, {Text: "N", Number: true, Title: "CPUs measured"}, {Text: "packets", Unit: "/s", Number: true}, {Text: "cost", Unit: costUnit(runs), Number: true},
		{Text: "spin", Unit: "% of busy", Number: true}, {Text: "lock word", Unit: "% of busy", Number: true}, {Text: "waits", Unit: "by probe", Number: true},
		{Text: "lock wait", Unit: "ns/packet", Number: true},
		{Text: "probe effect", Unit: "% of packets/s", Number: true, Title: "packets/s in the probe's window over packets/s in the samples' window, less 1"}, {Text: "n", Unit: "samples", Number: true}, {Text: "window", Unit: "s", Number: true}, {Text: "status"},
	}}
	for _, run := range runs {
		a := all(run)
		spin := valueCell(a.SpinShare).withBar(a.SpinShare)
		spin.Warn = spin.Bar != ""
		status := textCell(string(run.Manifest.Status))
		status.Title = name(run.Manifest.Why)
		t.Rows = append(t.Rows, []cell{
			{Text: name(orDash(run.Name)), Title: name(run.Path)}, numberCell(run.N, run.N > 0), valueCell(run.Packets.Rate), valueCell(a.PerPacket), spin,
			valueCell(a.LockWordShare), valueCell(run.Locks.Waits).perturbed(run), valueCell(run.Locks.PerPkt).perturbed(run), effectCell(run), countCell(a.Busy.Samples), {Text: orDash(seconds(run)), Number: true}, status,
		})
	}
	return bounded(t, maxRows)
}

func runsSection(r *analyze.Result) section {
	s := section{ID: "runs", Nav: "Runs", Title: "Runs"}
	if len(present(r)) == 0 {
		s.Parts = missing("The result holds no runs.")
		return s
	}
	s.Parts = []part{{Table: runsTable(r)}}
	return s
}
