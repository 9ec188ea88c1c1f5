package view

import (
	"math"
	"slices"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// RunsTable has a row for each run; of a traffic generator's runs alone one for
// each point, whose repeats tell no more than their range.
func RunsTable(r *result.Result) Table {
	if OnlyTraffic(result.RunsPresent(r)) {
		return pointsTable(r)
	}
	runs := ByPMU(result.RunsPresent(r)...)
	of, noIdle := WeighedBy(runs...), " that are not idle"
	if of != "busy" {
		noIdle = ""
	}
	caption := "Runs. Errors are of sampling within each; n is the samples" + noIdle + "."
	if Counted(runs) {
		caption = "Runs of a simulated machine, which counts every event: no error of sampling."
	}
	t := NewTable("runs-table", caption,
		"run", "N#||CPUs measured", "packets#|/s", "cost#|"+CostUnit(runs), "spin#|% of "+of,
		"fast path#|% of "+of, "waits#|by probe", "lock wait#|ns/packet", "probe effect#|% of "+
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
			ValueCell(run.Locks.PerPkt).perturbed(run), effectCell(run),
			CountCell(a.Busy.Samples),
			Cell{Text: format.OrDash(Seconds(run)), Number: true}, status)
	}
	if Counted(runs) {
		t = t.without("n")
	}
	return Bounded(t.WithoutMissing(), MaxRows)
}

// OnlyTraffic reports whether no run has samples and each has what a generator saw.
func OnlyTraffic(runs []*result.Run) bool {
	return len(runs) > 0 && !slices.ContainsFunc(runs, func(r *result.Run) bool {
		return r.Traffic == nil || !r.Traffic.Throughput.Measured() || len(r.Events) > 0
	})
}

// pointsTable prints what a traffic generator measured, the repeats of a point in
// one row.
func pointsTable(r *result.Result) Table {
	t := NewTable("runs-table", "Points, each the runs of one mode and N; every run is in results.csv.", "mode",
		format.Name(r.Factor())+"#", "runs#", "median#|Gbit/s", "lowest#|Gbit/s", "highest#|Gbit/s",
		"lost#|%, median", "lost most#|%", "packets#|/s, median")
	for _, p := range points(result.RunsPresent(r)) {
		rates := p.values(func(r *result.Run) metric.Value { return r.Traffic.Throughput })
		lost := p.values(func(r *result.Run) metric.Value { return r.Traffic.Loss })
		packets := p.values(func(r *result.Run) metric.Value { return r.Packets.Headline() })
		t.Add(TextCell(Sided(p.runs[0].Side, p.runs[0].ModeName())), numberCell(p.runs[0].N, p.runs[0].N > 0),
			intCell(len(p.runs)), rates.cell(.5, 1e-9), rates.cell(0, 1e-9), rates.cell(1, 1e-9),
			lost.cell(.5, 100), lost.cell(1, 100), packets.cell(.5, 1))
	}
	return Bounded(t.WithoutMissing(), MaxRows)
}

// A runPoint is the runs of one side, mode and N.
type runPoint struct{ runs []*result.Run }

func points(runs []*result.Run) []runPoint {
	var out []runPoint
	for _, r := range runs {
		at := slices.IndexFunc(out, func(p runPoint) bool {
			o := p.runs[0]
			return o.Side == r.Side && o.ModeName() == r.ModeName() && o.N == r.N
		})
		if at < 0 {
			at, out = len(out), append(out, runPoint{})
		}
		out[at].runs = append(out[at].runs, r)
	}
	return out
}

// values are those measured, ascending.
func (p runPoint) values(of func(*result.Run) metric.Value) sortedValues {
	var out sortedValues
	for _, r := range p.runs {
		if v := of(r); format.Finite(v) {
			out = append(out, v.Value)
		}
	}
	slices.Sort(out)
	return out
}

type sortedValues []float64

// cell prints the value at a part of the way from the lowest to the highest, times
// k.
func (v sortedValues) cell(part, k float64) Cell {
	if len(v) == 0 {
		return unmeasured("")
	}
	at := part * float64(len(v)-1)
	low, high := v[int(at)], v[int(math.Ceil(at))]
	return numberOf(k * (low + high) / 2)
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
