package scaling

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"xfrmscope/analyze/compare"
)

// powers draws 5 runs at each N of a rate of 1.5 Mpps N^shape.
func powers(rng *rand.Rand, shape float64, ns ...int) Curve {
	c := Curve{Unit: "packets/s"}
	for _, n := range ns {
		p := Point{N: n}
		for range 5 {
			p.Values = append(p.Values, 1.5e6*math.Pow(float64(n), shape)*math.Exp(0.02*rng.NormFloat64()))
		}
		c.Points = append(c.Points, p)
	}
	return c
}

// A flat curve has no law to tell; what rises or falls has one, and gamma an
// interval around it whatever the unit.
func TestFlatCurve(t *testing.T) {
	for seed := range uint64(5) {
		for _, ns := range [][]int{{1, 2, 4, 8}, {2, 4, 8, 16}, {4, 8, 12, 16}} {
			rng := rand.New(rand.NewPCG(1, seed))
			u := FitUSL(powers(rng, 0, ns...), Options{Options: compare.Options{Alpha: 0.001}})
			if why := u.Gamma.Interval.Missing; why == nil || !strings.Contains(why.Text, "flat") ||
				u.Misfit == nil {
				t.Errorf("%v: gamma %+v, misfit %v, want no interval: the curve is flat",
					ns, u.Gamma, u.Misfit)
			}
			for _, shape := range []float64{0.5, -0.3} {
				u := FitUSL(powers(rng, shape, ns...), Options{})
				i := u.Gamma.Interval
				if shape < 0 && ns[0] > 1 {
					continue // how fast one CPU was is anybody's guess: at most a bound
				}
				if !i.Known() || i.OpenHi || !i.Contains(u.Gamma.Value) || i.Hi > 2*u.Gamma.Value {
					t.Errorf("%v, N^%g: gamma %+v, want an interval around it", ns, shape, u.Gamma)
				}
			}
		}
	}
}
