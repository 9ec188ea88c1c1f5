package locks

import (
	"fmt"
	"math"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// Classes are the classes of the run's locks, in order of appearance.
func Classes(l *result.Locks) []string {
	var out []string
	seen := map[string]bool{}
	for i := range l.Rows {
		if class := l.Rows[i].Class(); !seen[class] {
			seen[class] = true
			out = append(out, class)
		}
	}
	return out
}

// ContentionOf is the contention ratio of the locks of a class together: the mean
// of theirs, weighed by acquisitions. A lock that was waited for and whose
// acquisitions were not counted leaves the class without one.
func ContentionOf(l *result.Locks, class string) metric.Value {
	out := metric.Value{ID: metric.ContentionID, Unit: "ratio"}
	var acquired, low, high, variance float64
	missing := &bundle.Gap{What: "contention ratio of the class", Why: "no acquisition was counted"}
	for i := range l.Rows {
		r := &l.Rows[i]
		switch {
		case r.Class() != class:
		case r.Contention.ID == "" || !r.Contention.Measured():
			if r.Contention.Missing != nil {
				missing = r.Contention.Missing
			}
			if r.Waits > 0 {
				return metric.NotMeasured(metric.ContentionID, "ratio", *missing)
			}
		default:
			n, v := r.Acquisitions.Value, r.Contention
			acquired += n
			out.Value += n * v.Value
			if v.High == 0 {
				v.Low, v.High = v.Value, v.Value
			}
			low, high, variance = low+n*v.Low, high+n*v.High, variance+n*n*v.SE*v.SE
		}
	}
	if acquired == 0 {
		return metric.NotMeasured(metric.ContentionID, "ratio", *missing)
	}
	out.Value /= acquired
	out.SE = math.Sqrt(variance) / acquired
	if out.Low, out.High = low/acquired, high/acquired; out.Low == out.High {
		out.Low, out.High = 0, 0
	}
	return out
}

// BounceOf is the sum of what the locks of a class bounce, of those that stand
// on a floor of their class.
func BounceOf(l *result.Locks, class string) metric.Value {
	out := metric.Value{ID: metric.BounceID, Unit: "ns/packet"}
	missing := &bundle.Gap{What: "bounce of the class", Why: "no acquisition was timed"}
	found, variance := false, 0.0
	for i := range l.Rows {
		r := &l.Rows[i]
		switch {
		case r.Class() != class:
		case r.Floor == nil:
			if r.Bounce.Missing != nil {
				missing = r.Bounce.Missing
			}
		case !r.Floor.Own:
			missing = &bundle.Gap{What: missing.What,
				Why: fmt.Sprintf("no lock of the class was timed on one CPU, its floor would be "+
					"that of %s", r.Floor.Of)}
		default:
			found = true
			out.Value += r.Bounce.Value
			out.DF = fewest(out.DF, r.Bounce.DF)
			variance += r.Bounce.SE * r.Bounce.SE
		}
	}
	if !found {
		return metric.NotMeasured(metric.BounceID, out.Unit, *missing)
	}
	out.SE = math.Sqrt(variance)
	return out
}

// fewest is the smaller number of degrees of freedom of two, of which 0 is no bound.
func fewest(a, b float64) float64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
