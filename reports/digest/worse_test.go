package digest

import (
	"strings"
	"testing"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
)

// A loss that no test holds has a line of its own, and a gain has none.
func TestWorseFirst(t *testing.T) {
	side := func(v float64) compare.Summary { return compare.Summary{N: 1, Median: v} }
	rate := func(before, after float64) compare.Comparison {
		return compare.Comparison{Metric: metric.RateID, Unit: "packets/s", Better: "higher",
			Verdict: compare.SamplingOnly, Before: side(before), After: side(after),
			Ratio: compare.Estimate{Value: after / before,
				Interval: compare.Interval{Lo: .8, Hi: .9, Level: .95}}}
	}
	var b strings.Builder
	r := &result.Result{Comparison: &result.Comparison{Rates: []result.CompareFamily{{Keys: []string{"N=1", "N=4"},
		Family: compare.Family{Comparisons: []compare.Comparison{rate(100, 85), rate(100, 170)}}}}}}
	block, _ := worseBlock(r)
	for _, item := range block.items {
		b.WriteString(strings.Join(item, " ") + "\n")
	}
	if got, want := b.String(),
		"Worse: packets/s at N=1 -15 % (95 %: -20 to -10), not significant (1   run)\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
