package scaling

import (
	"cmp"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/stat"

	"xfrmscope/analyze/compare"
)

// A Point is the runs at one N.
type Point struct {
	N      int       // CPUs used, 1 or more
	Values []float64 // one a run, in the curve's unit
	Loss   []float64 // share of packets lost in each run, 0..1; nil if not known
	Boots  []string  // the boot of each run; nil or "" if not known

	// Limit says that something other than the CPUs set the value: "generator",
	// "line rate". Such points stay in tables but not in fits.
	Limit string
}

// A Curve is a rate over N.
type Curve struct {
	Name   string
	Unit   string // "packets/s", "Gbit/s"
	Points []Point
}

// clean returns the points with usable values in order of N, points of the
// same N made one, and notes on what was left out.
func (c Curve) clean() ([]Point, []compare.Reason) {
	var out []Point
	var notes []compare.Reason
	for _, p := range c.Points {
		s, dropped := compare.Series{Values: p.Values}.Clean()
		if dropped != nil {
			dropped.Text = fmt.Sprintf("N=%d: %s", p.N, dropped.Text)
			notes = append(notes, *dropped)
		}
		switch {
		case p.N < 1:
			notes = append(notes,
				*compare.Because(compare.BadValue, "N=%d is no number of CPUs: point left out", p.N))
			continue
		case len(s.Values) == 0:
			notes = append(notes,
				*compare.Because(compare.NoRuns, "N=%d has no usable run: point left out", p.N))
			continue
		}
		p.Values = s.Values
		out = merge(out, p)
	}
	slices.SortFunc(out, func(a, b Point) int { return cmp.Compare(a.N, b.N) })
	for i := range out {
		slices.Sort(out[i].Values)
	}
	return out, notes
}

func merge(points []Point, p Point) []Point {
	p.Values = slices.Clone(p.Values)
	for i := range points {
		if q := &points[i]; q.N == p.N {
			q.Values = append(q.Values, p.Values...)
			q.Loss = append(slices.Clone(q.Loss), p.Loss...)
			q.Boots = append(slices.Clone(q.Boots), p.Boots...)
			q.Limit = cmp.Or(q.Limit, p.Limit)
			return points
		}
	}
	return append(points, p)
}

func (p Point) mean() float64 { return stat.Mean(p.Values, nil) }

func (p Point) series(unit string) compare.Series {
	return compare.Series{Name: fmt.Sprintf("N=%d", p.N), Unit: unit, Better: "higher", Values: p.Values}
}

// loss returns the median loss of the runs, and whether it is known.
func (p Point) loss() (float64, bool) {
	s := compare.Summarize(compare.Series{Values: p.Loss}, compare.Options{})
	return s.Median, s.N > 0
}
