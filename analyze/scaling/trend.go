package scaling

import "math"

// A trend is relative variance between runs = exp(level + b (log N - center)).
type trend struct {
	center, level, b float64
	varLevel, varB   float64 // variances of level and b, which are independent
}

const (
	// priorDF is how many degrees of freedom the trend counts for against the
	// variance at one N: five runs at one N say less of their spread than all N
	// together do, a hundred say more.
	priorDF = 16
	// flatPrior draws b towards 0, with the weight of 1/flatPrior as its variance.
	flatPrior = 0.5
)

func (t trend) at(n float64) float64 { return math.Exp(t.level + t.b*(math.Log(n)-t.center)) }

// factor returns by how much the spread may be off at n, for two standard
// normal draws. The logarithm of a variance estimated with k degrees of freedom
// has the variance 2/k, and lies 1/k low.
func (t trend) factor(n, u, v float64) float64 {
	z := math.Log(n) - t.center
	off := u*math.Sqrt(t.varLevel) + v*math.Sqrt(t.varB)*z + (t.varLevel+t.varB*z*z)/2
	return math.Exp(min(off, 3) / 2)
}

// varianceTrend fits the trend by maximum likelihood of the variances, which
// are chi-squared (a gamma regression with logarithmic link, by Newton's method).
// There must be repeats that differ.
func (d *uslData) varianceTrend() trend {
	var t trend
	df := 0.0
	for i, n := range d.n {
		k := float64(len(d.values[i]) - 1)
		t.center += k * math.Log(n)
		df += k
	}
	t.center /= df // so that level and b are independent
	t.level = math.Log(d.pooledRelative())
	information := flatPrior
	for i, n := range d.n {
		z := math.Log(n) - t.center
		information += float64(len(d.values[i])-1) * z * z / 2
	}
	step := [2]float64{2 / df, 1 / information} // the inverse of the expected information
	for range 50 {
		slopeLevel, slopeB := 0.0, -flatPrior*t.b
		for i, n := range d.n {
			r := d.relativeSquares(i)/t.at(n) - float64(len(d.values[i])-1)
			slopeLevel += r / 2
			slopeB += r / 2 * (math.Log(n) - t.center)
		}
		// Steps by the expected information; bounded, because it is far from the
		// observed one where a variance is far from the trend.
		stepLevel, stepB := clamp(slopeLevel*step[0]), clamp(slopeB*step[1])
		t.level += stepLevel
		t.b += stepB
		if math.Abs(stepLevel)+math.Abs(stepB) < 1e-10 {
			break
		}
	}
	few := df / max(df-2, 1) // two parameters were fitted to the df
	t.varLevel, t.varB = step[0]*few, step[1]*few
	return t
}

func clamp(step float64) float64 { return max(-1, min(1, step)) }
