package chart

import (
	"math"
	"testing"
)

func TestTicks(t *testing.T) {
	for _, top := range []float64{.003, 1, 7, 54.6, 99, 100, 365_600, 1e12} {
		got := ticks(top, 5)
		if last := got[len(got)-1]; last < top*(1-1e-9) || last > 2.1*top || len(got) > 8 || len(got) < 3 {
			t.Errorf("ticks(%g) = %v", top, got)
		}
	}
	for _, top := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if got := ticks(top, 5); len(got) != 2 {
			t.Errorf("ticks(%g) = %v", top, got)
		}
	}
}
