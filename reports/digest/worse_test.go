package digest

import (
	"strings"
	"testing"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
)

// A loss that no test holds stands before the rates, in a line of its own.
func TestWorseFirst(t *testing.T) {
	side := func(v float64) compare.Summary { return compare.Summary{N: 1, Median: v} }
	rate := func(before, after float64) compare.Comparison {
		return compare.Comparison{Metric: metric.RateID, Unit: "packets/s", Better: "higher",
			Verdict: compare.SamplingOnly, Before: side(before), After: side(after),
			Ratio: compare.Estimate{Value: after / before}}
	}
	var b strings.Builder
	r := &result.Result{Comparison: &result.Comparison{Rates: []result.CompareFamily{{Keys: []string{"N=1", "N=4"},
		Family: compare.Family{Comparisons: []compare.Comparison{rate(100, 85), rate(100, 170)}}}}}}
	if err := Write(&b, r); err != nil {
		t.Fatal(err)
	}
	const worse = "\nworse: N=1 packets/s -15.0%: not significant, one run\n"
	loss, gain := strings.Index(b.String(), worse), strings.Index(b.String(), "+70.0%")
	if loss < 0 || gain < loss || strings.Contains(b.String(), "worse: nothing") {
		t.Errorf("%q does not stand before the gain in\n%s", worse, b.String())
	}
}
