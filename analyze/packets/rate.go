package packets

import (
	"math"

	"xfrmscope/analyze/metric"
)

// relative is the standard error of a value as a ratio of it.
func relative(v metric.Value) float64 {
	if v.Value == 0 {
		return 0
	}
	return math.Abs(v.SE / v.Value)
}
