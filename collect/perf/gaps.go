package perf

import (
	"slices"

	"xfrmscope/collect/bundle"
)

// Gaps says what the events that did not open leave unmeasured.
func Gaps(events []bundle.Event) []bundle.Gap {
	var gaps []bundle.Gap
	for _, e := range events {
		if e.Opened != "" {
			continue
		}
		gap := bundle.Gap{What: e.Asked, Why: e.Asked + ": " + e.Why,
			Fix: "`perf list` names the events there are"}
		if e.Unsupported {
			gap.Cause = "no hardware counters"
			gap.Why = gap.Cause + ": " + gap.Why
			gap.Fix = "measure on the bare machine, or give the guest a virtual PMU"
		}
		if bundle.CountsMisses(e.Asked) {
			gap.Kind, gap.What = bundle.GapMisses, "cache misses"
		}
		if !slices.ContainsFunc(gaps, func(g bundle.Gap) bool { return g.What == gap.What }) {
			gaps = append(gaps, gap)
		}
	}
	return gaps
}
