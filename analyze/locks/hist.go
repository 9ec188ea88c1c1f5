package locks

import (
	"math"

	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

// quantile returns the upper end of the bin of a log2 histogram that holds the
// q-th part of the events: bin i is [2^i, 2^(i+1)) ns. longest bounds it where
// the longest event is known.
func quantile(id string, hist []uint64, q, longest float64) metric.Value {
	var total uint64
	for _, n := range hist {
		total += n
	}
	if total == 0 {
		return metric.NotMeasured(id, "ns", bundle.Gap{What: "quantile", Why: "no event was timed"})
	}
	rank := uint64(math.Ceil(q * float64(total)))
	var below uint64
	for i, n := range hist {
		if below += n; n > 0 && below >= rank {
			top := math.Exp2(float64(i + 1))
			if longest > 0 {
				top = min(top, longest)
			}
			return metric.Value{ID: id, Value: top, Unit: "ns", Samples: total}
		}
	}
	return metric.Value{ID: id, Value: longest, Unit: "ns", Samples: total}
}

// histVariance is the variance of the events of a histogram whose bin i ends at
// 2^((i+1)/steps) ns, each taken as the middle of its bin.
func histVariance(hist []uint64, steps float64) float64 {
	var n, sum, squares float64
	for i, count := range hist {
		middle := (math.Exp2(float64(i)/steps) + math.Exp2(float64(i+1)/steps)) / 2
		c := float64(count)
		n += c
		sum += c * middle
		squares += c * middle * middle
	}
	if n < 2 {
		return 0
	}
	return math.Max(0, (squares-sum*sum/n)/(n-1))
}

func addHist(sum, h []uint64) []uint64 {
	if len(h) > len(sum) {
		sum = append(sum, make([]uint64, len(h)-len(sum))...)
	}
	for i, n := range h {
		sum[i] += n
	}
	return sum
}
