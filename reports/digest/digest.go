package digest

import (
	"fmt"
	"io"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

const (
	digestColumns = 72 // a mail quotes it twice within 76
	digestLines   = 30
)

// Write writes the Result as a block of ASCII for a mail: at most 30 lines of
// 72 columns. What was run comes first, then the findings, the figures with
// their errors, what weakens them, what was not measured, and what this does
// not prove. What finds no room is counted, not dropped in silence.
func Write(w io.Writer, r *result.Result) error {
	var blocks []block
	switch runs := view.Present(r); {
	case r.Comparison != nil:
		blocks = compareBlocks(r)
	case len(runs) == 0:
		blocks = []block{{items: lineItems([]string{"xfrmscope report: no runs"})}}
	case len(runs) == 1:
		blocks = oneRunBlocks(r, runs[0])
	default:
		blocks = sweepBlocks(r, runs)
	}
	blocks = append(blocks, errorBlock(blocks))
	_, err := io.WriteString(w, strings.Join(fitBlocks(blocks, digestLines), "\n")+"\n")
	return err
}

// errorBlock says what stands after +-, if any does.
func errorBlock(blocks []block) block {
	for _, b := range blocks {
		for _, item := range b.items {
			if strings.Contains(strings.Join(item, ""), "+-") {
				return block{items: lineItems([]string{format.PlusMinus})}
			}
		}
	}
	return block{}
}

// whereLines says what was run and on what, in as few lines as hold it.
func whereLines(runs []*result.Run) []string {
	host, what := view.WhereText(runs)
	if lines := wrapped("%s", host); len(lines) == 1 {
		return append(lines, wrapped("%s", what)...)
	}
	return wrapped("%s; %s", format.ASCII(host, 150), format.ASCII(what, 150))
}

// wrapped formats and wraps with an indent of two.
func wrapped(form string, args ...any) []string {
	return format.Wrap(format.ASCII(fmt.Sprintf(form, args...), 320), "  ", "    ", digestColumns)
}

// labelled wraps sentences that each begin with the same word.
func labelled(label string, sentences ...string) [][]string {
	var items [][]string
	for _, s := range sentences {
		items = append(items, format.Wrap(format.ASCII(s, 260), label+": ", "  ", digestColumns))
	}
	return items
}

// maxFindings is how many findings stand before the table's rows: the rest go
// first.
const maxFindings = 6

// foundBlock has every claim; the findings come with the heaviest first.
func foundBlock(r *result.Result) block {
	claims := []string{"no finding was made from these figures"}
	if len(r.Findings) > 0 {
		claims = nil
	}
	for _, f := range r.Findings {
		claims = append(claims, format.OrDash(f.Claim))
	}
	return block{items: labelled("found", claims...), keep: maxFindings, least: 1, gap: true, rank: 1,
		noun: "finding"}
}

// noteItems prints sentences with the runs they hold for, if these are not all.
func noteItems(label string, n view.Notes, total int) [][]string {
	var sentences []string
	for _, x := range n {
		s := x.Text
		if len(x.Runs) > 0 && len(x.Runs) < total {
			s = format.ASCII(s, 200) + " (" + x.RunsText(total) + ")"
		}
		sentences = append(sentences, s)
	}
	return labelled(label, sentences...)
}

// endBlocks are the blocks both forms end with.
func endBlocks(r *result.Result, total int) []block {
	warn, lost, unmeasured, unseen := view.Warnings(r).Kinds(), view.Losses(r).Kinds(), view.Gaps(r).ByCause(),
		view.Blind(r)
	weak := block{keep: 1, least: 1, gap: true, rank: 5, noun: "caveat",
		items: append(noteItems("warning", warn, total), noteItems("lost", lost, total)...),
		brief: append(noteItems("warning", warn.Brief(), total), noteItems("lost", lost.Brief(), total)...),
	}
	if len(weak.items) == 0 {
		weak.items, weak.brief = labelled("lost", "nothing that was counted; no warnings"), nil
	}
	limits := view.NotProven(r)
	var short []string
	for _, l := range limits {
		short = append(short, view.Brief(l))
	}
	return []block{weak,
		{keep: 1, rank: 6, noun: "gap",
			items: append(noteItems("not measured", unmeasured, total), noteItems("not seen", unseen,
				total)...),
			brief: append(noteItems("not measured", unmeasured.Brief(), total),
				noteItems("not seen", unseen.Brief(), total)...)},
		{rank: 7, noun: "limit", items: labelled("not proven", limits...), brief: labelled("not proven",
			short...)},
	}
}
