package scaling

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"xfrmscope/analyze/compare"
)

const (
	uslMethod  = "percentile bootstrap over runs"
	bootMethod = "percentile bootstrap over boots"
)

// mostGamma is how many times the highest rate measured gamma may be: a larger
// one hangs on the law alone, far from every point.
const mostGamma = 100

// bootstrap fills the intervals.
func (u *USL) bootstrap(d uslData, theta [3]float64, o Options) {
	if why := d.noIntervals(o); why != nil {
		none := compare.NoInterval(why)
		for _, p := range []*Parameter{&u.Gamma, &u.Sigma, &u.Kappa} {
			p.Interval = none
			if df := float64(len(d.n) - 3); p.SE != nil && df > 0 {
				half := tQuantile(0.95, df) * *p.SE
				p.Half = &half
			}
		}
		if u.Peak.Missing == nil {
			u.Peak.Interval = none
		}
	}
	if d.scatter == 0 {
		return
	}
	u.Misfit = d.misfit(theta, o)
	if !u.Gamma.Interval.Known() {
		return
	}
	draws := d.resample(d.x, theta, o, 0)
	u.Resamples = len(draws)
	column := func(most float64, f func([3]float64) float64) compare.Interval {
		v := make([]float64, len(draws))
		for i, r := range draws {
			v[i] = f(r.theta)
		}
		of := percentiles(v, (1-o.Confidence)/2, o.Confidence, most)
		if d.boots != nil && of.Known() {
			of.Method = bootMethod
		}
		return of
	}
	unbounded := math.MaxFloat64
	u.Gamma.Interval = column(mostGamma*slices.Max(d.x), func(t [3]float64) float64 { return t[0] })
	u.Sigma.Interval = column(unbounded, func(t [3]float64) float64 { return t[1] })
	u.Kappa.Interval = column(unbounded, func(t [3]float64) float64 { return t[2] })
	if u.Peak.Missing == nil {
		u.Peak.Interval = column(noPeak, peakN)
	}
}

// noIntervals says why the parameters have no intervals: no repeated runs, or a
// flat curve, whose means differ by no more than the runs do. Any law of one CPU
// that is full at once fits it.
func (d uslData) noIntervals(o Options) *compare.Reason {
	if d.scatter == 0 {
		return compare.Because(compare.TooFewRuns,
			"no repeated runs at any N that differ: no bootstrap, see the standard errors")
	}
	mean, among := stat.Mean(d.x, d.w), 0.0
	for i, x := range d.x {
		among += d.w[i] * (x - mean) * (x - mean)
	}
	between, within := float64(len(d.n)-1), float64(d.runs-len(d.n))
	if p := (distuv.F{D1: between, D2: within}).Survival(among / between / d.scatter); p >= o.Alpha {
		return compare.Because(compare.NotApplicable, "the curve is flat: the rates of all N differ no more "+
			"than runs of one N (p %s)", compare.PText(p))
	}
	return nil
}

// A refit is the law fitted to a resample.
type refit struct {
	theta   [3]float64
	squares float64 // weighted sum of squares of the resample's means around it
}

// resample refits resamples of the runs. A run deviates from the center at its N
// by the spread there (uslData.cv) times a standard deviation that is drawn from
// those of all runs: the five runs of one N are too few to draw from. The spread
// is drawn too, from what it may be given so few runs: that is what widens a
// normal interval to Student's. Boots deviate at all N together (bootDraws).
func (d uslData) resample(centers []float64, theta [3]float64, o Options, stream uint64) []refit {
	rng := rand.New(rand.NewPCG(o.Seed, stream))
	standard := d.standardDeviations()
	together := d.bootDraws()
	var out []refit
	draw := d
	draw.x = make([]float64, len(d.x))
	for range o.Resamples {
		u, v := rng.NormFloat64(), rng.NormFloat64()
		of := together(rng)
		for i, x := range centers {
			sum, n := 0.0, len(d.values[i])
			for k := range n {
				if d.boots != nil {
					sum += of[i][k]
					continue
				}
				sum += standard[rng.IntN(len(standard))]
			}
			cv := d.cv[i] * d.trend.factor(d.n[i], u, v)
			draw.x[i] = max(x*(1+cv*sum/float64(n)), x*1e-3)
		}
		if t, ok := draw.fit(theta); ok {
			out = append(out, refit{t, draw.squares(t)})
		}
	}
	return out
}

// misfit compares the mean square of the means around the fit with that of the
// runs, and with that of resamples of runs around the fit, which follow the law.
func (d uslData) misfit(theta [3]float64, o Options) *Misfit {
	fitted := make([]float64, len(d.n))
	for i, n := range d.n {
		fitted[i] = rate(theta, n)
	}
	draws, observed, far := d.resample(fitted, theta, o, 4), d.squares(theta), 0
	for _, r := range draws {
		if r.squares >= observed {
			far++
		}
	}
	return &Misfit{F: observed / float64(len(d.n)-3) / d.scatter, P: float64(far+1) / float64(len(draws)+1)}
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

// percentiles returns the interval between both tails of v. It is open above
// where values are above most.
func percentiles(v []float64, tail, level, most float64) compare.Interval {
	if len(v) == 0 {
		return compare.NoInterval(compare.Because(compare.NoConvergence, "no resample could be fitted"))
	}
	slices.Sort(v)
	k := int(tail * float64(len(v)))
	lo, hi := v[k], v[len(v)-1-k]
	if lo > most {
		return compare.NoInterval(compare.Because(compare.BeyondData,
			"most resamples give none within the data"))
	}
	out := compare.Interval{Lo: lo, Hi: hi, Level: level, Method: uslMethod}
	if hi > most {
		out.Hi, out.OpenHi = 0, true
	}
	return out
}
