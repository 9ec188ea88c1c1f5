package scaling

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// booted draws a curve whose boots differ by common at all N, and their runs by cv.
func booted(rng *rand.Rand, boots, runs int, common, cv float64) Curve {
	c := Curve{Name: "curve", Unit: "Mpps"}
	for boot := range boots {
		fast := common * rng.NormFloat64()
		for _, n := range []int{1, 2, 4, 8, 16} {
			for range runs {
				v := rate(truth(), float64(n)) * math.Exp(fast+cv*rng.NormFloat64())
				c.Points = append(c.Points, Point{N: n, Boots: []string{fmt.Sprint("boot ", boot)},
					Values: []float64{v}})
			}
		}
	}
	return c
}

// What boots have in common widens gamma's interval; that of runs would be too
// narrow, as it is where the boots are not told.
func TestSimulatedBoots(t *testing.T) {
	hits, untold, n := 0, 0, trials()
	for i := range n {
		rng := rand.New(rand.NewPCG(11, uint64(i)))
		c := booted(rng, 5, 3, 0.02, 0.003)
		o := Options{Resamples: 400, Options: seeded(i)}
		if u := FitUSL(c, o); u.Boots != 5 || u.Runs != 75 {
			t.Fatalf("%d runs of %d boots", u.Runs, u.Boots)
		} else if u.Gamma.Interval.Contains(truth()[0]) {
			hits++
		}
		for k := range c.Points {
			c.Points[k].Boots = nil
		}
		if u := FitUSL(c, o); u.Gamma.Interval.Contains(truth()[0]) {
			untold++
		}
	}
	wantRate(t, "gamma over 5 boots", hits, n, 0.92, 0.995)
	wantRate(t, "gamma over runs of 5 boots", untold, n, 0, 0.85)
}

// Boots that differ are no change of shape, and a change between boots is found.
func TestBootsBothSides(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 1))
	o := Options{Resamples: 200, Options: seeded(1)}
	before, after := booted(rng, 5, 2, 0.02, 0.003), booted(rng, 5, 2, 0.02, 0.003)
	if c := FitBoth(before, after, o); c.Kappa.Significant || c.Sigma.Significant || c.Before.Boots != 5 {
		t.Errorf("the same law: %+v", c)
	}
	for i, p := range after.Points {
		after.Points[i].Values[0] *= rate([3]float64{1, 0.03, 0.02}, float64(p.N)) /
			rate([3]float64{1, 0.03, 0.004}, float64(p.N))
	}
	if c := FitBoth(before, after, o); !c.Kappa.Significant {
		t.Errorf("kappa from 0.004 to 0.02: %+v", c.Kappa)
	}
}

// Runs that do not all tell their boots, or have one each, are what is resampled.
func TestRunsOfNoBoots(t *testing.T) {
	for name, boot := range map[string]func(i int) string{
		"not told": func(int) string { return "" }, "one each": func(i int) string { return fmt.Sprint(i) },
		"one for all": func(int) string { return "a" },
	} {
		c := booted(rand.New(rand.NewPCG(13, 1)), 3, 2, 0.02, 0.003)
		for i := range c.Points {
			c.Points[i].Boots = []string{boot(i)}
		}
		if u := FitUSL(c, Options{Resamples: 50}); u.Boots != 0 || u.Runs != 30 {
			t.Errorf("%s: %d runs of %d boots", name, u.Runs, u.Boots)
		}
	}
}
