package cost

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
)

// heatSlices is how many slices a window is shown in.
const heatSlices = 60

// mainsOf returns the event of a recording that tells where time goes, as
// Run.Main does, and those that have its name on other PMUs.
func mainsOf(events []*perfdata.Event) []*perfdata.Event {
	main := mainOf(events)
	return slices.DeleteFunc(slices.Clone(events), func(e *perfdata.Event) bool {
		return e != main && (e.IsDummy() || bundle.BaseEvent(e.Name) != bundle.BaseEvent(main.Name))
	})
}

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
	mains := mainsOf(events)
	if len(mains) == 0 || w.Seconds() == 0 {
		return nil
	}
	return &profile.Timeline{Events: mains, StartNS: w.StartNS, EndNS: w.EndNS, Slices: heatSlices}
}

// NewHeat sums the timelines of events by CPU and slice; nil if they have none.
// Of a hybrid CPU they are those of its PMUs: no CPU has samples of two.
func NewHeat(classes []*Classified, w bundle.Window) *result.Heat {
	var names []string
	var rows []heatRow
	for _, c := range classes {
		if len(c.Timeline) > 0 && c.named {
			names = append(names, c.Event.Name)
			rows = append(rows, c.heat()...)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	slices.SortStableFunc(rows, func(a, b heatRow) int { return cmp.Compare(a.cpu, b.cpu) })
	h := &result.Heat{Event: strings.Join(names, " and "), SliceNS: (w.EndNS - w.StartNS) / heatSlices}
	for _, r := range rows {
		h.CPUs, h.Busy, h.Spin = append(h.CPUs, r.cpu), append(h.Busy, r.busy), append(h.Spin, r.spin)
	}
	return h
}

// A heatRow is the shares of one CPU, by slice.
type heatRow struct {
	cpu        int
	busy, spin []float64
}

func (c *Classified) heat() []heatRow {
	var rows []heatRow
	var total, busy, spin [heatSlices]float64
	finish := func() {
		r := &rows[len(rows)-1]
		for i := range heatSlices {
			r.busy, r.spin = append(r.busy, part(busy[i], total[i])), append(r.spin, part(spin[i], busy[i]))
		}
		clear(total[:])
		clear(busy[:])
		clear(spin[:])
	}
	for i, slot := range c.Timeline {
		if i == 0 || int(slot.CPU) != rows[len(rows)-1].cpu {
			if i > 0 {
				finish()
			}
			rows = append(rows, heatRow{cpu: int(slot.CPU)})
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
	return rows
}

// part is a/b to three digits, which is more than a slice's samples tell; -1 if
// there is nothing to be a part of.
func part(a, b float64) float64 {
	if b <= 0 {
		return -1
	}
	return math.Round(1000*a/b) / 1000
}
