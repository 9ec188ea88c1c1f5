package reports

import (
	"fmt"
	"strings"
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

// Missing, Lost and Unseen are the page's lists of notes.
func (p *page) Missing() noteList { return noteList{p.Total, p.Gaps} }
func (p *page) Lost() noteList    { return noteList{p.Total, p.Losses} }
func (p *page) Unseen() noteList  { return noteList{p.Total, p.Blind} }
func (p *page) NoMiss() noteList  { return noteList{p.Total, p.MissGaps} }

// Trust counts what weakens the numbers; the last two are listed below.
func (p *page) Trust() []tileRow {
	row := func(label string, n notes, below string) tileRow {
		return tileRow{Label: label, Value: fmt.Sprint(len(n)), N: below}
	}
	return []tileRow{
		row("kinds of warning", p.Warnings.kinds(), ""),
		row("kinds of loss", p.Losses.kinds(), "limits"),
		row("not measured", p.Gaps.byCause(), "limits"),
	}
}

// ECharts is the version of the chart library.
func (p *page) ECharts() string { return echartsVersion }

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
