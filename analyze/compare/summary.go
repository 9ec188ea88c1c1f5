package compare

import (
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
	"gonum.org/v1/gonum/stat"
)

// A Summary is what one side's runs say of a metric.
type Summary struct {
	N        int         `json:"n"`      // usable runs
	Median   float64     `json:"median"` // in the series' unit
	Interval Interval    `json:"interval"`
	Min      float64     `json:"min"`
	Max      float64     `json:"max"`
	SD       float64     `json:"sd"`           // between runs, n-1; 0 below 2 runs
	CV       float64     `json:"cv,omitempty"` // SD / |mean|; 0 if undefined
	Bimodal  *Bimodality `json:"bimodal,omitempty"`
	Notes    []Reason    `json:"notes,omitempty"`
}

// Summarize returns the median of the runs with its order-statistic interval
// (benchmath.AssumeNothing): from one run to another one, exact for every
// distribution, so that its Level is seldom the level asked for. A 95 % interval
// needs 6 runs; with 2 to 5 it is the whole range, with its lower level in
// Level and in Notes.
func Summarize(s Series, o Options) Summary {
	o = o.Defaults()
	return summarize(s, o, newGaps(o.Seed))
}

func summarize(s Series, o Options, null *gaps) Summary {
	s, dropped := s.Clean()
	x := sorted(s.Values)
	sum := Summary{N: len(x), Notes: slices.Clone(s.Notes)}
	sum.note(dropped)
	if len(x) == 0 {
		sum.Interval = NoInterval(Because(NoRuns, "no usable value"))
		return sum
	}
	sum.Median, sum.Min, sum.Max = Median(x), x[0], x[len(x)-1]
	sum.Interval = medianInterval(x, o.Confidence)
	if k := sum.Interval; k.Known() && k.Level < o.Confidence {
		sum.note(Because(LowConfidence, "%d runs give an interval of level %.3g, not %.3g",
			len(x), k.Level, o.Confidence))
	}
	if len(x) > 1 {
		mean, sd := stat.MeanStdDev(x, nil)
		sum.SD = sd
		if mean != 0 {
			sum.CV = sd / math.Abs(mean)
		}
	}
	sum.Bimodal = bimodal(x, null)
	return sum
}

func (s *Summary) note(r *Reason) {
	if r != nil {
		s.Notes = append(s.Notes, *r)
	}
}

// medianInterval takes sorted values.
func medianInterval(x []float64, confidence float64) Interval {
	n := len(x)
	if n < 2 {
		return NoInterval(Because(TooFewRuns, "1 run has no spread"))
	}
	s := benchmath.AssumeNothing.Summary(benchmath.NewSample(x, &benchmath.DefaultThresholds), confidence)
	if math.IsInf(s.Lo, 0) || math.IsInf(s.Hi, 0) {
		// the median is outside the range if all runs are on one side of it
		level := 1 - math.Pow(2, float64(1-n))
		return Interval{Lo: x[0], Hi: x[n-1], Level: level, Method: "range"}
	}
	return Interval{Lo: s.Lo, Hi: s.Hi, Level: s.Confidence, Method: "order statistics"}
}
