package scaling

import (
	"math"
	"math/rand/v2"
	"slices"

	"xfrmscope/analyze/compare"
)

const uslMethod = "percentile bootstrap over runs"

// bootstrap fills the intervals.
func (u *USL) bootstrap(d uslData, theta [3]float64, o Options) {
	if d.scatter == 0 {
		why := compare.Because(compare.TooFewRuns, "no repeated runs at any N that differ: no bootstrap, see the standard errors")
		u.Gamma.Interval, u.Sigma.Interval, u.Kappa.Interval = compare.NoInterval(why), compare.NoInterval(why), compare.NoInterval(why)
		if u.Peak.Missing == nil {
			u.Peak.Interval = compare.NoInterval(why)
		}
		return
	}
	draws := d.resample(theta, o, 0)
	u.Resamples = len(draws)
	tail := (1 - o.Confidence) / 2
	column := func(f func([3]float64) float64) compare.Interval {
		v := make([]float64, len(draws))
		for i, t := range draws {
			v[i] = f(t)
		}
		return percentiles(v, tail, o.Confidence)
	}
	u.Gamma.Interval = column(func(t [3]float64) float64 { return t[0] })
	u.Sigma.Interval = column(func(t [3]float64) float64 { return t[1] })
	u.Kappa.Interval = column(func(t [3]float64) float64 { return t[2] })
	if u.Peak.Missing == nil {
		u.Peak.Interval = column(peakN)
	}
}

// resample refits resamples of the runs. A run deviates from the mean at its N
// by the spread there (uslData.cv) times a standard deviation that is drawn from
// those of all runs: the five runs of one N are too few to draw from. The spread
// is drawn too, from what it may be given so few runs: that is what widens a
// normal interval to Student's.
func (d uslData) resample(theta [3]float64, o Options, stream uint64) [][3]float64 {
	rng := rand.New(rand.NewPCG(o.Seed, stream))
	standard := d.standardDeviations()
	var out [][3]float64
	draw := d
	draw.x = make([]float64, len(d.x))
	for range o.Resamples {
		u, v := rng.NormFloat64(), rng.NormFloat64()
		for i, x := range d.x {
			sum, n := 0.0, len(d.values[i])
			for range n {
				sum += standard[rng.IntN(len(standard))]
			}
			cv := d.cv[i] * d.trend.factor(d.n[i], u, v)
			draw.x[i] = max(x*(1+cv*sum/float64(n)), x*1e-3)
		}
		if t, ok := draw.fit(theta); ok {
			out = append(out, t)
		}
	}
	return out
}

// standardDeviations returns how far each run lies from the mean of its n
// runs, in units of the spread there, stretched by sqrt(n/(n-1)) because the
// mean lies among them (Davison and Hinkley, Bootstrap Methods, 1997, section
// 3.2), and scaled to a mean square of 1.
func (d uslData) standardDeviations() []float64 {
	var out []float64
	square := 0.0
	for i, v := range d.values {
		n := float64(len(v))
		if n < 2 {
			continue
		}
		for _, x := range v {
			z := (x/d.x[i] - 1) * math.Sqrt(n/(n-1)) / d.cv[i]
			out = append(out, z)
			square += z * z
		}
	}
	scale := math.Sqrt(float64(len(out)) / square)
	for i := range out {
		out[i] *= scale
	}
	return out
}

// percentiles returns the interval between both tails of v; infinite values
// make it open above.
func percentiles(v []float64, tail, level float64) compare.Interval {
	if len(v) == 0 {
		return compare.NoInterval(compare.Because(compare.NoConvergence, "no resample could be fitted"))
	}
	slices.Sort(v)
	k := int(tail * float64(len(v)))
	lo, hi := v[k], v[len(v)-1-k]
	if math.IsInf(lo, 1) || lo > noPeak {
		return compare.NoInterval(compare.Because(compare.BeyondData, "most resamples have no peak"))
	}
	out := compare.Interval{Lo: lo, Hi: hi, Level: level, Method: uslMethod}
	if math.IsInf(hi, 1) || hi > noPeak {
		out.Hi, out.OpenHi = 0, true
	}
	return out
}
