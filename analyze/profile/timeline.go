package profile

import (
	"cmp"
	"slices"

	"xfrmscope/analyze/perfdata"
)

// A Timeline asks for the samples of some events over time: in equal slices of a
// window.
type Timeline struct {
	Events         []*perfdata.Event
	StartNS, EndNS int64 // on the clock of the recording
	Slices         int
}

// A Slot is the weight of one stack on one CPU in one slice of the window.
type Slot struct {
	CPU, Slice, Stack int32 // Stack: index into Profile.Stacks
	Period            uint64
}

// maxSlots bounds what one worker keeps: a window of a minute at 999 Hz on 64
// CPUs has 4 million samples, most of stacks seen before in their slice.
const maxSlots = 1 << 20

// slice returns the slice of a sample, -1 if it is not asked for.
func (t *Timeline) slice(s *perfdata.Sample) int32 {
	if t == nil || !slices.Contains(t.Events, s.Event) || t.EndNS <= t.StartNS || s.TimeNS < uint64(t.StartNS) ||
		s.TimeNS >= uint64(t.EndNS) {
		return -1
	}
	part := float64(s.TimeNS-uint64(t.StartNS)) / float64(t.EndNS-t.StartNS)
	return min(int32(part*float64(t.Slices)), int32(t.Slices)-1)
}

// A slotKey is a slot by the number of its stack in the tables, and its event.
type slotKey struct {
	stack      uint32
	cpu, slice int32
	event      int32
}

// slots are those of one worker.
type slots struct {
	sums map[slotKey]uint64
	full bool // there were more than maxSlots: none are kept
}

func (t *slots) add(k slotKey, period uint64) {
	if t.sums == nil {
		t.sums = map[slotKey]uint64{}
	}
	if len(t.sums) >= maxSlots {
		t.full = true
		return
	}
	t.sums[k] += period
}

// sumSlots adds up those of all workers; full says that there were too many.
func sumSlots(workers []slots) (sums map[slotKey]uint64, full bool) {
	for _, w := range workers {
		if w.full {
			return nil, true
		}
		if sums == nil {
			sums = w.sums // of a single worker there is nothing to add up
			continue
		}
		for k, period := range w.sums {
			sums[k] += period
		}
	}
	return sums, false
}

// timeline makes the slots of the event in the making, by CPU, slice and stack.
func (a *assembler) timeline(event int, sums map[slotKey]uint64) []Slot {
	out := make([]Slot, 0, len(sums))
	for k, period := range sums {
		if place, ok := a.stackPlace.get(k.stack); ok && int(k.event) == event {
			out = append(out, Slot{k.cpu, k.slice, place, period})
		}
	}
	slices.SortFunc(out, func(x, y Slot) int {
		switch { // most differ in the first
		case x.CPU != y.CPU:
			return cmp.Compare(x.CPU, y.CPU)
		case x.Slice != y.Slice:
			return cmp.Compare(x.Slice, y.Slice)
		}
		return cmp.Compare(x.Stack, y.Stack)
	})
	return out
}
