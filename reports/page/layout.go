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
			s.Parts = append(s.Parts, part{
				Heading: "struct " + format.Name(l.Struct), Text: fmt.Sprintf("%d bytes, from %s. Each row is a line of %d bytes; a line with a written field and others is hatched.", l.Size, format.OrUnknown(format.Name(l.Source)), view.LineBytes),
				Picture: template.HTML(chart.LayoutPicture(l)),
			}, folded("table of the fields", part{Table: view.LayoutTable(l, len(seen))}))
		}
	}
	if len(s.Parts) == 0 {
		return section{}
	}
	return s
}
