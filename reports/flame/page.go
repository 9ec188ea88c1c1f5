package flame

import (
	"html/template"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// A Box is one flame graph of the page.
type Box struct {
	ID, Title string
	Open      bool
	Picture   template.HTML
}

type Graph struct {
	Run   *result.Run
	Event *result.Event
}

// Order lists the profiles: main events of the last runs of each mode,
// main events of the others, then the other events in the same order.
func Order(r *result.Result) []Graph {
	runs := view.LastOfModes(r)
	for _, run := range result.RunsPresent(r) {
		runs = result.AppendNew(runs, run)
	}
	var first, then []Graph
	for _, run := range runs {
		for _, e := range run.Events {
			switch {
			case e.Profile == nil:
			case e == run.Main():
				first = append(first, Graph{run, e})
			default:
				then = append(then, Graph{run, e})
			}
		}
	}
	return append(first, then...)
}

// MostSpinning is the flame graph to open: that of the last run of a mode that
// spins most.
func MostSpinning(r *result.Result, boxes []Box) int {
	best, most := -1, -1.0
	for i, f := range Order(r)[:len(boxes)] {
		if s := format.ShareOf(view.AllCPUs(f.Run).SpinShare); f.Event == f.Run.Main() && s > most {
			best, most = i, s
		}
	}
	return best
}
