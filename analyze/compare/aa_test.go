package compare

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
)

func aaSeries(rng *rand.Rand, metrics, runs int) []Series {
	var out []Series
	for i := range metrics {
		out = append(out, Series{Name: fmt.Sprint("metric ", i), Values: noise(rng, runs, 100, 0.03)})
	}
	return out
}

func TestAA(t *testing.T) {
	series := aaSeries(rand.New(rand.NewPCG(31, 0)), 20, 20)
	r := AA(series, 7, Options{})
	t.Logf("rate %.4f of %d tests, expected %.4f, %d stars in %d splits",
		r.Rate, r.Tests, r.Expected, r.Significant, r.AnySignificant)
	if r.Tests != 20*AASplits || r.Rate < 0.035 || r.Rate > 0.065 || r.Seed != 7 {
		t.Errorf("rate %v of %d tests, seed %d, want 5 +- 1.5 %% of %d, 7",
			r.Rate, r.Tests, r.Seed, 20*AASplits)
	}
	if r.AnySignificant > AASplits/10 || r.Drift.Significant != 0 {
		t.Errorf("%d of %d splits with a star, %d metrics drift, want few and none",
			r.AnySignificant, r.Splits, r.Drift.Significant)
	}
	if again := AA(series, 7, Options{}); !reflect.DeepEqual(again, r) {
		t.Error("the same seed gave another result")
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}

// A machine that gets slower shows in the drift, not in the rate.
func TestAADrift(t *testing.T) {
	series := aaSeries(rand.New(rand.NewPCG(32, 0)), 3, 20)
	for i := range series[1].Values {
		series[1].Values[i] *= 1 + 0.01*float64(i)
	}
	d := AA(series, 1, Options{}).Drift
	if d.Significant != 1 || !d.Comparisons[1].Significant {
		t.Errorf("%d drift, want metric 1 only", d.Significant)
	}
}

func TestAARefusals(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 0))
	if r := AA(aaSeries(rng, 2, 7), 1, Options{}); r.Missing == nil || r.Missing.Code != TooFewRuns {
		t.Errorf("7 runs: %+v, want too few", r.Missing)
	}
	uneven := append(aaSeries(rng, 1, 10), aaSeries(rng, 1, 9)...)
	if r := AA(uneven, 1, Options{}); r.Missing == nil || r.Missing.Code != UnequalRuns {
		t.Errorf("10 and 9 runs: %+v, want refused", r.Missing)
	}
	if r := AA(nil, 1, Options{}); r.Missing == nil {
		t.Error("no series: want refused")
	}
	blocked, _ := abba(rng, 5, 0.01, 0.1, 1)
	if r := AA([]Series{blocked}, 1, Options{}); r.Missing != nil || r.Tests != AASplits {
		t.Errorf("blocks: %+v, %d tests, want %d", r.Missing, r.Tests, AASplits)
	}
	blocked.Blocks = blocked.Blocks[:1]
	if r := AA([]Series{blocked}, 1, Options{}); r.Missing != nil {
		t.Errorf("blocks for one run only: %+v, want them ignored", r.Missing)
	}
}
