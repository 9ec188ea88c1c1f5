package metric

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// What stands after +- is of 95 %: of a sampling error by the normal law, of a
// spread of few repeats by Student's t (R: qt(.975, df)).
func TestHalf(t *testing.T) {
	for _, tt := range []struct{ df, want float64 }{
		{0, 1.96}, {1, 12.7062}, {2, 4.30265}, {4, 2.77645}, {1000, 1.96234},
	} {
		if got := (Value{Value: 9, SE: 2, DF: tt.df}).Half() / 2; math.Abs(got-tt.want) > 1e-4 {
			t.Errorf("%v degrees of freedom: %v standard errors, want %v", tt.df, got, tt.want)
		}
	}
}

// The interval of a count has an upper end near the exact one (Garwood, 1936); it is
// told where Half would reach below zero, of one count its upper end alone. Of a share
// it is Wilson's (R: prop.test(1, 2, correct = FALSE)).
func TestScoreOfCounts(t *testing.T) {
	v := Value{ID: SpinID, Value: .5, SE: math.Sqrt(.125), Unit: "ratio", Samples: 1}
	if low, high, ok := v.Few(); math.Abs(low-.0945) > 1e-4 || math.Abs(high-.9055) > 1e-4 || !ok {
		t.Errorf("1 of 2: %v to %v, %v", low, high, ok)
	}
	v = Value{ID: SpinID, Value: .875, SE: math.Sqrt(.875 * .125 / 24), Unit: "ratio", Samples: 21}
	if low, high, ok := v.Few(); math.Abs(low-.690) > 1e-3 || math.Abs(high-.957) > 1e-3 || !ok { // of 24
		t.Errorf("21 of 24: %v to %v, %v", low, high, ok)
	}
	for k := 1.0; k < 60; k++ {
		v := Value{ID: SpinID, Value: k / 1e4, SE: math.Sqrt(k) / 1e4}
		exact := distuv.ChiSquared{K: 2 * (k + 1)}.Quantile(.975) / 2
		_, high := v.Score()
		if got := high * 1e4; math.Abs(got-exact) > .02*exact {
			t.Errorf("%v counts: at most %v, exactly %v", k, got, exact)
		}
		if _, most := v.AtMost(); most != (k == 1) {
			t.Errorf("%v counts: only an upper end is told: %v", k, most)
		}
		if _, _, few := v.Few(); few != (k == 2 || k == 3) {
			t.Errorf("%v counts: not symmetric: %v", k, few)
		}
	}
}
