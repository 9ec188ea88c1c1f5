package page

import (
	"fmt"
	"html/template"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/flame"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// stillBytes bounds the static flame graphs beside a tree, some manyStills of
// them: a reader with scripts sees the tree only, and each is a file of its own, too.
const (
	stillBytes = 45_000
	manyStills = 6
)

// minTree is the least room that is worth a tree.
const minTree = 20_000

// addFlames adds the tree of all stacks and then, for readers without scripts, as
// many static flame graphs as find room, none on a page that is full: the runs
// at the largest N of their mode first. The page has size bytes without them.
func (p *page) addFlames(r *result.Result, o Options, size int) error {
	budget, stills := o.FlameBytes, stillBytes
	graphs := flame.Order(r)
	one := stillBytes / min(max(len(graphs), 1), manyStills)
	if least := 2 * flame.DefaultFlameBytes; budget == 0 {
		if budget = PageBytes - size; budget < least {
			budget, stills = least, 0
		}
	}
	if o.Static {
		stills, one = budget, 0
	} else if budget >= minTree {
		used, err := p.addTree(r, budget)
		if err != nil {
			return err
		}
		stills = min(stills, budget-used)
	}
	used, full := 0, budget < 0
	for i, f := range graphs {
		title := format.Name(fmt.Sprintf("%s, event %s", view.RunLabel(f.Run), f.Event.Name))
		var picture []byte
		if !full {
			picture = flame.Render(f.Event.Profile, flame.Options{Run: view.RunLabel(f.Run), MaxBytes: one},
				true)
			full = used+len(picture) > stills
		}
		if full {
			p.FlamesOut = append(p.FlamesOut, title)
			continue
		}
		used += len(picture)
		p.Flames = append(p.Flames, flame.Box{ID: fmt.Sprintf("flame-%d", i), Title: title,
			Picture: template.HTML(picture)})
	}
	if i := flame.MostSpinning(r, p.Flames); i >= 0 {
		p.Flames[i].Open = true
	}
	return nil
}

// addTree adds the tree of all stacks with its script, and says what they take.
func (p *page) addTree(r *result.Result, budget int) (used int, err error) {
	script, err := block("flame-script", flame.Script())
	if err != nil {
		return 0, err
	}
	room := max(budget-len(script)-len(flame.CSS), minTree)
	data, err := flame.Fit(r, room*4/5) // four bytes are five in the page
	if err != nil || data == nil {
		return 0, err
	}
	p.FlameTree, p.FlameScript = bytesBlock("flame-data", data), script
	p.Style += template.CSS(flame.CSS)
	return len(p.FlameTree) + len(script) + len(flame.CSS), nil
}

// flamesSection is printed by a template of its own, assets/flame.tmpl.
func flamesSection(r *result.Result) section {
	if len(flame.Order(r)) == 0 {
		return section{ID: "flames", Nav: "Flame graphs", Title: "Flame graphs",
			Parts: missing("not measured: no run has samples of call stacks")}
	}
	return section{ID: "flames", Nav: "Flame graphs", Title: "Where does the time go, stack by stack?"}
}
