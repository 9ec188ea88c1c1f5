package metric

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"xfrmscope/collect/bundle"
)

// A Value is one number of a report with everything that weakens it. A Value
// that could not be measured has Missing set and no number.
type Value struct {
	ID      string        `json:"id"`                // formula id, a key of Catalogue: "spin_share"
	Value   float64       `json:"value"`             // in Unit
	Unit    string        `json:"unit"`              // "ratio", "ns/packet", "1/s", "count"
	SE      float64       `json:"se"`                // standard error, in Unit; 0 for a plain count
	DF      float64       `json:"df,omitempty"`      // degrees of freedom of SE if few repeats tell it; else 0
	Half95  float64       `json:"half_95,omitempty"` // Half, in what commands print as JSON
	Samples uint64        `json:"n,omitempty"`       // samples behind the number, 0 if it is not sampled
	Low     float64       `json:"low,omitempty"`     // to High: where it lies if all losses are to one side
	High    float64       `json:"high,omitempty"`    // equal to Low: losses are small, Value stands alone
	Losses  []bundle.Loss `json:"losses,omitempty"`
	Missing *bundle.Gap   `json:"missing,omitempty"`
	// what it is taken from, if not from what the catalogue says first: "by /proc/stat; samples cover 70 %"
	Basis string `json:"basis,omitempty"`
	// why it is not to be believed, though it was measured: "fails cross-check cost-per-packet"
	Doubt string `json:"doubt,omitempty"`
}

// ByAccounting begins the basis of a cost that is not that of the samples.
const ByAccounting = "by /proc/stat"

// OfAllPackets is the basis of a cost of one PMU of several that is not over the packets
// of its own CPUs.
const OfAllPackets = "over the packets of all CPUs, other PMUs' too"

// Ranged reports whether losses make the number a range, Low to High, which is
// printed in its place.
func (v Value) Ranged() bool { return v.Measured() && v.High > v.Low }

// Measured reports whether the value is a number.
func (v Value) Measured() bool { return v.Missing == nil }

// Scaled returns a number k times as large, taken from another basis.
func (v Value) Scaled(k float64, basis string) Value {
	if v.Measured() {
		v.Value, v.SE, v.Low, v.High, v.Basis = v.Value*k, v.SE*k, v.Low*k, v.High*k, basis
	}
	return v
}

// Half returns half the width of the 95 % interval, in Unit: what every report
// prints after +-. Of the sampling error it is 1.96 SE; where SE was taken from
// few repeats, Student's t.
func (v Value) Half() float64 {
	if v.DF > 0 {
		return v.SE * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: v.DF}.Quantile(0.975)
	}
	return v.SE * twoSided
}

// Score returns the 95 % interval of few counts, which is not symmetric: Wilson's of
// a share, else that of a Poisson count (of 1, 0.2 to 5.7). Of what is no count it is
// the value and Half to either side.
func (v Value) Score() (low, high float64) {
	if v.DF > 0 || v.SE > v.Value*(1+1e-9) || v.Value <= 0 { // no count has an error above itself
		return v.Value - v.Half(), v.Value + v.Half()
	}
	one, shrink := v.SE*v.SE/v.Value, 1.0 // what one of the counts is worth
	if v.Unit == "ratio" && v.Samples > 0 && v.Value < 1 {
		one /= 1 - v.Value
		shrink += twoSided * twoSided * one
	}
	center := (v.Value + one*twoSided*twoSided/2) / shrink
	half := twoSided * math.Hypot(v.SE, one*twoSided/2) / shrink
	return center - half, center + half
}

// Few returns the interval of Score where Half is no use, as it reaches below zero, or, of a share of samples,
// beyond all of them.
func (v Value) Few() (low, high float64, ok bool) {
	low, high = v.Score()
	below := v.Value > v.SE && v.Value <= v.Half() && low > 0
	beyond := v.Unit == "ratio" && v.Samples > 0 && v.DF == 0 && v.Value < 1 && v.Value+v.Half() > 1
	return low, high, v.Measured() && !v.Ranged() && !v.signed() && (below || beyond)
}

// signed reports whether the number can be negative, as changes and slopes.
func (v Value) signed() bool {
	switch v.ID {
	case "", EffectID, BreakdownID, ExponentID, WalkSlopeID:
		return true
	}
	return false
}

// AtMost returns the upper end of the 95 % interval of a quantity that cannot be
// negative; ok if it is no larger than its error, so that this alone is known.
func (v Value) AtMost() (high float64, ok bool) {
	_, high = v.Score()
	ok = v.Value < 0 || v.SE > 0 && v.Value <= v.SE
	if v.Ranged() {
		high, ok = v.High, v.Low < 0
	}
	if v.signed() {
		return 0, false
	}
	if v.Unit == "ratio" {
		high = min(high, 1)
	}
	return max(high, 0), ok && v.Measured() && !math.IsInf(high, 0) && !math.IsNaN(high)
}

// twoSided is how many standard errors an interval of 95 % reaches to either side.
const twoSided = 1.96

// NotMeasured returns a value that says why there is none.
func NotMeasured(id, unit string, gap bundle.Gap) Value {
	return Value{ID: id, Unit: unit, Missing: &gap}
}

// An Estimate is a sum of periods with its sampling error: DESIGN's
// est(e,f,c) = sum p and se = sqrt(sum p^2).
type Estimate struct {
	Samples uint64  `json:"samples"`
	Period  float64 `json:"period"` // in the event's unit
	VarSum  float64 `json:"var"`    // sum of squared periods
}

// Add adds another estimate of disjoint samples.
func (e *Estimate) Add(o Estimate) {
	e.Samples += o.Samples
	e.Period += o.Period
	e.VarSum += o.VarSum
}

// Empty reports whether nothing was added. Some imported graphs have weight
// without a number of samples.
func (e Estimate) Empty() bool { return e.Samples == 0 && e.Period == 0 }

// SE returns the standard error of Period.
func (e Estimate) SE() float64 { return math.Sqrt(e.VarSum) }

// Share returns part/whole with its standard error, where part's samples are
// among whole's: the variance of a ratio of a subset to its total,
// (sum_in p^2 (1-s)^2 + sum_out p^2 s^2) / whole^2.
func Share(part, whole Estimate) (share, se float64) {
	if whole.Period <= 0 {
		return 0, 0
	}
	s := part.Period / whole.Period
	out := math.Max(whole.VarSum-part.VarSum, 0)
	v := part.VarSum*(1-s)*(1-s) + out*s*s
	return s, math.Sqrt(v) / whole.Period
}

// Ratio returns a/b of two estimates of different events, with its standard
// error; the events' samples are independent. ok is false if b is nothing.
func Ratio(a, b Estimate) (ratio, se float64, ok bool) {
	if b.Period <= 0 {
		return 0, 0, false
	}
	r := a.Period / b.Period
	v := (a.VarSum + r*r*b.VarSum) / (b.Period * b.Period)
	return r, math.Sqrt(v), true
}
