package perf

import (
	"slices"
	"testing"

	"xfrmscope/collect/bundle"
)

func TestGaps(t *testing.T) {
	got := Gaps([]bundle.Event{
		{Asked: "cycles:k", Opened: "cpu-clock:k", Why: "not supported here", Unsupported: true},
		{Asked: "instructions:k", Why: "not supported here", Unsupported: true},
		{Asked: "L1-dcache-load-misses:k", Why: "not supported here", Unsupported: true},
		{Asked: "L1-icache-load-misses:k", Why: "not supported here", Unsupported: true},
		{Asked: "cylces", Why: "event syntax error: 'cylces'"},
	})
	var text []string
	for _, g := range got {
		text = append(text, g.What+": "+g.Why)
	}
	want := []string{
		"instructions:k: no hardware counters: instructions:k: not supported here",
		"cache misses: no hardware counters: L1-dcache-load-misses:k: not supported here",
		"cylces: cylces: event syntax error: 'cylces'",
	}
	if !slices.Equal(text, want) {
		t.Errorf("got  %q\nwant %q", text, want)
	}
}
