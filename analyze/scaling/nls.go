package scaling

import "math"

// fit returns the parameters with the least weighted sum of squares subject to
// gamma > 0, sigma, kappa >= 0. If the minimum without bounds is within them it
// is the answer; else a bound holds, and the best of the minima on the bounds is.
//
// The bootstrap makes a thousand fits. This takes 2 us each; gonum's general
// minimizer has no bounds and took 1 ms.
func (d *uslData) fit(near ...[3]float64) ([3]float64, bool) {
	starts := near
	if len(starts) == 0 {
		starts = d.starts()
	}
	if theta, ok := d.best([]int{0, 1, 2}, starts); ok {
		return theta, true
	}
	var out [3]float64
	least, found := math.Inf(1), false
	for _, free := range [][]int{{0, 1}, {0, 2}, {0}} {
		theta, ok := d.best(free, starts)
		if s := d.squares(theta); ok && s < least {
			out, least, found = theta, s, true
		}
	}
	return out, found
}

// best returns the best minimum over the starts with the other parameters 0.
func (d *uslData) best(free []int, starts [][3]float64) ([3]float64, bool) {
	var out [3]float64
	least, found := math.Inf(1), false
	for _, start := range starts {
		theta := [3]float64{}
		for _, k := range free {
			theta[k] = start[k]
		}
		theta, ok := d.descend(theta, free)
		if s := d.squares(theta); ok && s < least {
			out, least, found = theta, s, true
		}
	}
	return out, found && out[0] > 0 && out[1] >= 0 && out[2] >= 0
}

// starts returns the linear form's solution and two fixed shapes. Linear form:
// N/X = (1 + sigma (N-1) + kappa N (N-1)) / gamma.
func (d *uslData) starts() [][3]float64 {
	first := d.x[0] / d.n[0]
	out := [][3]float64{{first, 0.02, 0.001}, {first, 0.3, 0.03}}
	var a [3][3]float64
	var b [3]float64
	for i, n := range d.n {
		basis := [3]float64{1, n - 1, n * (n - 1)}
		y := n / d.x[i]
		w := d.w[i] * d.x[i] * d.x[i] / (y * y) // the error of N/X
		for r := range basis {
			b[r] += w * basis[r] * y
			for c := range basis {
				a[r][c] += w * basis[r] * basis[c]
			}
		}
	}
	if p, ok := solve(a, b, 3); ok && p[0] > 0 {
		out = append(out, [3]float64{1 / p[0], max(p[1]/p[0], 1e-4), max(p[2]/p[0], 1e-5)})
	}
	return out
}

// descend is the method of Levenberg and Marquardt over the free parameters.
func (d *uslData) descend(theta [3]float64, free []int) ([3]float64, bool) {
	const (
		steps     = 200
		precision = 1e-12 // of the sum of squares, relative
	)
	sum, damping := d.squares(theta), 1e-3
	for range steps {
		a, b := d.normalEquations(theta, free)
		for k := range free {
			a[k][k] *= 1 + damping
		}
		step, ok := solve(a, b, len(free))
		next := theta
		for k, p := range free {
			next[p] += step[k]
		}
		s := d.squares(next)
		settled := math.Abs(s-sum) <= precision*sum && damping <= 1 // at a minimum rounding may go up
		better := ok && s <= sum && d.positive(next)
		switch {
		case better:
			theta, sum, damping = next, s, max(damping/10, 1e-12)
		case damping > 1e12:
			return theta, d.positive(theta)
		default:
			damping *= 10
		}
		if ok && settled {
			return theta, d.positive(theta)
		}
	}
	return theta, false
}

// positive reports whether the rate is positive and finite at every N: with
// negative sigma or kappa the law has poles.
func (d *uslData) positive(theta [3]float64) bool {
	last := d.n[len(d.n)-1]
	for _, n := range append([]float64{1, last}, d.n...) {
		if x := rate(theta, n); !(x > 0) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}

// normalEquations returns J'WJ and J'Wr over the free parameters.
func (d *uslData) normalEquations(theta [3]float64, free []int) (a [3][3]float64, b [3]float64) {
	for i, n := range d.n {
		q := 1 + theta[1]*(n-1) + theta[2]*n*(n-1)
		x := theta[0] * n / q
		slope := [3]float64{n / q, -x * (n - 1) / q, -x * n * (n - 1) / q}
		for r, p := range free {
			b[r] += d.w[i] * slope[p] * (d.x[i] - x)
			for c, k := range free {
				a[r][c] += d.w[i] * slope[p] * slope[k]
			}
		}
	}
	return a, b
}

// solve returns x of a x = b for the leading k rows and columns of a symmetric,
// positive matrix, by elimination with pivots, after scaling it to a unit diagonal.
func solve(a [3][3]float64, b [3]float64, k int) ([3]float64, bool) {
	var scale, x [3]float64
	for i := range k {
		if !(a[i][i] > 0) {
			return x, false
		}
		scale[i] = 1 / math.Sqrt(a[i][i])
	}
	for i := range k {
		b[i] *= scale[i]
		for j := range k {
			a[i][j] *= scale[i] * scale[j]
		}
	}
	for i := range k {
		pivot := i
		for r := i + 1; r < k; r++ {
			if math.Abs(a[r][i]) > math.Abs(a[pivot][i]) {
				pivot = r
			}
		}
		a[i], a[pivot], b[i], b[pivot] = a[pivot], a[i], b[pivot], b[i]
		if math.Abs(a[i][i]) < 1e-14 {
			return x, false
		}
		for r := i + 1; r < k; r++ {
			f := a[r][i] / a[i][i]
			for c := i; c < k; c++ {
				a[r][c] -= f * a[i][c]
			}
			b[r] -= f * b[i]
		}
	}
	for i := k - 1; i >= 0; i-- {
		x[i] = b[i]
		for c := i + 1; c < k; c++ {
			x[i] -= a[i][c] * x[c]
		}
		x[i] /= a[i][i]
	}
	for i := range k {
		x[i] *= scale[i]
	}
	return x, true
}
