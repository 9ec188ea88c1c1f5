package metric

import (
	"fmt"

	"xfrmscope/collect/bundle"
)

// What part of the events behind a number may be lost: above RangeLoss it is a
// range, above RefuseLoss there is no number.
const (
	RangeLoss  = 0.01
	RefuseLoss = 0.05
)

// CountWithLoss weakens a count of events of which lost out of all (lost ones
// included) were not seen: it is a range then, up to high.
func (v Value) CountWithLoss(lost, all uint64, high float64) Value {
	if v.Measured() && all > 0 && float64(lost)/float64(all) > RangeLoss {
		v.Low, v.High = v.Value, max(high, v.Value)
	}
	return v
}

// WithLoss weakens a ratio of counts of which lost out of all (lost ones
// included) were not seen. low and high are the ratio with all losses to one
// side or the other.
func (v Value) WithLoss(what string, lost, all uint64, low, high float64) Value {
	if !v.Measured() || all == 0 {
		return v
	}
	share := float64(lost) / float64(all)
	switch {
	case share > RefuseLoss:
		refused := NotMeasured(v.ID, v.Unit, bundle.Gap{
			What: v.ID,
			Why: fmt.Sprintf("%d of %d %s (%.1f %%) were lost, more than %.0f %%",
				lost, all, what, 100*share, 100*RefuseLoss),
			Fix: "record again with a longer window, or on fewer CPUs",
		})
		refused.Losses = v.Losses
		return refused
	case share > RangeLoss:
		v.Low, v.High = min(low, high, v.Value), max(low, high, v.Value)
	}
	return v
}
