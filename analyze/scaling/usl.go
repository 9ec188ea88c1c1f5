package scaling

import (
	"math"

	"xfrmscope/analyze/compare"
)

// MinN is the number of distinct N below which the law is not fitted: it has
// three parameters.
const MinN = 4

// A USL is the Universal Scalability Law fitted to a curve:
//
//	X(N) = gamma N / (1 + sigma (N-1) + kappa N (N-1))
//
// (Gunther, Guerrilla Capacity Planning, 2007). gamma is the rate of one CPU,
// sigma the share that does not run in parallel, kappa what each pair of CPUs
// costs by keeping each other informed. It describes; it does not prove a lock.
type USL struct {
	Gamma Parameter `json:"gamma"` // in the curve's unit
	Sigma Parameter `json:"sigma"`
	Kappa Parameter `json:"kappa"`
	Peak  Peak      `json:"peak"`

	RMS       float64    `json:"rms"` // root mean square of Residuals, in the curve's unit
	Residuals []Residual `json:"residuals"`
	Misfit    *Misfit    `json:"misfit,omitempty"` // with repeated runs

	Weights   string           `json:"weights"` // what each run counted for
	Runs      int              `json:"runs"`
	Boots     int              `json:"boots,omitempty"` // that intervals are over; 0: over runs
	Seed      uint64           `json:"seed"`            // of the bootstrap
	Resamples int              `json:"resamples"`       // 0: no bootstrap, Intervals say why
	Notes     []compare.Reason `json:"notes,omitempty"`
	Missing   *compare.Reason  `json:"missing,omitempty"` // no fit: TooFewN, NoConvergence
}

// Known reports whether the law was fitted.
func (u USL) Known() bool { return u.Missing == nil }

// Rate returns X(n) of the fitted law, in the curve's unit.
func (u USL) Rate(n float64) float64 {
	return rate([3]float64{u.Gamma.Value, u.Sigma.Value, u.Kappa.Value}, n)
}

// A Parameter of the fit. SE is the standard error of nonlinear least squares
// (as R's nls); nil for a parameter at its bound 0, which has none.
type Parameter struct {
	Value    float64          `json:"value"`
	SE       *float64         `json:"se,omitempty"`
	Half     *float64         `json:"half_width,omitempty"` // of the 95 % interval by SE, if no bootstrap
	Interval compare.Interval `json:"interval"`             // bootstrap over runs, or boots
}

// A Peak is the N of the highest rate, sqrt((1-sigma)/kappa).
type Peak struct {
	N        float64          `json:"n"`
	Rate     float64          `json:"rate"`     // in the curve's unit
	Interval compare.Interval `json:"interval"` // of N; open above if resamples have no peak
	Beyond   bool             `json:"beyond"`   // lies beyond the data: N is a guess
	Missing  *compare.Reason  `json:"missing,omitempty"`
}

// A Residual is one N of the fit.
type Residual struct {
	N        int     `json:"n"`
	Rate     float64 `json:"rate"` // mean of the runs
	Fitted   float64 `json:"fitted"`
	Residual float64 `json:"residual"` // Rate - Fitted
}

// A Misfit tests whether the law misses the means by more than the runs
// scatter: a small P says that intervals of the parameters are too narrow.
type Misfit struct {
	F float64 `json:"f"` // mean square of misfit / of runs
	P float64 `json:"p"` // share of resamples that follow the law with a misfit as large
}

// rate returns X(n).
func rate(theta [3]float64, n float64) float64 {
	return theta[0] * n / (1 + theta[1]*(n-1) + theta[2]*n*(n-1))
}

// FitUSL fits the law by weighted nonlinear least squares with sigma, kappa >=
// 0. Points with a Limit are left out. With repeated runs each N has the weight
// runs / variance, the variance from runs of all N together (spread); with a
// single run at every N all weights are equal.
//
// Intervals are percentiles of a bootstrap of runs within N. Runs of one boot are
// not independent: where boots are repeated the means of each are what is fitted,
// and a boot that is fast is so at all N. Without repeats there are only standard
// errors.
func FitUSL(c Curve, o Options) USL {
	o = o.Defaults()
	data, notes := fitData(c)
	u := USL{Seed: o.Seed, Notes: notes}
	if len(data.n) < MinN {
		u.Missing = compare.Because(compare.TooFewN,
			"the law has 3 parameters and needs %d distinct N, there are %d", MinN, len(data.n))
		return u
	}
	theta, ok := data.fit()
	if !ok {
		u.Missing = compare.Because(compare.NoConvergence,
			"least squares found no minimum with a positive rate")
		return u
	}
	u.describe(data, theta)
	u.bootstrap(data, theta, o)
	return u
}

// fitData gathers the points that a fit may use.
func fitData(c Curve) (uslData, []compare.Reason) {
	points, notes := c.clean()
	var kept []Point
	for _, p := range points {
		switch {
		case p.Limit != "":
			notes = append(notes, *compare.Because(compare.NotApplicable,
				"N=%d left out of the fit: limited by %s, not by CPUs", p.N, p.Limit))
		case p.Values[0] <= 0:
			notes = append(notes,
				*compare.Because(compare.BadValue, "N=%d left out of the fit: a run has no rate", p.N))
		default:
			kept = append(kept, p)
		}
	}
	boots := bootMeans(c, kept)
	for i := range kept {
		if boots != nil {
			kept[i].Values = boots[i].means
		}
	}
	return newUSLData(kept, boots), notes
}

func (u *USL) describe(d uslData, theta [3]float64) {
	se := d.standardErrors(theta, freeOf(theta))
	u.Gamma = Parameter{Value: theta[0], SE: se[0]}
	u.Sigma = Parameter{Value: theta[1], SE: se[1]}
	u.Kappa = Parameter{Value: theta[2], SE: se[2]}
	u.Weights, u.Runs = d.weighting, d.runs
	if d.boots != nil {
		u.Runs, u.Boots = 0, len(bootsIn(d.boots))
		for _, b := range d.boots {
			u.Runs += b.runs
		}
	}
	u.Peak = peakOf(theta, d.n[len(d.n)-1])
	sum := 0.0
	for i, n := range d.n {
		r := Residual{N: int(n), Rate: d.x[i], Fitted: rate(theta, n)}
		r.Residual = r.Rate - r.Fitted
		sum += r.Residual * r.Residual
		u.Residuals = append(u.Residuals, r)
	}
	u.RMS = math.Sqrt(sum / float64(len(d.n)))
}

// peakN returns the N of the highest rate: infinite without kappa, 1 if the
// rate falls from the start.
func peakN(theta [3]float64) float64 {
	switch {
	case theta[1] >= 1:
		return 1
	case theta[2] <= 0:
		return math.Inf(1)
	}
	return max(1, math.Sqrt((1-theta[1])/theta[2]))
}

// noPeak is an N that nobody measures: beyond it kappa is 0 but for rounding.
const noPeak = 1e6

func peakOf(theta [3]float64, last float64) Peak {
	n := peakN(theta)
	if n > noPeak {
		why := compare.Because(compare.BeyondData, "no peak: kappa is 0, the rate does not fall")
		return Peak{Beyond: true, Missing: why, Interval: compare.NoInterval(why)}
	}
	return Peak{N: n, Rate: rate(theta, n), Beyond: n > last}
}
