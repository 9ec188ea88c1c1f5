package digest

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// WriteKTAP writes a comparison as the Kernel Test Anything Protocol, version 1
// (https://docs.kernel.org/dev-tools/ktap.html): a line for each headline figure,
// each row of the rates and each condition. What is significantly worse, or met a
// condition, is "not ok"; what was not measured is skipped and says why.
func WriteKTAP(w io.Writer, r *result.Result) error {
	var lines []string
	add := func(failed bool, name, about string) {
		outcome := "ok"
		if failed {
			outcome = "not ok"
		}
		lines = append(lines, fmt.Sprintf("%s %d %s # %s", outcome, len(lines)+1, ktapText(name),
			ktapText(about)))
	}
	for _, h := range r.Comparison.Headline {
		add(h.C.Effect == "worse", fmt.Sprintf("headline %s N=%d %s", h.Mode, h.N, h.C.Metric), ktapChange(h.C))
	}
	for _, f := range r.Comparison.Rates {
		for i, c := range f.Family.Comparisons {
			add(c.Effect == "worse", f.Keys[i]+" "+c.Metric, ktapChange(c))
		}
	}
	for _, j := range r.Comparison.Judgements {
		name := strings.Join(strings.Fields(fmt.Sprintf("fail-on %s %s N=%d %s", j.Condition, j.Mode, j.N,
			j.Of)), " ")
		about := ktapChange(j.C)
		if j.Why != "" {
			about = "SKIP " + j.Why
		}
		add(j.Outcome == result.Regression, name, about)
	}
	_, err := fmt.Fprintf(w, "KTAP version 1\n1..%d\n%s\n", len(lines), strings.Join(lines, "\n"))
	return err
}

// ktapChange is what follows the name: the change, or why there is none.
func ktapChange(c compare.Comparison) string {
	if !c.Ratio.Known() && !c.Difference.Known() {
		return "SKIP " + cmp.Or(format.ReasonText(c.Ratio.Missing), "not measured")
	}
	text := fmt.Sprintf("%s -> %s %s, %s; %s", format.MedianText(c.Before, 1, 4),
		format.MedianText(c.After, 1, 4), c.Unit, format.ChangeOf(c.Ratio, c.Difference, c.Unit),
		c.Verdict)
	if why := format.DoubtText(c); why != "" {
		text += "; ! " + why
	}
	return text
}

// ktapText has no control character, and no '#', which would begin a directive.
func ktapText(s string) string { return strings.ReplaceAll(format.ASCII(s, 400), "#", `\x23`) }
