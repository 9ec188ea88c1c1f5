package page

import (
	"fmt"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/view"
)

// firstClaims bounds the findings that stand open on the first screen.
const firstClaims = 5

// FirstClaims and MoreClaims part the findings, which come heaviest first.
func (p *page) FirstClaims() []claim { return p.Claims[:min(firstClaims, len(p.Claims))] }

func (p *page) MoreClaims() []claim { return p.Claims[min(firstClaims, len(p.Claims)):] }

// weakKinds bounds the kinds of warnings on the first screen.
const weakKinds = 3

// Weak is what the first screen says against the numbers, Each every warning
// by itself if that is more.
func (p *page) Weak() view.NoteList {
	kinds := p.Warnings.Kinds()
	return view.NoteList{Total: p.Total, Notes: kinds[:min(weakKinds, len(kinds))]}
}

func (p *page) Each() view.NoteList {
	if len(p.Warnings) == len(p.Weak().Notes) {
		return view.NoteList{}
	}
	return view.NoteList{Total: p.Total, Notes: p.Warnings}
}

// trustRows counts what weakens the numbers; N is the section that lists it.
func trustRows(r *result.Result) []tileRow {
	row := func(label string, n int, below string) tileRow {
		return tileRow{Label: label, Value: fmt.Sprint(n), N: below}
	}
	rows := []tileRow{
		row("kinds of warning", len(view.Warnings(r).Kinds()), ""),
		row("kinds of loss", len(view.Losses(r).Kinds()), "limits"),
		row("not measured", len(view.Gaps(r).ByCause()), "limits"),
	}
	gates, failed, sums, broken := 0, 0, 0, 0
	for _, run := range view.Present(r) {
		for _, g := range run.Gates {
			gates++
			if view.StatusRank(g.Status) == 0 {
				failed++
			}
		}
		for _, i := range run.ConsistencyChecks {
			sums++
			if view.StatusRank(i.Verdict) == 0 {
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
func limitsSection(r *result.Result) section {
	total := len(view.Present(r))
	list := func(heading string, n view.Notes, none string) part {
		if len(n) == 0 {
			return part{Heading: heading, Text: none}
		}
		return part{Heading: heading, Notes: view.NoteList{Total: total, Notes: n}}
	}
	s := section{ID: "limits", Nav: "Limits", Title: "Limits of these numbers", Parts: []part{
		list("Not measured", view.Gaps(r), "Nothing that was asked for is missing."),
		list("Lost", view.Losses(r), "No loss was counted."),
	}}
	if n := view.Blind(r); len(n) > 0 {
		s.add(list("Blind spots", n, ""))
	}
	s.add(part{Heading: "What this does not prove", List: view.NotProven(r)},
		folded("how each number is made", part{Table: view.FormulaTable()}))
	return s
}
