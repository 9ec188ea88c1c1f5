package view

import (
	"fmt"
	"testing"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
)

// What got worse is told with how sure that is, what holds first, then the
// largest change; gains and changes too small to matter are not.
func TestWorsened(t *testing.T) {
	rate := func(verdict compare.Verdict, runs int, before, after float64) compare.Comparison {
		side := func(v float64) compare.Summary { return compare.Summary{N: runs, Median: v} }
		return compare.Comparison{Metric: metric.RateID, Unit: "packets/s", Better: "higher", Verdict: verdict,
			Before: side(before), After: side(after), Ratio: compare.Estimate{Value: after / before},
			Test: compare.Test{P: .31}}
	}
	held := rate(compare.Changed, 5, 100, 98)
	held.Significant, held.Effect = true, "worse"
	family := compare.Family{Comparisons: []compare.Comparison{rate(compare.SamplingOnly, 1, 100, 85),
		rate(compare.TooFew, 3, 100, 80), rate(compare.NotShown, 5, 100, 97), held,
		rate(compare.NotShown, 5, 100, 99.5), rate(compare.SamplingOnly, 1, 100, 170)}}
	c := &result.Comparison{Worse: []result.CompareAt{{N: 8, C: held}},
		Headline: []result.CompareAt{{N: 1, C: family.Comparisons[0]}},
		Rates: []result.CompareFamily{{Keys: []string{"N=1", "N=2", "N=4", "N=8", "N=16", "N=32"},
			Family: family}}}
	var got []string
	for _, w := range Worsened(c) {
		got = append(got, w.At+" "+w.What+": "+w.Certainty)
	}
	want := []string{"N=8 packets/s: ", "N=2 packets/s: not significant (3 and 3 runs)",
		"N=1 packets/s: not significant (1 run)", "N=4 packets/s: not significant (p = 0.310)"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
