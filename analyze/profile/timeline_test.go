package profile

import (
	"reflect"
	"testing"
)

// The timeline sums to the event, slice by slice, whatever the number of
// workers.
func TestTimeline(t *testing.T) {
	f := big(20_000).open(t)
	asked := 1
	options := func(workers int, from, to int64) Options {
		return Options{Kallsyms: kallsyms(t), Workers: workers,
			Timeline: &Timeline{Events: f.Events[:asked], StartNS: from, EndNS: to, Slices: 10}}
	}
	one := build(t, f, options(1, 0, 20_000))
	if again := build(t, f, options(4, 0, 20_000)); !reflect.DeepEqual(again, one) {
		t.Error("four workers give another timeline than one")
	}
	var sum uint64
	for _, s := range one[0].Timeline {
		if s.Slice < 0 || s.Slice > 9 || int(s.Stack) >= len(one[0].Stacks) {
			t.Fatalf("slot %+v", s)
		}
		sum += s.Period
	}
	if _, period := one[0].Total(); sum != period {
		t.Errorf("slots sum to %d, the event to %d", sum, period)
	}
	if one[1].Timeline != nil {
		t.Error("an event that was not asked for has a timeline")
	}
	asked = 2
	for i, p := range build(t, f, options(4, 0, 20_000)) {
		var sum uint64
		for _, s := range p.Timeline {
			sum += s.Period
		}
		if _, period := p.Total(); sum != period {
			t.Errorf("slots of event %d of two sum to %d, the event to %d", i, sum, period)
		}
	}
	asked = 1
	if half := build(t, f, options(1, 0, 10_000))[0].Timeline; len(half) == 0 || half[len(half)-1].Slice > 9 {
		t.Errorf("half of the window: %d slots", len(half))
	}
	if none := build(t, f, options(1, 5, 5))[0].Timeline; len(none) != 0 {
		t.Errorf("an empty window has %d slots", len(none))
	}
}
