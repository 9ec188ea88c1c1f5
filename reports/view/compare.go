package view

import (
	"cmp"
	"fmt"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
	"xfrmscope/reports/format"
)

func FamilyCaption(f result.CompareFamily) string {
	s := format.Name(cmp.Or(f.Family.Name, "family"))
	if f.Family.Tested == 0 {
		return s + fmt.Sprintf(": not tested, which takes %d runs a side", compare.MinRuns)
	}
	return fmt.Sprintf("%s: %d tested together, %d hold (%s q below %s)", s, f.Family.Tested,
		f.Family.Significant, cmp.Or(f.Family.Method, compare.MethodBH),
		format.Significant(f.Family.Options.Defaults().Alpha, 2))
}

// ChangeTable is an empty table of comparisons.
func ChangeTable(id, caption, what string) Table {
	return Table{ID: id, Caption: caption, Head: Heads(what, "before#|median [interval]",
		"after#|median [interval]", "unit", "change#|% [interval]", "p#", "q#||p corrected for the family",
		"verdict", "would have shown#|%, at least")}
}

func ChangeRow(what Cell, c compare.Comparison) []Cell {
	side := func(s compare.Summary) Cell {
		k := format.UnitScale(c.Unit)
		s.Median, s.Interval.Lo, s.Interval.Hi = s.Median*k, s.Interval.Lo*k, s.Interval.Hi*k
		return summaryCell(s, 1)
	}
	change := Cell{Text: format.Pretty(format.ChangeText(c)), Number: true, Sort: "0"}
	if c.Ratio.Known() {
		change = Cell{Text: format.Pretty(strings.TrimSuffix(format.ChangePercent(c.Ratio.Value), " %")),
			Number: true, Sort: format.Exact(c.Ratio.Value - 1), Title: format.LevelText(c.Ratio.Interval)}
		change = change.bracketed(format.ChangeInterval(c), 100)
	}
	p := func(v float64) Cell { return Cell{Text: compare.PText(v), Number: true, Sort: format.Exact(v)} }
	q := NoCell("2")
	if c.Q != nil {
		q = p(*c.Q)
	}
	test := Cell{Text: "–", Muted: true, Number: true, Sort: "2",
		Title: format.Name(format.ReasonText(c.Test.Missing))}
	if format.Tested(c) {
		test = p(c.Test.P)
		test.Title = format.Name(c.Test.Method)
	}
	could := Cell{Text: "–", Muted: true, Number: true, Sort: "0",
		Title: format.Name(format.ReasonText(c.Detectable.Missing))}
	if c.Detectable.Known() {
		could = percentOf(c.Detectable.Change)
	}
	return []Cell{what, side(c.Before), side(c.After), TextCell(format.ShownUnit(c.Unit)), change, test, q,
		verdictCell(c), could}
}

// verdictCell marks what holds with a star, and its direction by a sign.
func verdictCell(c compare.Comparison) Cell {
	out := Cell{Text: format.Name(string(c.Verdict)), Muted: true, Title: strings.Join(format.ReasonTexts(c.Notes),
		"; ")}
	if c.Significant {
		sign := map[string]string{"better": "▼ better", "worse": "▲ worse"}[c.Effect]
		if c.Better == "higher" {
			sign = map[string]string{"better": "▲ better", "worse": "▼ worse"}[c.Effect]
		}
		out.Text, out.Muted, out.Warn = "★ "+cmp.Or(sign, "changed"), false, c.Effect == "worse"
	}
	return out
}

func LawRow(mode, what string, b, a scaling.Parameter, change scaling.ParameterChange, why *compare.Reason) []Cell {
	parameter := func(p scaling.Parameter) Cell {
		return estimateCell(compare.Estimate{Value: p.Value, Interval: p.Interval}, 1)
	}
	words, p := Cell{Text: "no change shown", Muted: true}, Cell{Text: compare.PText(change.P), Number: true,
		Sort: format.Exact(change.P)}
	switch {
	case why != nil:
		words, p = Cell{Text: "not tested", Title: format.Name(format.ReasonText(why)), Muted: true},
			NoCell("2")
	case change.Significant && change.Difference.Value < 0:
		words = Cell{Text: "★ ▼ better"}
	case change.Significant:
		words = Cell{Text: "★ ▲ worse", Warn: true}
	}
	return []Cell{TextCell(mode), TextCell(what), parameter(b), parameter(a), estimateCell(change.Difference, 1),
		p, words}
}

func PeakCell(p scaling.Peak) Cell {
	if p.Missing != nil {
		return missingCell(p.Missing)
	}
	c := numberOf(p.N)
	c.Text = format.Pretty(format.Significant(p.N, 3))
	if p.Beyond {
		c.Small = "beyond the data"
	}
	return c
}
