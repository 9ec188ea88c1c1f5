package cost

import (
	"math"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
)

// heatSlices is how many slices a window is shown in.
const heatSlices = 60

// mainOf returns the event of a recording that tells where time goes, as
// Run.Main does; nil if there is none.
func mainOf(events []*perfdata.Event) *perfdata.Event {
	for _, unit := range []string{"cycles", "nanoseconds"} {
		for _, e := range events {
			if !e.IsDummy() && e.Unit() == unit {
				return e
			}
		}
	}
	for _, e := range events {
		if !e.IsDummy() {
			return e
		}
	}
	return nil
}

func TimelineOf(events []*perfdata.Event, w bundle.Window) *profile.Timeline {
	main := mainOf(events)
	if main == nil || w.Seconds() == 0 {
		return nil
	}
	return &profile.Timeline{Event: main, StartNS: w.StartNS, EndNS: w.EndNS, Slices: heatSlices}
}

// NewHeat sums the timeline of an event by CPU and slice; nil if it has none.
func NewHeat(c *Classified, w bundle.Window) *result.Heat {
	if len(c.Timeline) == 0 || !c.named {
		return nil
	}
	h := &result.Heat{Event: c.Event.Name, SliceNS: (w.EndNS - w.StartNS) / heatSlices}
	var total, busy, spin [heatSlices]float64
	finish := func() {
		var b, s []float64
		for i := range heatSlices {
			b, s = append(b, part(busy[i], total[i])), append(s, part(spin[i], busy[i]))
		}
		h.Busy, h.Spin = append(h.Busy, b), append(h.Spin, s)
		clear(total[:])
		clear(busy[:])
		clear(spin[:])
	}
	for i, slot := range c.Timeline {
		if i > 0 && int(slot.CPU) != h.CPUs[len(h.CPUs)-1] {
			finish()
		}
		if i == 0 || int(slot.CPU) != h.CPUs[len(h.CPUs)-1] {
			h.CPUs = append(h.CPUs, int(slot.CPU))
		}
		weight, place := float64(slot.Period), c.places[slot.Stack]
		total[slot.Slice] += weight
		if !c.stages.Idle(place) {
			busy[slot.Slice] += weight
			if place.Lock == stage.Spin {
				spin[slot.Slice] += weight
			}
		}
	}
	finish()
	return h
}

// part is a/b to three digits, which is more than a slice's samples tell; -1 if
// there is nothing to be a part of.
func part(a, b float64) float64 {
	if b <= 0 {
		return -1
	}
	return math.Round(1000*a/b) / 1000
}
