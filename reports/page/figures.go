package page

import (
	"fmt"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/chart"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// A livebox is a figure and the chart it shows.
type livebox struct {
	box   figureBox
	chart liveFigure
}

// rateFigure shows the rate over N; of runs with one N a bar for each, of a run
// that stands alone its stages.
func rateFigure(r *result.Result, side []*result.Run) livebox {
	switch {
	case chart.OverN(r):
		return livebox{figureBox{ID: "chart-rate",
			Title: "Does throughput grow with " + format.Name(r.Factor()) +
				"?", Caption: rateCaption(r)}, chart.RateChart(r)}
	case len(result.RunsPresent(r)) == 1:
		stages := chart.StageRows(side[0])
		if pmus := view.ByPMU(side[0]); len(pmus) > 1 {
			stages = chart.StageChart(pmus)
		}
		title := "Where does a packet's time go?"
		if !format.Finite(view.AllCPUs(side[0]).PerPacket) {
			title = "Where does the time go?"
		}
		if view.WeighedBy(side[0]) != "busy" {
			title = "Which stages have the samples?"
		}
		return livebox{figureBox{ID: "chart-rate", Title: title,
			Caption: "The heaviest stages" + sampling(side) + " " +
				"Locks are charged to the stage that takes them."}, stages}
	}
	return livebox{figureBox{ID: "chart-rate", Title: "Packets/s",
		Caption: "One bar a run; no error is known from a single run."},
		chart.RunBars(side, "Packets per second of each run", "packets/s", "s0", "",
			func(r *result.Run) metric.Value { return r.Packets.Headline() })}
}

// spinFigure shows the spin share over N, of each run, or of each CPU of one.
func spinFigure(r *result.Result, side []*result.Run) livebox {
	title := "Is time lost spinning on locks?"
	switch {
	case chart.OverN(r):
		return livebox{figureBox{ID: "chart-spin", Title: title, Caption: "Spin share of " +
			view.SamplesBy(result.RunsPresent(r)...) + ", each run a dot" +
			sampling(result.RunsPresent(r))},
			chart.SpinChart(r)}
	case len(result.RunsPresent(r)) == 1:
		title = "Is time lost spinning on locks, and on which CPUs?"
		if view.WeighedBy(side[0]) != "busy" {
			title = "Which CPUs have the samples?"
		}
		cpus := chart.CPURows(side[0])
		return livebox{figureBox{ID: "chart-spin", Title: title, Caption: cpuCaption(side[0]),
			Legend: cpus.LegendItems()}, cpus}
	}
	return livebox{figureBox{ID: "chart-spin", Title: title, Caption: "Spin share of " + view.SamplesBy(side...) +
		sampling(side)},
		chart.RunBars(side, "Spin share of each run", "% of "+view.WeighedBy(side...), "spin", "d",
			func(r *result.Run) metric.Value { return view.AllCPUs(r).SpinShare })}
}

// sampling ends a sentence with the error of what was sampled.
func sampling(runs []*result.Run) string {
	if view.Counted(runs) {
		return "."
	}
	return ", ± of sampling."
}

// rateCaption explains the lines of the first figure that are there.
func rateCaption(r *result.Result) string {
	s := "Each run a dot. Dashed: N times the first run of the mode."
	law, knee, band := false, false, false
	for _, c := range chart.RateChart(r).Series {
		law, knee, band = law || len(c.Law) > 0, knee || c.Knee > 0, band || len(c.Band) > 0
	}
	if band {
		s += " Band: interval of the median."
	}
	if law {
		s += " Dotted: the law fitted (USL)."
	}
	if knee {
		s += " Thin vertical line: where a mode stops scaling, its knee."
	}
	return s
}

// cpuCaption explains the bars of CPUs and says how many are left out.
func cpuCaption(r *result.Run) string {
	s := "Samples of each CPU that are not idle, per cent of all its samples."
	if view.WeighedBy(r) != "busy" {
		s = "Share of " + view.SamplesBy(r) + " that fell on each CPU, per cent."
	}
	if cpus := view.CPUs(r); len(cpus) > chart.MaxCPUBars {
		s += fmt.Sprintf(" %d of %d CPUs; all are below.", chart.MaxCPUBars, len(cpus))
	}
	return s
}
