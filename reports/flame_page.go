package reports

import (
	"fmt"
	"html/template"
	"slices"
	"xfrmscope/analyze"
)

// A flameBox is one flame graph of the page.
type flameBox struct {
	ID, Title string
	Open      bool
	Picture   template.HTML
}

// Of the room for flame graphs the static ones take at most stillShare: a
// reader with scripts sees the tree only.
const stillShare = 4

// minTree is the least room that is worth a tree.
const minTree = 20_000

// addFlames adds the tree of all stacks and, for readers without scripts, as
// many static flame graphs as find room: the runs at the largest N of their
// mode first. The page has size bytes without them.
func (p *page) addFlames(r *analyze.Result, o HTMLOptions, size int) error {
	budget := o.FlameBytes
	if budget == 0 {
		budget = max(PageBytes-size, 2*DefaultFlameBytes)
	}
	stills := max(budget/stillShare, DefaultFlameBytes)
	if o.Static {
		stills = budget
	}
	used, full := 0, budget < 0
	for i, f := range flameOrder(r) {
		title := name(fmt.Sprintf("%s, event %s", runLabel(f.run), f.event.Name))
		var picture []byte
		if !full {
			picture = renderFlame(f.event.Profile, FlameOptions{Run: runLabel(f.run)}, true)
			full = used+len(picture) > stills
		}
		if full {
			p.FlamesOut = append(p.FlamesOut, title)
			continue
		}
		used += len(picture)
		p.Flames = append(p.Flames, flameBox{ID: fmt.Sprintf("flame-%d", i), Title: title, Picture: template.HTML(picture)})
	}
	if i := mostSpinning(r, p.Flames); i >= 0 {
		p.Flames[i].Open = true
	}
	if o.Static || budget-used < minTree {
		return nil
	}
	data, err := fitTree(r, budget-used)
	if err == nil && data != "" {
		p.FlameTree, p.FlameScript = flameBlock(data), template.JS(flameScript())
		p.Style += template.CSS(flameCSS)
	}
	return err
}

type flameOf struct {
	run   *analyze.Run
	event *analyze.Event
}

// flameOrder lists the profiles: main events of the last runs of each mode,
// main events of the others, then the other events in the same order.
func flameOrder(r *analyze.Result) []flameOf {
	runs := lastOfModes(r)
	for _, run := range present(r) {
		if !slices.Contains(runs, run) {
			runs = append(runs, run)
		}
	}
	var first, then []flameOf
	for _, run := range runs {
		for _, e := range run.Events {
			switch {
			case e.Profile == nil:
			case e == run.Main():
				first = append(first, flameOf{run, e})
			default:
				then = append(then, flameOf{run, e})
			}
		}
	}
	return append(first, then...)
}

// mostSpinning is the flame graph to open: that of the last run of a mode that
// spins most.
func mostSpinning(r *analyze.Result, boxes []flameBox) int {
	best, most := -1, -1.0
	for i, f := range flameOrder(r)[:len(boxes)] {
		if s := shareOf(all(f.run).SpinShare); f.event == f.run.Main() && s > most {
			best, most = i, s
		}
	}
	return best
}

// flamesSection is printed by a template of its own, assets/flame.tmpl.
func flamesSection(r *analyze.Result) section {
	if len(flameOrder(r)) == 0 {
		return section{ID: "flames", Nav: "Flame graphs", Title: "Flame graphs", Parts: missing("not measured: no run has samples of call stacks")}
	}
	return section{ID: "flames", Nav: "Flame graphs", Title: "Where does the time go, stack by stack?"}
}
