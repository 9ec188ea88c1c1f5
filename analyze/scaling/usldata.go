package scaling

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// uslData is what the fit works on: means by N with their weights. For
// weights that are the same for all runs of one N this gives the same minimum as
// the runs themselves.
type uslData struct {
	n, x, w   []float64 // N, mean rate, weight
	cv        []float64 // spread between runs at each N, relative to the rate; nil without repeats
	trend     trend
	values    [][]float64  // the runs, or the means of boots
	boots     []bootValues // where values are of boots: those of each N
	runs      int
	weighting string
	scatter   float64 // weighted mean square of runs around their means; 0 without repeats
}

func newUSLData(points []Point, boots []bootValues) uslData {
	d := uslData{boots: boots}
	for _, p := range points {
		d.n = append(d.n, float64(p.N))
		d.x = append(d.x, p.mean())
		d.values = append(d.values, p.Values)
		d.runs += len(p.Values)
	}
	d.weigh()
	return d
}

// weigh sets the weight of each mean to runs / variance. Runs scatter in
// proportion to the rate, and often more so the more CPUs there are: the
// relative variance at each N is drawn towards a power of N fitted to all.
func (d *uslData) weigh() {
	if d.pooledRelative() == 0 {
		d.weighting = "equal"
		d.w = slices.Repeat([]float64{1}, len(d.n))
		return
	}
	d.weighting = "runs / variance"
	d.trend = d.varianceTrend()
	if d.boots != nil {
		d.weighting = "boots / variance"
		d.trend.fewBoots(len(bootsIn(d.boots)))
	}
	sum := 0.0
	for i, v := range d.values {
		df := float64(len(v) - 1)
		relative := (priorDF*d.trend.at(d.n[i]) + d.relativeSquares(i)) / (priorDF + df)
		d.cv = append(d.cv, math.Sqrt(relative))
		w := 1 / (relative * d.x[i] * d.x[i])
		d.w = append(d.w, w*float64(len(v)))
		sum += d.relativeSquares(i) / relative
	}
	d.scatter = sum / float64(d.runs-len(d.n))
}

// relativeSquares sums the squared deviations of the runs at one N, as shares
// of the mean.
func (d *uslData) relativeSquares(i int) float64 {
	if len(d.values[i]) < 2 {
		return 0
	}
	return stat.Variance(d.values[i], nil) * float64(len(d.values[i])-1) / (d.x[i] * d.x[i])
}

// pooledRelative returns the relative variance between runs, 0 if there are no
// repeats or they do not differ.
func (d *uslData) pooledRelative() float64 {
	sum := 0.0
	for i := range d.n {
		sum += d.relativeSquares(i)
	}
	if df := d.runs - len(d.n); df > 0 {
		return sum / float64(df)
	}
	return 0
}

// squares returns the weighted sum of squares of the means around theta.
func (d *uslData) squares(theta [3]float64) float64 {
	sum := 0.0
	for i, n := range d.n {
		r := d.x[i] - rate(theta, n)
		sum += d.w[i] * r * r
	}
	return sum
}

// standardErrors returns those of nls over the free parameters: the root of
// the diagonal of the inverse of J'WJ, times the residual mean square of all
// runs; nil for the others.
func (d *uslData) standardErrors(theta [3]float64, free []int) [3]*float64 {
	var out [3]*float64
	df := d.runs - len(free)
	if df < 1 {
		return out
	}
	variance := (d.squares(theta) + d.scatter*float64(d.runs-len(d.n))) / float64(df)
	for place, k := range free {
		a, _ := d.normalEquations(theta, free)
		var unit [3]float64
		unit[place] = 1
		column, ok := solve(a, unit, len(free))
		if ok && column[place] > 0 && column[place] < math.MaxFloat64 {
			se := math.Sqrt(variance * column[place])
			out[k] = &se
		}
	}
	return out
}

// freeOf returns the parameters that are not at their bound.
func freeOf(theta [3]float64) []int {
	free := []int{0}
	for _, k := range []int{1, 2} {
		if theta[k] > 0 {
			free = append(free, k)
		}
	}
	return free
}
