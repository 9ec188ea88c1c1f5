package compare

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

const (
	countMethod = "sampling error only: exact, from counts"
	errorMethod = "sampling error only: from standard errors"
)

// Sampling returns ratio and difference of two single runs with intervals that
// hold the error of sampling within the runs and nothing else: what a second
// run would have given is not in them. From Counts the ratio's interval is the
// exact one of two Poisson counts given their sum (R's poisson.test); from SE
// it is the delta method on logarithms. Where nothing was counted after, the upper
// bound is that of no count, at after's PerCount. Without any there is no interval.
func Sampling(before, after Series, o Options) (ratio, difference Estimate) {
	o = o.Defaults()
	before, after = cleaned(before), cleaned(after)
	if len(before.Values) != 1 || len(after.Values) != 1 {
		why := Because(NotApplicable, "sampling intervals are for one run a side; there are %d and %d",
			len(before.Values), len(after.Values))
		return NoEstimate(why), NoEstimate(why)
	}
	b, a := before.Values[0], after.Values[0]
	why := noRatio(before.Values, after.Values)
	ratio = NoEstimate(why)
	if why == nil {
		ratio = Estimate{Value: a / b, Interval: ratioSampling(before, after, o.Confidence)}
	}
	difference = Estimate{Value: a - b, Interval: differenceSampling(before, after, o.Confidence)}
	return ratio, difference
}

func ratioSampling(before, after Series, confidence float64) Interval {
	b, a := before.Values[0], after.Values[0]
	if before.Counts != nil && after.Counts != nil && before.Counts[0] > 0 && after.Counts[0] > 0 {
		n1, n2 := before.Counts[0], after.Counts[0]
		i := PoissonRatio(n1, n2, confidence)
		scale := a / b / (float64(n2) / float64(n1)) // from counts to values
		i.Lo, i.Hi = i.Lo*scale, i.Hi*scale
		return i
	}
	if before.Counts != nil && before.Counts[0] > 0 && a == 0 && after.PerCount != nil && after.PerCount[0] > 0 {
		i := PoissonRatio(before.Counts[0], 0, confidence)
		i.Hi *= after.PerCount[0] * float64(before.Counts[0]) / b
		return i
	}
	if !hasError(before) || !hasError(after) || a == 0 {
		return NoInterval(Because(NoSamplingErr, "one run a side, sampling error not known"))
	}
	z := normalQuantile(1 - (1-confidence)/2)
	w := z * math.Hypot(before.SE[0]/b, after.SE[0]/a)
	return Interval{Lo: a / b * math.Exp(-w), Hi: a / b * math.Exp(w), Level: confidence, Method: errorMethod}
}

func differenceSampling(before, after Series, confidence float64) Interval {
	if !hasError(before) || !hasError(after) {
		return NoInterval(Because(NoSamplingErr, "one run a side, sampling error not known"))
	}
	w := normalQuantile(1-(1-confidence)/2) * math.Hypot(before.SE[0], after.SE[0])
	d := after.Values[0] - before.Values[0]
	return Interval{Lo: d - w, Hi: d + w, Level: confidence, Method: errorMethod}
}

func hasError(s Series) bool { return s.SE != nil && s.SE[0] >= 0 && !math.IsInf(s.SE[0], 0) }

// PoissonRatio returns the exact interval of the ratio after/before of two
// Poisson means from one count each: given the sum, the count after is
// binomial (Clopper and Pearson). With no count before there is no upper bound.
func PoissonRatio(before, after uint64, confidence float64) Interval {
	tail := (1 - confidence) / 2
	b, a := float64(before), float64(after)
	out := Interval{Level: confidence, Method: countMethod}
	if after > 0 {
		p := distuv.Beta{Alpha: a, Beta: b + 1}.Quantile(tail)
		out.Lo = p / (1 - p)
	}
	if before == 0 {
		out.OpenHi = true
		return out
	}
	p := distuv.Beta{Alpha: a + 1, Beta: b}.Quantile(1 - tail)
	out.Hi = p / (1 - p)
	return out
}
