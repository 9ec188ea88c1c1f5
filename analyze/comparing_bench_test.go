package analyze

import (
	"testing"

	"xfrmscope/analyze/sides"
)

// BenchmarkCompare compares two sweeps of 4 N x 10 runs; what it takes is mostly
// the law's bootstrap and permutations.
func BenchmarkCompare(b *testing.B) {
	before, after := newLab(1, 4, 0.5).sweep("pcpu", 10, 1, 2, 4, 8),
		newLab(2, 3.5, 0.5).sweep("pcpu", 10, 1, 2, 4, 8)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sides.Compare(before, after, sides.CompareOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
