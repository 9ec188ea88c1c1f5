package compare

import (
	"cmp"
	"math"
	"slices"
)

type atom struct{ value, p float64 }

// medianDistribution returns the bootstrap distribution of the median of
// sorted values: every resample with replacement, weighted, instead of some of
// them drawn (Efron, Bootstrap methods, Ann. Statist. 7 (1979), section 3).
// Ascending; n atoms if n is odd, n(n+1)/2 if it is even.
//
// A resample of n = 2m+1 has its median at or below x[i] if at least m+1 of
// its values are. For n = 2m, G(i,j), the probability that the m-th is <= x[i]
// and the next > x[j], is that of exactly m values up to i and m beyond j.
func medianDistribution(x []float64) []atom {
	n, m := len(x), len(x)/2
	if n%2 == 1 {
		out, upTo := make([]atom, n), atLeast(n, m+1)
		for i := range x {
			out[i] = atom{x[i], upTo[i+1] - upTo[i]}
		}
		return out
	}
	upTo := atLeast(n, m)
	ways := choose(n, m)
	g := func(i, j int) float64 {
		return ways * math.Pow(float64(i)/float64(n)*float64(n-j)/float64(n), float64(m))
	}
	out := make([]atom, 0, n*(n+1)/2)
	for i := 1; i <= n; i++ {
		both := upTo[i] - upTo[i-1] // the m-th is x[i]; less the cases where the next is not
		for j := i + 1; j <= n; j++ {
			p := g(i, j-1) - g(i-1, j-1) - g(i, j) + g(i-1, j)
			both -= p
			out = append(out, atom{x[i-1] + (x[j-1]-x[i-1])/2, p})
		}
		out = append(out, atom{x[i-1], both})
	}
	slices.SortFunc(out, func(a, b atom) int { return cmp.Compare(a.value, b.value) })
	return out
}

// atLeast returns the probabilities that k or more of n draws are among the lowest
// 0..n of n values.
func atLeast(n, k int) []float64 {
	out := make([]float64, n+1)
	for j := k; j <= n; j++ {
		ways := choose(n, j)
		for i := range out {
			q := float64(i) / float64(n)
			out[i] += ways * math.Pow(q, float64(j)) * math.Pow(1-q, float64(n-j))
		}
	}
	return out
}

// A joint is a function of a median before, x, and a median after, y, that
// ascends in y.
type joint interface {
	limit(t, x float64) float64                   // the y at which it reaches t; ascends with x
	extremes(x, y []float64) (least, top float64) // finite values of it on sorted x and y
}

type quotient struct{} // y/x, of values >= 0; y/0 is infinite

func (quotient) limit(t, x float64) float64 { return t * x }

func (quotient) extremes(x, y []float64) (least, top float64) {
	positive := x[slices.IndexFunc(x, func(v float64) bool { return v > 0 })]
	return y[0] / x[len(x)-1], 2 * y[len(y)-1] / positive // an even median may be half a value
}

type distance struct{} // y-x

func (distance) limit(t, x float64) float64 { return t + x }

func (distance) extremes(x, y []float64) (least, top float64) {
	return y[0] - x[len(x)-1], y[len(y)-1] - x[0]
}

// below returns the probability that the joint value is <= t; xs and ys ascend.
func below(f joint, t float64, xs, ys []atom) float64 {
	p, cum, j := 0.0, 0.0, 0
	for _, x := range xs {
		limit := f.limit(t, x.value)
		for j < len(ys) && ys[j].value <= limit {
			cum += ys[j].p
			j++
		}
		p += x.p * cum
	}
	return p
}

// quantile returns the smallest t in [lo, hi] with below(t) >= q, to the
// precision of a float64, and whether there is one.
func quantile(f joint, q float64, xs, ys []atom, lo, hi float64) (float64, bool) {
	const rounding = 1e-12
	if below(f, hi, xs, ys) < q-rounding {
		return 0, false
	}
	if below(f, lo, xs, ys) >= q-rounding {
		return lo, true
	}
	for range 200 {
		mid := lo + (hi-lo)/2
		if mid <= lo || mid >= hi {
			break
		}
		if below(f, mid, xs, ys) >= q-rounding {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi, true
}
