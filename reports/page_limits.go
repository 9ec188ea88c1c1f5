package reports

import (
	"fmt"
	"strings"
	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
)

// A noteList is notes with the number of runs they may hold for.
type noteList struct {
	Total int
	Notes notes
}

// firstClaims bounds the findings that stand open on the first screen.
const firstClaims = 5

// FirstClaims and MoreClaims part the findings, which come heaviest first.
func (p *page) FirstClaims() []claim { return p.Claims[:min(firstClaims, len(p.Claims))] }
func (p *page) MoreClaims() []claim  { return p.Claims[min(firstClaims, len(p.Claims)):] }

// weakKinds bounds the kinds of warnings on the first screen.
const weakKinds = 3

// Weak is what the first screen says against the numbers, Each every warning
// by itself if that is more.
func (p *page) Weak() noteList {
	kinds := p.Warnings.kinds()
	return noteList{p.Total, kinds[:min(weakKinds, len(kinds))]}
}

func (p *page) Each() noteList {
	if len(p.Warnings) == len(p.Weak().Notes) {
		return noteList{}
	}
	return noteList{p.Total, p.Warnings}
}

// trustRows counts what weakens the numbers; N is the section that lists it.
func trustRows(r *analyze.Result) []tileRow {
	row := func(label string, n int, below string) tileRow {
		return tileRow{Label: label, Value: fmt.Sprint(n), N: below}
	}
	rows := []tileRow{
		row("kinds of warning", len(warnings(r).kinds()), ""),
		row("kinds of loss", len(losses(r).kinds()), "limits"),
		row("not measured", len(gaps(r).byCause()), "limits"),
	}
	gates, failed, sums, broken := 0, 0, 0, 0
	for _, run := range present(r) {
		for _, g := range run.Gates {
			gates++
			if statusRank(g.Status) == 0 {
				failed++
			}
		}
		for _, i := range run.Identities {
			sums++
			if statusRank(i.Verdict) == 0 {
				broken++
			}
		}
	}
	if gates > 0 {
		rows = append(rows, row("failed gates", failed, "checks"))
	}
	if sums > 0 {
		rows = append(rows, row("broken sums", broken, "checks"))
	}
	return rows
}

// limitsSection is what the numbers do not say.
func limitsSection(r *analyze.Result) section {
	total := len(present(r))
	list := func(heading string, n notes, none string) part {
		if len(n) == 0 {
			return part{Heading: heading, Text: none}
		}
		return part{Heading: heading, Notes: noteList{total, n}}
	}
	s := section{ID: "limits", Nav: "Limits", Title: "Limits of these numbers", Parts: []part{
		list("Not measured", gaps(r), "Nothing that was asked for is missing."),
		list("Lost", losses(r), "No loss was counted."),
	}}
	if n := blind(r); len(n) > 0 {
		s.Parts = append(s.Parts, list("Blind spots", n, ""))
	}
	return section{s.ID, s.Nav, s.Title, append(s.Parts,
		part{Heading: "What this does not prove", List: notProven(r)},
		folded("how each number is made", part{Table: formulaTable()}))}
}

func formulaTable() table {
	t := table{ID: "formulas", Caption: "Formulas", Head: []column{{Text: "figure"}, {Text: "formula"}, {Text: "read from"}}}
	for _, f := range metric.Catalogue() {
		t.Rows = append(t.Rows, []cell{{Text: f.Name}, {Text: f.Text}, {Text: f.Source}})
	}
	return t
}

// Show is a note's sentence, ShowFix what to do, Where the runs it holds for,
// Labels their names.
func (n note) Show() string    { return visible(n.Text, 500) }
func (n note) ShowFix() string { return visible(n.Fix, 300) }
func (n note) Labels() string  { return visible(strings.Join(n.labels(), ", "), 400) }
func (n note) Where(total int) string {
	if total < 2 {
		return ""
	}
	return visible(n.runsText(total), 160)
}
