package view

import (
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// SpinSpread returns the CPUs that spin least and most, and whether they
// differ.
func SpinSpread(r *result.Run) (low, high result.CPU, differ bool) {
	e := r.Main()
	if e == nil {
		return low, high, false
	}
	found := false
	for _, c := range e.CPUs {
		if !format.Finite(c.SpinShare) {
			continue
		}
		if !found || c.SpinShare.Value < low.SpinShare.Value {
			low = c
		}
		if !found || c.SpinShare.Value > high.SpinShare.Value {
			high = c
		}
		found = true
	}
	gap := high.SpinShare.Value - low.SpinShare.Value
	return low, high, found && gap > 2*(low.SpinShare.SE+high.SpinShare.SE)
}
