package scaling

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"xfrmscope/analyze/compare"
)

// A line is y = a + b x by weighted least squares.
type line struct {
	a, b     float64
	seA, seB float64
	df       float64
}

// fitLine returns the line; ok is false with fewer than 3 points or one x.
func fitLine(x, y, w []float64) (line, bool) {
	sw, sx, sy := 0.0, 0.0, 0.0
	for i := range x {
		sw += w[i]
		sx += w[i] * x[i]
		sy += w[i] * y[i]
	}
	mx, my := sx/sw, sy/sw
	sxx, sxy := 0.0, 0.0
	for i := range x {
		sxx += w[i] * (x[i] - mx) * (x[i] - mx)
		sxy += w[i] * (x[i] - mx) * (y[i] - my)
	}
	if len(x) < 3 || !(sxx > 0) {
		return line{}, false
	}
	l := line{b: sxy / sxx, df: float64(len(x) - 2)}
	l.a = my - l.b*mx
	rss := 0.0
	for i := range x {
		r := y[i] - l.a - l.b*x[i]
		rss += w[i] * r * r
	}
	s2 := rss / l.df
	l.seB = math.Sqrt(s2 / sxx)
	l.seA = math.Sqrt(s2 * (1/sw + mx*mx/sxx))
	return l, true
}

const lineMethod = "least squares over runs, Student's t"

// interval returns the t interval of a coefficient.
func (l line) interval(value, se, confidence float64) compare.Interval {
	w := tQuantile(confidence, l.df) * se
	return compare.Interval{Lo: value - w, Hi: value + w, Level: confidence, Method: lineMethod}
}

// p returns the two-sided p of a coefficient against 0.
func (l line) p(value, se float64) float64 {
	switch {
	case se > 0:
		return 2 * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: l.df}.Survival(math.Abs(value)/se)
	case value == 0:
		return 1
	}
	return 0
}
