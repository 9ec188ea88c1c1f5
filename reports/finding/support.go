package finding

import (
	"fmt"
	"slices"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/curves"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// A shown is the smallest change that two sides of runs like those of one curve
// at one N would show.
type shown struct {
	ratedCurve
	n, runs int
	compare.Detectable
}

// support: what can the number of a traffic generator's runs show? It is said
// before anybody reads a difference into two curves.
func support(r *result.Result) []result.Finding {
	var all, known []shown
	for _, c := range ratedCurves(r) {
		if c.generated() {
			all = append(all, shownBy(c, curves.RatingOf(r.Runs))...)
		}
	}
	if len(all) == 0 {
		return nil
	}
	first, most := all[0], 0 // first: of those with fewest runs
	var lines []string
	for _, s := range all {
		if s.runs < first.runs {
			first = s
		}
		most = max(most, s.runs)
		line := fmt.Sprintf("%s, %s: ", s.Mode, s.of(s.n))
		if s.Known() {
			known = append(known, s)
			line += format.InPercent(s.Change, 2)
		} else {
			line += "none, " + s.Missing.Text
		}
		lines = append(lines, line)
	}
	least := first.runs
	runs := format.Counted(least, "run")
	if most > least {
		runs = fmt.Sprintf("%d to %d runs", least, most)
	}
	f := result.Finding{
		ID:        "support",
		NotProven: "The error between boots, RSS hashes and days: the runs followed one another on one set-up.",
		Next:      "10 runs a side and more, in blocks of A B B A with a boot or a set-up each",
	}
	if len(known) == 0 {
		why := fmt.Sprintf("%d a side are needed", compare.MinRuns)
		if most >= compare.MinRuns {
			why = all[len(all)-1].Missing.Text
		}
		support := "support"
		if most == 1 {
			support = "supports"
		}
		f.Claim = fmt.Sprintf("%s a point %s no claim of a change: %s", runs, support, why)
		return []result.Finding{f}
	}
	low, high := known[0], known[0]
	for _, s := range known {
		if s.Change < low.Change {
			low = s
		}
		if s.Change > high.Change {
			high = s
		}
	}
	span := low.text()
	if format.InPercent(high.Change, 1) != format.InPercent(low.Change, 1) {
		span += " to " + high.text()
	}
	f.Claim = fmt.Sprintf("%s a point support claims of a change of %s, none of less", runs, span)
	p := compare.PText(compare.UTest(ascending(least, 0), ascending(least, least)).Smallest)
	f.Evidence = append([]string{
		fmt.Sprintf("smallest p of %d and %d runs: %s; a 95 %% interval of a median needs 6 runs", least, least,
			p),
		fmt.Sprintf("change that two sides of such runs would show with probability %s, at level %s, by "+
			"mode and %s:", format.Places(low.Power, 1), format.Figures(low.Alpha, 2), first.factor),
	}, lines...)
	return []result.Finding{f}
}

func (s shown) text() string {
	return fmt.Sprintf("%s (%s, %s)", format.InPercent(s.Change, 1), s.Mode, s.of(s.n))
}

// shownBy is what two sides of the runs of a curve would show, N by N.
func shownBy(c ratedCurve, by curves.Rating) []shown {
	values := map[int][]float64{}
	var ns []int
	for _, r := range c.runs {
		if v := by.Of(r); v.Measured() {
			values[r.N] = append(values[r.N], v.Value)
			ns = result.AppendNew(ns, r.N)
		}
	}
	slices.Sort(ns)
	var out []shown
	for _, n := range ns {
		s := compare.Series{Unit: by.Unit, Values: values[n]}
		out = append(out, shown{c, n, len(values[n]), compare.Detect(s, s, compare.Options{})})
	}
	return out
}

// ascending returns n values from first on.
func ascending(n, first int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(first + i)
	}
	return out
}
