package checks

import (
	"slices"
	"testing"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// A number has the caveats of what it hangs on, each kind once, and those of its own
// event.
func TestCaveats(t *testing.T) {
	r := &result.Run{
		Events: []*result.Event{{Name: "cycles", Warnings: []bundle.Warning{
			{Kind: bundle.WarnCoverage, Weakens: metric.CostID}}}, {Name: "cpu-clock"}},
		Warnings: []bundle.Warning{{Kind: bundle.WarnPerf, Weakens: metric.CostID},
			{Kind: bundle.WarnProbe, Weakens: metric.WaitsID},
			{Kind: bundle.WarnDoubt, Weakens: metric.RateID},
			{Kind: bundle.WarnProbe, Weakens: metric.FindID}},
		Manifest: bundle.Manifest{
			Warnings: []bundle.Warning{{Weakens: metric.RateID}, {Weakens: metric.RateID}}},
	}
	for _, tt := range []struct {
		event string
		v     metric.Value
		want  []string
	}{
		{"cycles", metric.Value{ID: metric.SpinCostID}, []string{"perf-effect", "coverage"}},
		{"cpu-clock", metric.Value{ID: metric.CostID}, []string{"perf-effect"}},
		{"", metric.Value{ID: metric.WaitP99ID, High: 1}, []string{"loss", "probe-effect"}},
		{"", metric.Value{ID: metric.WalkID}, []string{"probe-effect"}},
		{"", metric.Value{ID: metric.RateID, Losses: make([]bundle.Loss, 1)}, []string{"loss", "warning"}},
		{"", metric.Value{ID: metric.JainID}, nil},
	} {
		if got := Caveats(r, tt.event, tt.v); !slices.Equal(got, tt.want) {
			t.Errorf("%s of %q: %q, want %q", tt.v.ID, tt.event, got, tt.want)
		}
	}
	notes := Notes([]*result.Run{r, {}}, func(*result.Run) (string, metric.Value) {
		return "", metric.Value{ID: metric.WalkID}
	})
	if len(notes) != 1 || notes[0] != *compare.Because(compare.Weakened, "probe-effect (1 of 2 runs)") {
		t.Errorf("notes %+v", notes)
	}
}
