package packets

import (
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
	start := make(map[bundle.CounterKey]uint64, len(rows)/2)
	for i := range rows {
		if c := &rows[i]; c.Phase == bundle.PhaseStart {
			start[c.Key()] = c.Value
		}
	}
	out := make([]Delta, 0, len(start))
	for i := range rows {
		c := &rows[i]
		if c.Phase != bundle.PhaseEnd {
			continue
		}
		if before, ok := start[c.Key()]; ok && c.Value >= before {
			out = append(out, Delta{c, c.Value - before})
		}
	}
	return out
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
