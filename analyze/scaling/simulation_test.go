package scaling

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"xfrmscope/analyze/compare"
)

// fullTrials is the number of trials from which on the limits are held as they
// stand (make stats). A normal run makes fewer and widens them.
const fullTrials = 2000

// trials is the number of simulated sweeps behind each rate.
func trials() int {
	if n, err := strconv.Atoi(os.Getenv("XFRMSCOPE_TRIALS")); err == nil && n > 0 {
		return n
	}
	if testing.Short() {
		return 50
	}
	return 150
}

// wantRate fails if a rate is outside lo..hi, widened by what fewer trials than
// fullTrials scatter.
func wantRate(t *testing.T, what string, hits, of int, lo, hi float64) {
	t.Helper()
	rate := float64(hits) / float64(of)
	t.Logf("%-50s %.4f of %d", what, rate, of)
	slack := 0.0
	if of < fullTrials {
		slack = 3.5 * math.Sqrt(hi*(1-lo)/float64(of))
	}
	if rate < lo-slack || rate > hi+slack {
		t.Errorf("%s: rate %.4f of %d, want %.3f to %.3f", what, rate, of, lo, hi)
	}
}

// truth is the law that reports section 4.4 simulates: peak at 15.6 CPUs.
func truth() [3]float64 { return [3]float64{10, 0.03, 0.004} }

// sweep draws a curve of runs that differ by cv N^uneven.
func sweep(rng *rand.Rand, theta [3]float64, ns []int, runs int, cv, uneven float64) Curve {
	c := Curve{Name: "curve", Unit: "Mpps"}
	for _, n := range ns {
		p := Point{N: n}
		for range runs {
			p.Values = append(p.Values,
				rate(theta, float64(n))*math.Exp(cv*math.Pow(float64(n), uneven)*rng.NormFloat64()))
		}
		c.Points = append(c.Points, p)
	}
	return c
}

// Intervals of the law's parameters and of the peak.
func TestSimulatedUSLCoverage(t *testing.T) {
	for _, s := range []struct {
		ns     []int
		runs   int
		cv     float64 // at N=1
		uneven float64 // cv grows by this power of N
	}{
		{[]int{1, 2, 4, 8}, 10, 0.015, 0},
		{[]int{1, 2, 4, 8, 16}, 3, 0.015, 0},
		{[]int{1, 2, 4, 8, 16}, 5, 0.015, 0},
		{[]int{1, 2, 4, 8, 16}, 5, 0.05, 0},
		{[]int{1, 2, 3, 4, 6, 8, 12, 16}, 3, 0.015, 0},
		{[]int{1, 2, 3, 4, 6, 8, 12, 16}, 10, 0.03, 0},
		{[]int{1, 2, 4, 8, 16}, 5, 0.005, 0.6},
		{[]int{1, 2, 4, 8, 16}, 10, 0.005, 0.6},
	} {
		rng := rand.New(rand.NewPCG(1, uint64(s.runs)))
		var hits [4]int
		misfits, n := 0, trials()
		for i := range n {
			u := FitUSL(sweep(rng, truth(), s.ns, s.runs, s.cv, s.uneven),
				Options{Resamples: 400, Options: seeded(i)})
			for k, in := range []bool{
				u.Gamma.Interval.Contains(truth()[0]), u.Sigma.Interval.Contains(truth()[1]),
				u.Kappa.Interval.Contains(truth()[2]), u.Peak.Interval.Contains(peakN(truth())),
			} {
				if in {
					hits[k]++
				}
			}
			if u.Misfit.P < 0.05 {
				misfits++
			}
		}
		name := fmt.Sprintf("%d N to %d, %d runs, %g %% N^%g: ",
			len(s.ns), s.ns[len(s.ns)-1], s.runs, 100*s.cv, s.uneven)
		for k, what := range []string{"gamma", "sigma", "kappa", "peak"} {
			wantRate(t, name+what, hits[k], n, 0.93, 0.97)
		}
		wantRate(t, name+"misfit alarms", misfits, n, 0.035, 0.065)
	}
}

// Nothing changed but the rate as such: +20 % at every N.
func TestSimulatedFitBothFalseAlarms(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 0))
	faster := truth()
	faster[0] *= 1.2
	ns, sigma, kappa, n := []int{1, 2, 4, 8, 16}, 0, 0, max(trials()/2, 40)
	for i := range n {
		c := FitBoth(sweep(rng, truth(), ns, 5, 0.015, 0), sweep(rng, faster, ns, 5, 0.015, 0),
			Options{Resamples: 200, Options: seeded(i)})
		if c.Sigma.P < 0.05 {
			sigma++
		}
		if c.Kappa.P < 0.05 {
			kappa++
		}
	}
	wantRate(t, "sigma called changed", sigma, n, 0.03, 0.07)
	wantRate(t, "kappa called changed", kappa, n, 0.03, 0.07)
}

