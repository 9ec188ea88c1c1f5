package compare

const bootstrapMethod = "percentile bootstrap over runs, all resamples, calibrated tails"

// Ratio returns the median after over the median before with its bootstrap
// interval over runs. If both sides name blocks, their effects are removed first.
//
// All resamples are weighed instead of some drawn, so there is no seed and no
// noise of the drawing. The tails are calibrated, see tailFactor. No interval
// below 4 runs a side: the range of so few runs covers too little.
func Ratio(before, after Series, o Options) Estimate {
	o = o.Defaults()
	before, after = cleaned(before), cleaned(after)
	x, y := adjust(before, after)
	if why := noRatio(x, y); why != nil {
		return NoEstimate(why)
	}
	e := Estimate{Value: Median(y) / Median(x)}
	e.Interval = bootstrapInterval(x, y, o.Confidence, quotient{})
	return e
}

// Difference returns the median after less the median before, in the series'
// unit, with its bootstrap interval over runs; as Ratio.
func Difference(before, after Series, o Options) Estimate {
	o = o.Defaults()
	before, after = cleaned(before), cleaned(after)
	if len(before.Values) == 0 || len(after.Values) == 0 {
		return NoEstimate(Because(NoRuns, "%d and %d usable runs", len(before.Values), len(after.Values)))
	}
	x, y := adjust(before, after)
	e := Estimate{Value: Median(y) - Median(x)}
	e.Interval = bootstrapInterval(x, y, o.Confidence, distance{})
	return e
}

// noRatio says why the medians of sorted values have no ratio, or returns nil.
func noRatio(x, y []float64) *Reason {
	switch {
	case len(x) == 0 || len(y) == 0:
		return Because(NoRuns, "%d and %d usable runs", len(x), len(y))
	case x[0] < 0 || y[0] < 0:
		return Because(SignsDiffer, "a ratio of negative values has no meaning")
	case Median(x) == 0:
		return Because(ZeroBefore, "no ratio: the median before is 0")
	}
	return nil
}

// bootstrapInterval takes sorted values.
func bootstrapInterval(x, y []float64, confidence float64, f joint) Interval {
	if n := min(len(x), len(y)); n < MinRuns {
		return NoInterval(Because(TooFewRuns, "an interval needs %d runs a side, there are %d and %d",
			MinRuns, len(x), len(y)))
	}
	tail := (1 - confidence) / 2 * tailFactor(min(len(x), len(y)))
	xs, ys := medianDistribution(x), medianDistribution(y)
	lo, hi := f.extremes(x, y)
	out := Interval{Level: confidence, Method: bootstrapMethod}
	out.Lo, _ = quantile(f, tail, xs, ys, lo, hi)
	var closed bool
	out.Hi, closed = quantile(f, 1-tail, xs, ys, lo, hi)
	out.OpenHi = !closed
	return out
}

// tailFactor calibrates the tails of a percentile interval for medians, so that
// it covers as often as its level says (the idea of Loh, Calibrating confidence
// coefficients, J. Am. Statist. Ass. 82 (1987) 155). The bootstrap overstates how
// a median of few runs scatters; but of 4 runs it takes little more than the
// range. The factors are from simulations at level 0.95 of normal and
// exponential runs; TestSimulatedCoverage repeats them.
func tailFactor(runs int) float64 {
	switch {
	case runs <= MinRuns:
		return 0.6
	case runs <= 15:
		return 1.4
	}
	return 1.2
}
