package scaling

import (
	"math"
	"slices"

	"xfrmscope/analyze/compare"
)

// A Lookup is the latency of one kind of find at one number of SAs.
type Lookup struct {
	SAs float64   // in the bucket that is walked, or in the state cache list
	NS  []float64 // one figure a run (its mean or median), nanoseconds: samples of one run are not independent
}

// A Walk says whether a lookup walks: whether each SA in the bucket adds to its
// latency.
type Walk struct {
	PerSA compare.Estimate `json:"ns_per_sa"` // ns that one more SA adds
	Fixed compare.Estimate `json:"fixed_ns"`  // ns of a lookup in an empty bucket
	P     float64          `json:"p"`         // of "SAs add nothing"; 1 without a fit
	Walks bool             `json:"walks"`     // the interval of PerSA lies above 0
	// SAs at which the walk costs as much as all else; 0 if it does not walk
	Doubles float64         `json:"doubles_at"`
	Share   float64         `json:"share_at_most"` // of the latency at the most SAs measured, 0..1
	Most    float64         `json:"most_sas"`
	Runs    int             `json:"runs"`
	Missing *compare.Reason `json:"missing,omitempty"`
}

// walkRounds is how often the weights are computed anew.
const walkRounds = 10

// FindWalk fits latency = fixed + per SA x SAs, each run a point, by least
// squares with weights 1/latency^2: latencies scatter in proportion. Weights
// come from the line itself, fitted again walkRounds times. It needs 3 distinct
// numbers of SAs.
func FindWalk(lookups []Lookup, o Options) Walk {
	o = o.Defaults()
	var x, y []float64
	for _, l := range lookups {
		s, _ := compare.Series{Values: l.NS}.Clean()
		for _, v := range s.Values {
			if v > 0 && compare.Usable(l.SAs) && l.SAs >= 0 {
				x, y = append(x, l.SAs), append(y, v)
			}
		}
	}
	w := Walk{P: 1, Runs: len(x)}
	if n := distinct(x); n < 3 {
		w.Missing = compare.Because(compare.TooFewN,
			"needs 3 distinct numbers of SAs in the bucket, there are %d", n)
		w.PerSA, w.Fixed = compare.NoEstimate(w.Missing), compare.NoEstimate(w.Missing)
		return w
	}
	l, ok := relativeLine(x, y)
	if !ok {
		w.Missing = compare.Because(compare.NoConvergence, "no line through these latencies")
		w.PerSA, w.Fixed = compare.NoEstimate(w.Missing), compare.NoEstimate(w.Missing)
		return w
	}
	w.PerSA = compare.Estimate{Value: l.b, Interval: l.interval(l.b, l.seB, o.Confidence)}
	w.Fixed = compare.Estimate{Value: l.a, Interval: l.interval(l.a, l.seA, o.Confidence)}
	w.P, w.Most = l.p(l.b, l.seB), slices.Max(x)
	w.Walks = w.PerSA.Interval.Lo > 0
	if w.Walks && l.a > 0 {
		w.Doubles = l.a / l.b
		w.Share = l.b * w.Most / (l.a + l.b*w.Most)
	}
	return w
}

func distinct(x []float64) int {
	return len(slices.Compact(slices.Sorted(slices.Values(x))))
}

func relativeLine(x, y []float64) (line, bool) {
	floor := slices.Min(y) / 10 // a line that dips under all latencies has no scatter to scale by
	w := make([]float64, len(x))
	for i, v := range y {
		w[i] = 1 / (v * v)
	}
	var l line
	for range walkRounds {
		var ok bool
		if l, ok = fitLine(x, y, w); !ok {
			return l, false
		}
		for i := range w {
			fitted := math.Max(l.a+l.b*x[i], floor)
			w[i] = 1 / (fitted * fitted)
		}
	}
	return l, true
}