func TestSimulatedFitBothFindsChange(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	less := truth()
	less[2] /= 2
	ns := []int{1, 2, 4, 8, 16}
	c := FitBoth(sweep(rng, truth(), ns, 5, 0.015, 0), sweep(rng, less, ns, 5, 0.015, 0), Options{})
	if !c.Kappa.Significant || c.Kappa.Difference.Value >= 0 || !c.Kappa.Difference.Interval.Contains(-0.002) {
		t.Errorf("kappa %+v, want a star and -0.002 in the interval", c.Kappa)
	}
	few := FitBoth(sweep(rng, truth(), ns, 3, 0.015, 0), sweep(rng, less, ns, 3, 0.015, 0), Options{})
	if few.Kappa.Significant {
		t.Errorf("3+3 runs: star, p %v, want none", few.Kappa.P)
	}
}

// growth draws the costs of one key over N.
func growth(rng *rand.Rand, ns []int, runs int, slope, cv float64) []Costs {
	var out []Costs
	for _, n := range ns {
		c := Costs{N: n}
		for range runs {
			c.Runs = append(c.Runs,
				map[string]float64{"f": 100 * math.Pow(float64(n),
					slope) * math.Exp(cv*rng.NormFloat64())})
		}
		out = append(out, c)
	}
	return out
}

func slopeOf(costs []Costs) Exponent {
	return GrowthExponent(costRuns(costs, func(c Costs) []float64 { return c.of("f") }), Options{})
}

func TestSimulatedExponentCoverage(t *testing.T) {
	ns := []int{1, 2, 4, 8}
	for _, runs := range []int{1, 5} {
		for _, cv := range []float64{0.03, 0.10} {
			rng := rand.New(rand.NewPCG(4, uint64(runs)))
			cover, alarms := 0, 0
			for range fullTrials {
				if slopeOf(growth(rng, ns, runs, 0.5, cv)).Slope.Interval.Contains(0.5) {
					cover++
				}
				if slopeOf(growth(rng, ns, runs, 0, cv)).P < 0.05 {
					alarms++
				}
			}
			name := fmt.Sprintf("%d runs, differ by %.0f %%: ", runs, 100*cv)
			wantRate(t, name+"slope covered", cover, fullTrials, 0.93, 0.97)
			wantRate(t, name+"flat called growing", alarms, fullTrials, 0.035, 0.065)
		}
	}
}

func TestSimulatedWalkCoverage(t *testing.T) {
	for _, per := range []float64{0, 1.5} {
		rng := rand.New(rand.NewPCG(5, uint64(per)))
		cover, walks := 0, 0
		for range fullTrials {
			var l []Lookup
			for _, sas := range []float64{1, 10, 100, 1000} {
				p := Lookup{SAs: sas}
				for range 5 {
					p.NS = append(p.NS, (80+per*sas)*math.Exp(0.05*rng.NormFloat64()))
				}
				l = append(l, p)
			}
			w := FindWalk(l, Options{})
			if w.PerSA.Interval.Contains(per) {
				cover++
			}
			if w.Walks {
				walks++
			}
		}
		wantRate(t, fmt.Sprintf("%g ns an SA: covered", per), cover, fullTrials, 0.93, 0.97)
		if per == 0 {
			wantRate(t, "no walk called a walk", walks, fullTrials, 0.015, 0.04)
		} else {
			wantRate(t, "walk found", walks, fullTrials, 0.999, 1)
		}
	}
}

func TestSimulatedBreakdownCoverage(t *testing.T) {
	for _, runs := range []int{3, 5, 10} {
		rng := rand.New(rand.NewPCG(6, uint64(runs)))
		cover := 0
		for range fullTrials {
			b := Breakdowns(growth(rng, []int{1, 8}, runs, 0.5, 0.05), "ns/packet", Options{})[0]
			// exp(s^2/2): the mean of a lognormal run.
			if b.Rows[0].Delta.Interval.Contains(100 * (math.Sqrt(8) - 1) * math.Exp(0.05*0.05/2)) {
				cover++
			}
		}
		wantRate(t, fmt.Sprintf("%d+%d runs: delta covered", runs, runs), cover, fullTrials, 0.93, 0.97)
	}
}

func seeded(i int) compare.Options { return compare.Options{Seed: uint64(i + 1)} }

// The descent from one near start, which the bootstrap uses, finds what several
// starts find.
func TestSimulatedFitFindsMinimum(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 0))
	worse, n := 0, 3000
	for range n {
		theta := [3]float64{10, 0.2 * rng.Float64(), 0.02 * rng.Float64() * rng.Float64()}
		d, _ := fitData(sweep(rng, theta, []int{1, 2, 4, 8, 16}, 1+rng.IntN(5), 0.05, 0))
		near, okNear := d.fit(theta)
		far, okFar := d.fit()
		if !okNear || !okFar {
			t.Fatalf("no fit of %v: %v, %v", d.x, okNear, okFar)
		}
		if d.squares(near) > d.squares(far)*(1+1e-6) || d.squares(far) > d.squares(near)*(1+1e-6) {
			worse++
			t.Logf("near %v %v, far %v %v", near, d.squares(near), far, d.squares(far))
		}
	}
	if worse > 0 {
		t.Errorf("%d of %d fits depend on the start", worse, n)
	}
}
