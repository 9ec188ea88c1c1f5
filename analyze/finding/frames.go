package finding

import (
	"cmp"
	"fmt"
	"slices"

	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
)

// A GrowthPoint is the evidence of one mode for the questions "which functions
// stop scaling?" and "does the SA lookup walk?".
type GrowthPoint struct {
	Mode   string
	Frames *scaling.FrameTable // nil: no costs
	Walk   *scaling.Walk       // nil: xfrm_state_find was not timed
}

// Frames names the functions whose cost per packet grows with N by more than
// chance, over repeated runs.
func Frames(points []GrowthPoint) []result.Finding {
	var out []result.Finding
	for _, p := range points {
		if p.Frames == nil || p.Frames.Stops == 0 {
			continue
		}
		var stopping []scaling.FrameRow
		for _, r := range p.Frames.Rows {
			if r.Stops {
				stopping = append(stopping, r)
			}
		}
		slices.SortStableFunc(stopping, func(a, b scaling.FrameRow) int { return cmp.Compare(b.Added, a.Added) })
		var names, evidence []string
		for i, r := range stopping {
			names = append(names, fmt.Sprintf("%s (N^%.2f)", r.Key, r.Exponent.Slope.Value))
			if i < maxMoves {
				evidence = append(evidence, frameLine(r, p.Frames))
			}
		}
		f := result.Finding{
			ID:        "frames",
			Evidence:  evidence,
			NotProven: "A cause: a function that gets slower with N may only wait for lines that another one writes.",
			Next:      "its callers and misses in the flame graphs of the smallest and largest N",
		}
		f.Say(p.Mode, "%d of %d functions tested stop scaling: %s", p.Frames.Stops, p.Frames.Tested, listed(names))
		out = append(out, f)
	}
	return out
}

func frameLine(r scaling.FrameRow, t *scaling.FrameTable) string {
	s := fmt.Sprintf("%s: %.4g %s at N=%d, %.4g at N=%d", r.Key, r.Base, t.Unit, t.Base, r.AtLast, t.Last)
	if i := r.Exponent.Slope.Interval; i.Known() {
		s += fmt.Sprintf(", exponent %.2f (%.0f %% interval %.2f to %.2f)", r.Exponent.Slope.Value, 100*i.Level, i.Lo, i.Hi)
	}
	if r.First.N > 0 {
		s += fmt.Sprintf(", dearer from N=%d on", r.First.N)
	}
	return s
}

// Walk says whether xfrm_state_find gets slower with each SA in its bucket.
func Walk(points []GrowthPoint) []result.Finding {
	var out []result.Finding
	for _, p := range points {
		w := p.Walk
		if w == nil || w.Missing != nil {
			continue
		}
		i := w.PerSA.Interval
		slope := fmt.Sprintf("%.3g ns for each SA in the bucket", w.PerSA.Value)
		if i.Known() {
			slope += fmt.Sprintf(" (%.0f %% interval %.3g to %.3g)", 100*i.Level, i.Lo, i.Hi)
		}
		f := result.Finding{
			ID:        "walk",
			Evidence:  []string{slope, fmt.Sprintf("%.3g ns of a lookup are not of the walk; %d runs, up to %.0f SAs", w.Fixed.Value, w.Runs, w.Most)},
			NotProven: "That it is the walk alone: with more SAs more CPUs send, and lines that others write are read.",
			Next:      "the same N with more SAs that carry nothing: if the time grows, it is the walk",
		}
		if w.Walks {
			f.Say(p.Mode, "xfrm_state_find is O(SAs): %s, at %.0f SAs %.0f %% of the lookup", slope, w.Most, 100*w.Share)
		} else {
			f.Say(p.Mode, "xfrm_state_find was not shown to get slower with SAs: %s", slope)
		}
		out = append(out, f)
	}
	return out
}
