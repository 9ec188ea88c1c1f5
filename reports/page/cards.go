package page

import (
	"html/template"
	"slices"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/chart"
	"xfrmscope/reports/view"
)

// A card is one answer of the first screen; its heading leads to the section
// that has the rest, its marks to what weakens it.
type card struct {
	Title, Below string
	Unit         string // of all of its table
	Marks        []mark
	Figure       figureBox
	Table        view.Table
	Text         string // where there is neither
}

// maxCards is how many find room on a screen.
const maxCards = 4

// cardRows bounds the rows of a card's table.
const cardRows = 4

// cardsOf are the first screen: the curve, what a packet costs at the smallest
// and the largest N, the locks, lines and functions that weigh most at the largest.
func cardsOf(r *result.Result, charts pageCharts, scale section, weak *caveats) []card {
	below := "runs"
	if len(scale.Parts) > 0 {
		below = "scaling"
	}
	cards := []card{{Title: charts.rate.Title, Below: below, Marks: weak.of(rateSubjects()...),
		Figure: charts.rate}}
	if onlyTraffic(r) {
		return append(cards, trafficCards(r, weak)...)
	}
	cost := card{Title: "What does a packet cost, and where?", Below: "stages", Marks: weak.of(costSubjects(r)...)}
	if len(result.RunsPresent(r)) == 1 {
		cost.Title, cost.Below, cost.Figure = charts.spin.Title, "cpus", charts.spin
	} else {
		cost.Figure = stageFigure(endsOfModes(r))
	}
	cards = append(cards, cost)
	locks, lines := locksCard(r, weak), view.LinesTop(r, "top-lines", cardRows)
	if len(locks.Table.Rows) > 0 || len(lines.Rows) == 0 {
		cards = append(cards, locks)
	}
	if len(lines.Rows) > 0 {
		cards = append(cards, card{Title: "Which cache lines move?", Below: "lines", Table: lines})
	}
	if len(cards) < maxCards {
		cards = append(cards, functionsCard(r))
	}
	for i := range cards {
		cards[i].Unit = unitOnce(cards[i].Table.Head)
	}
	return cards
}

// onlyTraffic reports whether all there is are results of a traffic generator.
func onlyTraffic(r *result.Result) bool {
	runs := result.RunsPresent(r)
	return len(runs) > 0 && !slices.ContainsFunc(runs, func(r *result.Run) bool {
		return r.Traffic == nil || len(r.Events) > 0 || len(r.Locks.Rows) > 0
	})
}

// trafficCards are what a traffic generator tells beside the rate.
func trafficCards(r *result.Result, weak *caveats) []card {
	loss := chart.LossChart(r)
	cards := []card{{Title: "How many packets are lost?", Below: "runs", Marks: weak.of(metric.LossID),
		Figure: figureBox{ID: "chart-loss", Picture: template.HTML(loss.Render()),
			Caption: "Of the packets sent. Each run a dot."}}}
	if cards[0].Figure.Picture == "" {
		cards[0].Text = "not measured: the results do not tell what was lost"
	}
	if t := view.CarriedTable(r); len(t.Rows) > 0 {
		cards = append(cards, card{Title: "What does each mode carry?", Below: "scaling", Table: t})
	}
	return cards
}

// unitOnce takes a unit that all numbers of a table have out of its heads.
func unitOnce(head []view.Column) string {
	if len(head) < 2 {
		return ""
	}
	unit := head[1].Unit
	for _, h := range head[1:] {
		if h.Unit != unit {
			return ""
		}
	}
	for i := range head {
		head[i].Unit = ""
	}
	return unit
}

// endsOfModes are each mode's runs at its smallest and its largest N; of a
// comparison those at the largest.
func endsOfModes(r *result.Result) []*result.Run {
	last := view.LastOfModes(r)
	if r.Comparison != nil {
		return view.ByPMU(last...)
	}
	var out []*result.Run
	curve := -1
	for _, g := range view.MedianRuns(r) {
		if g.Curve != curve && g.Chosen.Mode != "" {
			out = append(out, g.Chosen)
			curve = g.Curve
		}
		for _, run := range last {
			if run == g.Chosen && (len(out) == 0 || out[len(out)-1] != run) {
				out = append(out, run)
			}
		}
	}
	return view.ByPMU(out[:min(6, len(out))]...)
}

// stageFigure is what a packet costs in runs, by stage.
func stageFigure(runs []*result.Run) figureBox {
	drawn := chart.StageChart(runs)
	drawn.Wide = chart.HalfWide
	return figureBox{ID: "chart-cost", Caption: "Thin bar: the part of it spent in locks, whatever the stage.",
		Picture: template.HTML(drawn.Render()), Legend: drawn.LegendItems()}
}

func locksCard(r *result.Result, weak *caveats) card {
	c := card{Title: "Which locks are waited for?", Below: "locks", Marks: weak.of(lockSubjects()...)}
	c.Table = view.LockGrid("top-locks", "Lock wait per packet at the largest N", view.LastOfModes(r), cardRows)
	if len(c.Table.Rows) == 0 {
		c.Text = "No lock wait was recorded by a probe."
	}
	return c
}

func functionsCard(r *result.Result) card {
	c := card{Title: "Which functions weigh most?", Below: "functions"}
	runs := view.LastOfModes(r)
	runs = view.ByPMU(runs[:min(3, len(runs))]...)
	c.Table = view.Listing{ID: "top-functions", Caption: "Functions by self share of " + view.SamplesBy(runs...) +
		" at the largest N", What: "function", Rows: cardRows, Code: true,
		Of: func(r *result.Run) []result.Share { return view.AllCPUs(r).Functions }}.Table(runs)
	c.Table.Note = ""
	for i, run := range runs {
		c.Table.Head[i+1].Text = view.GroupLabel(run)
	}
	if len(c.Table.Rows) == 0 {
		c.Text = "not measured: the runs have no samples"
	}
	return c
}
