package analyze

import (
	"slices"
	"testing"

	"xfrmscope/analyze/testdata/testrun"
)

// What a bounce is read from stays: the lengths in the run, and on one CPU.
func TestFastHistograms(t *testing.T) {
	runs := analyse(t, testrun.Make("pcpu", 1).Open(t, "a"), testrun.Make("pcpu", 2).Open(t, "b")).Runs
	want := []uint64{0, 0, 0, 0, 0, 0, 0, 0, 98}
	for _, r := range runs {
		for _, l := range r.Locks.Rows {
			if !slices.Equal(l.FastHist, want) || (l.Floor == nil) != (r.N == 1) ||
				l.Floor != nil && !slices.Equal(l.Floor.Hist, want) {
				t.Errorf("N=%d: %v above %+v, want %v in both", r.N, l.FastHist, l.Floor, want)
			}
		}
	}
}
