package page

import (
	"html/template"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/chart"
	"xfrmscope/reports/view"
)

// sasSection says which SA carried the packets, from which CPUs, and how it was
// found.
func sasSection(runs []*result.Run) section {
	s := section{ID: "sas", Nav: "SAs", Title: "Which SA carried the packets, and from which CPU?"}
	var matrices []part
	for _, i := range view.Pick(len(runs), maxMatrices) {
		if p, ok := matrixPart(runs[i], i); ok {
			matrices = append(matrices, p)
		}
	}
	s.Parts = append(s.Parts, matrices...)
	if t := view.SaTable(runs); len(t.Rows) > 0 {
		s.Parts = append(s.Parts, part{Table: t})
	}
	if t := view.LookupsTable(runs); len(t.Rows) > 0 {
		s.Parts = append(s.Parts, part{Heading: "How were SAs found?", Table: t})
	}
	if t := view.InboundTable(runs); len(t.Rows) > 0 {
		s.Parts = append(s.Parts, part{Table: t})
	}
	if len(s.Parts) == 0 {
		return section{}
	}
	return s
}

// maxMatrices bounds the runs whose matrix is shown.
const maxMatrices = 12

// matrixCells is the widest matrix printed in figures; a larger one is a
// bitmap.
const matrixCells = 16

// matrixPart is the SA x CPU matrix of a run.
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
