package finding

import (
	"fmt"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// walk: does xfrm_state_find get slower with each SA in its bucket?
func walk(r *result.Result) []result.Finding {
	var out []result.Finding
	for _, c := range r.Curves {
		w := c.Walk
		if w == nil || w.Missing != nil {
			continue
		}
		slope := format.ThreeDigits(w.PerSA.Value) + " ns for each SA in the bucket" +
			format.Within(w.PerSA.Interval, format.ThreeDigits)
		f := result.Finding{
			ID: "walk",
			Evidence: []string{slope,
				fmt.Sprintf("%s ns of a lookup are not of the walk; %d runs, up to %s SAs",
					format.ThreeDigits(w.Fixed.Value), w.Runs, format.Places(w.Most, 0))},
			NotProven: "That it is the walk alone: with more SAs more CPUs send, and lines that others " +
				"write are read.",
			Next: "the same N with more SAs that carry nothing: if the time grows, it is the walk",
		}
		f.Say(c.Mode, "xfrm_state_find was not shown to get slower with SAs: %s", slope)
		if w.Walks {
			f.Say(c.Mode, "xfrm_state_find is O(SAs): %s, at %s SAs %s of the lookup",
				slope, format.Places(w.Most, 0), format.InPercent(w.Share, 0))
		}
		out = append(out, f)
	}
	return out
}
