package finding

import (
	"cmp"
	"fmt"
	"slices"

	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
	"xfrmscope/reports/format"
)

// frames: which functions' cost per packet grows with N by more than chance,
// over repeated runs?
func frames(r *result.Result) []result.Finding {
	var out []result.Finding
	for _, c := range r.Curves {
		for _, cost := range c.Costs() {
			if cost.Frames != nil && cost.Frames.Stops > 0 {
				out = append(out, framesOf(c.Mode, cost))
			}
		}
	}
	return out
}

func framesOf(mode string, c *result.CurveCost) result.Finding {
	stopping := slices.DeleteFunc(slices.Clone(c.Frames.Rows), func(r scaling.FrameRow) bool { return !r.Stops })
	slices.SortStableFunc(stopping, func(a, b scaling.FrameRow) int { return cmp.Compare(b.Added, a.Added) })
	var names, evidence []string
	for i, row := range stopping {
		names = append(names, fmt.Sprintf("%s (N^%s)", row.Key, exponent(row.Exponent.Slope.Value)))
		if i < maxLines {
			evidence = append(evidence, frameLine(row, c.Frames))
		}
	}
	f := result.Finding{
		ID:       "frames",
		Evidence: evidence,
		NotProven: "A cause: a function that gets slower with N may only wait for lines that another " +
			"one writes.",
		Next: "its callers and misses in the flame graphs of the smallest and largest N",
	}
	if c.Event != "" {
		mode += ", " + c.Event
	}
	f.Say(mode, "%d of %d functions tested stop scaling: %s", c.Frames.Stops, c.Frames.Tested, listed(names))
	return f
}

func exponent(v float64) string { return format.Places(v, 2) }

func frameLine(r scaling.FrameRow, t *scaling.FrameTable) string {
	s := fmt.Sprintf("%s: %s %s at N=%d, %s at N=%d", r.Key, format.Figures(r.Base, 4), t.Unit, t.Base,
		format.Figures(r.AtLast, 4), t.Last)
	if slope := r.Exponent.Slope; slope.Interval.Known() {
		s += ", exponent " + exponent(slope.Value) + format.Within(slope.Interval, exponent)
	}
	if r.First.N > 0 {
		s += fmt.Sprintf(", dearer from N=%d on", r.First.N)
	}
	return s
}
