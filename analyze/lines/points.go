package lines

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
)

// Points are the means over the runs of one mode, by N; a run without a mode repeats
// none. A field that a run does not have moved 0 times in it. Runs of several sources,
// or of which some know packets and some do not, are not put together: the first one's
// kind counts.
func Points(runs []*result.Run) []result.LinePoint {
	var out []result.LinePoint
	var group []*result.Run
	for i, r := range runs { // by N
		if r.Lines != nil {
			group = append(group, r)
		}
		last := i == len(runs)-1 || runs[i+1].N != r.N || r.Mode == ""
		if last && len(group) > 0 {
			out = append(out, point(group))
			group = nil
		}
	}
	return out
}

func point(runs []*result.Run) result.LinePoint {
	first := runs[0].Lines
	p := result.LinePoint{N: runs[0].N, Name: runs[0].Name, Unit: first.PerPacket.Unit, Source: first.Source,
		Lacks: first.Lacks}
	packets := first.PerPacket.Measured()
	if !packets {
		p.Unit = "ratio"
	}
	alike := func(r *result.Run) bool {
		return r.Lines.Source == first.Source && r.Lines.PerPacket.Measured() == packets
	}
	runs = slices.DeleteFunc(slices.Clone(runs), func(r *result.Run) bool { return !alike(r) })
	p.Runs = len(runs)
	mean := func(of func(*result.Lines) metric.Value) compare.Estimate {
		values := make([]metric.Value, len(runs))
		for i, r := range runs {
			values[i] = of(r.Lines)
		}
		e := meanOf(values)
		if !packets { // a share ends at all
			e.Interval.Hi = min(e.Interval.Hi, 1)
		}
		return e
	}
	if packets {
		p.Total.Mean = mean(func(l *result.Lines) metric.Value { return l.PerPacket })
	} else {
		p.Total.Mean = compare.NoEstimate(compare.Because(compare.NoRuns, "%s", first.PerPacket.Missing.Why))
	}
	var names []string
	for _, r := range runs {
		for _, f := range r.Lines.Fields {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		p.Fields = append(p.Fields, result.LineMean{Name: name, Mean: mean(func(l *result.Lines) metric.Value {
			f := l.Field(name)
			switch {
			case f == nil:
				return metric.Value{}
			case packets:
				return f.PerPacket
			}
			return f.Share
		})})
	}
	slices.SortStableFunc(p.Fields,
		func(a, b result.LineMean) int { return cmp.Compare(b.Mean.Value, a.Mean.Value) })
	return p
}

// meanOf is the mean over runs with the interval of Student's t; of one run that of
// its samples, if it was sampled.
func meanOf(values []metric.Value) compare.Estimate {
	const level = 0.95
	x := make([]float64, len(values))
	for i, v := range values {
		x[i] = v.Value
	}
	mean, sd := stat.MeanStdDev(x, nil)
	e := compare.Estimate{Value: mean}
	n := float64(len(x))
	switch {
	case len(x) > 1:
		half := distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile((1+level)/2) * sd / math.Sqrt(n)
		e.Interval = compare.Interval{Lo: max(0, mean-half), Hi: mean + half, Level: level,
			Method: fmt.Sprintf("Student's t over %d runs", len(x))}
	case values[0].Ranged() || values[0].SE > 0: // few samples have an interval that is not symmetric
		half := values[0].Half()
		low, high, few := values[0].Few()
		switch {
		case values[0].Ranged():
			low, high = values[0].Low, values[0].High
		case !few:
			low, high = max(0, mean-half), mean+half
		}
		e.Interval = compare.Interval{Lo: low, Hi: high, Level: level, Method: "of the samples"}
	default:
		e.Interval = compare.NoInterval(compare.Because(compare.TooFewRuns, "1 run has no spread"))
	}
	return e
}
