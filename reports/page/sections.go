package page

import (
	"fmt"
	"html/template"
	"slices"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/chart"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

func runsSection(r *result.Result) section {
	s := section{ID: "runs", Nav: "Runs", Title: "Runs"}
	if len(result.RunsPresent(r)) == 0 {
		s.Parts = missing("The result holds no runs.")
		return s
	}
	s.Parts = []part{{Table: view.RunsTable(r)}}
	return s
}

func stagesSection(side []*result.Run, drawn figureBox) section {
	s := section{ID: "stages", Nav: "Cost by stage", Title: "What does a packet cost, and where?"}
	t := view.StageTable(view.ByPMU(side...))
	if len(t.Rows) == 0 {
		s.Parts = missing("not measured: no sample fell outside idle")
		return s
	}
	s.Parts = []part{{Figure: drawn}, {Table: t}}
	return s
}

func missesSection(runs, chosen, side, last []*result.Run) section {
	s := section{ID: "misses", Nav: "Cache misses", Title: "Where do cache misses fall?"}
	s.Parts = []part{{Table: view.MissTable(chosen, false)}}
	s.table(view.MissStages(last))
	for _, t := range view.MissFunctions(side) {
		s.add(part{Table: t})
	}
	s.table(view.IntensityTable(side))
	s.table(view.CountedTable(chosen))
	if each := view.MissTable(chosen, true); len(each.Rows) > 0 {
		s.add(folded("cache misses of every CPU", part{Table: each}))
	}
	s.add(part{Notes: view.NoteList{Total: len(runs), Notes: view.MissGaps(runs)}})
	return s
}

// functionsSection has one table for each event: events are never put together.
func functionsSection(side []*result.Run) section {
	s := section{ID: "functions", Nav: "Functions", Title: "Functions, runs side by side"}
	var seen []string
	for _, run := range side {
		for _, e := range run.Events {
			if slices.Contains(seen, e.Name) || len(seen) == maxEvents {
				continue
			}
			rows, main := 12, slices.Contains(run.Mains(), e)
			if main {
				rows = 20
			}
			f := eventFunctions(side, e, len(seen), rows)
			f.Open = main
			s.add(part{Fold: f})
			seen = append(seen, e.Name)
		}
	}
	if len(s.Parts) == 0 {
		s.Parts = missing("not measured: the runs have no samples")
	}
	return s
}

// maxEvents bounds the events that have a table.
const maxEvents = 16

// eventFunctions is the i-th event's functions.
func eventFunctions(side []*result.Run, e *result.Event, i, rows int) *fold {
	of := func(pick func(*result.Event) []result.Share) func(*result.Run) []result.Share {
		return func(r *result.Run) []result.Share {
			if same := r.Event(e.Name); same != nil {
				return pick(same)
			}
			return nil
		}
	}
	id, share := fmt.Sprintf("functions-%d", i), view.Weighed(e)
	if share != "busy" {
		share = view.SamplesOf(e)
	}
	t := view.Listing{ID: id, Caption: "Functions by self share of " + share + ", event " +
		format.Name(e.Name), What: "function", Rows: rows, Code: true,
		Of: of(func(e *result.Event) []result.Share { return e.All.Functions })}.Table(side)
	unmatched := view.Listing{ID: "un" + id, Caption: "Leaf functions that no stage claims, event " +
		format.Name(e.Name), What: "function", Rows: rows, Code: true,
		Of: of(func(e *result.Event) []result.Share { return e.Unmatched })}.Table(side)
	f := &fold{Summary: "event " + format.Name(e.Name), Small: format.Name(e.Unit), Parts: []part{{Table: t}}}
	if len(t.Rows) == 0 {
		f.Parts = missing("no sample fell outside idle")
	}
	if len(unmatched.Rows) > 0 {
		f.Parts = append(f.Parts, folded("functions no stage claims", part{Table: unmatched}))
	}
	return f
}

// layoutSection shows which fields of the kernel's structures share a cache
// line: a write to one makes readers of the others on another CPU wait.
func layoutSection(runs []*result.Run) section {
	s := section{ID: "layout", Nav: "Layout", Title: "Which fields share a cache line?"}
	var seen []string
	for _, r := range runs {
		for _, l := range r.Layouts {
			key := fmt.Sprintf("%s %d %v", l.Struct, l.Size, l.Fields)
			if slices.Contains(seen, key) || len(seen) == 8 || len(l.Fields) == 0 {
				continue
			}
			seen = append(seen, key)
			s.add(part{
				Heading: "struct " + format.Name(l.Struct), Text: fmt.Sprintf("%d bytes, from %s. "+
					"Each row is a line of %d bytes; a line with a written field and others is "+
					"hatched.", l.Size, format.OrUnknown(format.Name(l.Source)), view.LineBytes),
				Picture: template.HTML(chart.LayoutPicture(l)),
			}, folded("table of the fields", part{Table: view.LayoutTable(l, len(seen))}))
		}
	}
	return s
}

// sasSection says which SA carried the packets, from which CPUs, and how it was
// found.
func sasSection(runs []*result.Run) section {
	s := section{ID: "sas", Nav: "SAs", Title: "Which SA carried the packets, and from which CPU?"}
	for _, i := range view.Pick(len(runs), maxMatrices) {
		if p, ok := matrixPart(runs[i], i); ok {
			s.add(p)
		}
	}
	s.table(view.SAsTable(runs))
	if t := view.LookupsTable(runs); len(t.Rows) > 0 {
		s.add(part{Heading: "How were SAs found?", Table: t})
	}
	s.table(view.InboundTable(runs))
	return s
}

// maxMatrices bounds the runs whose matrix is shown.
const maxMatrices = 12

// matrixCells is the widest matrix printed in figures; a larger one is a
// bitmap.
const matrixCells = 16

func matrixPart(r *result.Run, i int) (part, bool) {
	m := r.Matrix
	if m == nil || len(m.Rows) == 0 || len(m.CPUs) == 0 {
		return part{}, false
	}
	f := folded(view.RunLabel(r) + ": SA by sending CPU")
	f.Fold.Open = len(m.CPUs) > 1 && len(m.Rows) <= matrixCells+1
	text := view.MatrixText(m)
	if len(m.CPUs) <= matrixCells && len(m.Rows) <= matrixCells+1 {
		f.Fold.Parts = []part{{Text: text}, {Table: view.MatrixTable(m, i)}}
		return f, true
	}
	f.Fold.Parts = []part{{Text: text, Picture: template.HTML(chart.MatrixPicture(m)), Muted: false}}
	return f, true
}

// checksSection is what must hold for the numbers to mean anything: gates, sums
// that two measurements give, what measuring cost, what moved meanwhile.
func checksSection(runs []*result.Run) section {
	s := section{ID: "checks", Nav: "Checks", Title: "Can these numbers be trusted?"}
	add := func(heading, text string, t view.Table) {
		if len(t.Rows) > 0 {
			s.add(part{Heading: heading, Text: text}, part{Table: t})
		}
	}
	add("Gates", "A failed gate takes the significance of a comparison back, never the number.",
		view.GatesTable(view.GateRows(runs), len(runs)))
	add("Cross-checks", "Each line is measured twice, by different means. A failed one marks the figures "+
		"that hang on it with ! and takes back the significance of changes in them.",
		view.ConsistencyTable(runs))
	add("What measuring cost", "Perf ran in the window of the samples; each probe in one of its own after it, "+
		"between windows without one.", view.PhaseTable(runs))
	add("What moved during a run", "", view.DriftTable(runs))
	return s
}
