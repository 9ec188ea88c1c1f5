package digest

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// commitRows is how many rows of a commit table leave room for what it hangs on.
const commitRows = 16

// CommitTable writes the table of the digest alone, for a commit message, as kernel
// commit 10a118619439 ("xfrm: Refactor xfrm_input lock to reduce contention with
// RSS") has one: with more rows, and below it what that leaves out: the machine,
// the runs, the errors, and how many caveats the digest has.
func CommitTable(w io.Writer, r *result.Result) error {
	runs := result.RunsPresent(r)
	blocks := []block{{items: lineItems([]string{"no runs"})}}
	if len(runs) > 0 {
		notes := newFootnotes(r, runs)
		blocks = []block{tableBlock(newSheet(r, commitRows), notes),
			{items: commitFoot(r, runs, notes), gap: true}}
		blocks[0].gap = false
	}
	_, err := io.WriteString(w, strings.Join(fitBlocks(blocks, digestLines), "\n")+"\n")
	return err
}

// commitFoot says what the table was measured on and how sure it is.
func commitFoot(r *result.Result, runs []*result.Run, notes *footnotes) [][]string {
	items := append(notes.items(), wrapped("", "  ", setupText(r, runs)), wrapped("", "  ", errorsText(r, runs)))
	if c := r.Comparison; c != nil {
		if few := view.FewBoots(c); few != "" {
			items = append(items, wrapped("", "  ", "nothing is significant: "+few))
		}
	}
	if n := len(caveatTexts(r, runs)); n > 0 {
		items = append(items, []string{fmt.Sprintf("caveats: %d, see digest.txt", n)})
	}
	return items
}

// errorsText gives the largest errors of what the table shows.
func errorsText(r *result.Result, runs []*result.Run) string {
	var parts []string
	spread := 0.0
	for _, c := range view.Contrasted(r) {
		for _, f := range c.Rates {
			for _, one := range f.Family.Comparisons {
				spread = max(spread, format.HalfWidth(one.Before), format.HalfWidth(one.After))
			}
		}
	}
	if spread > 0 {
		parts = append(parts, "packets/s "+format.Significant(100*spread, 2)+" % over runs")
	}
	var cost, spin float64
	for _, run := range view.ByPMU(runs...) {
		a := view.AllCPUs(run)
		if v := a.PerPacket; format.Finite(v) && v.Value > 0 {
			cost = max(cost, format.OrZero(v.Half())/v.Value)
		}
		spin = max(spin, format.OrZero(a.SpinShare.Half()))
	}
	if cost > 0 {
		parts = append(parts, fmt.Sprintf("%s %s %%", costTitle(runs), format.Significant(100*cost, 2)))
	}
	if spin > 0 {
		parts = append(parts, fmt.Sprintf("spinning %s points", format.Significant(100*spin, 2)))
	}
	if len(parts) == 0 {
		return "errors are not known"
	}
	return "+- at most, 95 %: " + strings.Join(slices.Compact(parts), ", ")
}
