package packets

import (
	"iter"

	"xfrmscope/analyze/importer"
	"xfrmscope/collect/bundle"
)

const (
	ProcStat     = "/proc/stat"
	ProcSoftirqs = "/proc/softirqs"
)

// A Delta is what a running count grew by in the window.
type Delta struct {
	*bundle.Counter // as it ended
	Value           uint64
}

// Deltas pairs the reads at both ends. A count that went backwards was
// reset: nothing is known of it, and it is left out.
func Deltas(rows []bundle.Counter) []Delta {
	start, end := make([]*bundle.Counter, 0, len(rows)/2), make([]*bundle.Counter, 0, len(rows)/2)
	for i := range rows {
		switch c := &rows[i]; c.Phase {
		case bundle.PhaseStart:
			start = append(start, c)
		case bundle.PhaseEnd:
			end = append(end, c)
		}
	}
	out := make([]Delta, 0, len(end))
	for d := range Grown(start, end) {
		out = append(out, d)
	}
	return out
}

// Grown yields what counters have grown by between two reads. Those that are in one
// read only, or went backwards, are left out. Two reads have one order as a rule.
func Grown(before, after []*bundle.Counter) iter.Seq[Delta] {
	return func(yield func(Delta) bool) {
		var byKey map[bundle.CounterKey]*bundle.Counter
		for i, c := range after {
			var b *bundle.Counter
			if i < len(before) && before[i].Key() == c.Key() {
				b = before[i]
			} else {
				if byKey == nil {
					byKey = make(map[bundle.CounterKey]*bundle.Counter, len(before))
					for _, b := range before {
						byKey[b.Key()] = b
					}
				}
				b = byKey[c.Key()]
			}
			if b != nil && c.Value >= b.Value && !yield(Delta{c, c.Value - b.Value}) {
				return
			}
		}
	}
}

// An Rows is the rows of one run.
type Rows struct {
	SAs      []bundle.SA
	Counters []bundle.Counter
	Deltas   []Delta // of counters
	Traffic  *bundle.Traffic
	Locks    bundle.Locks
	Finds    bundle.Finds
	Facts    []bundle.Fact
	Layouts  []bundle.StructLayout
	Policies []bundle.Policy
	Totals   []bundle.Total
	Lines    []bundle.Line
	Imports  []*importer.Import
}
