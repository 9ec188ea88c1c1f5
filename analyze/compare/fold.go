package compare

import (
	"maps"
	"slices"

	"xfrmscope/analyze/stage"
)

// A CostTable is the cost of functions per packet, run by run, of one event.
type CostTable struct {
	Unit   string               // "cycles/packet", "ns/packet"
	Runs   []map[string]float64 // self cost by function; one that is absent in a run costs 0 there
	Blocks []string             // as Series.Blocks; nil for none

	// Samples is the number of samples behind each cost, in the order of Runs.
	// Nil if not sampled or not known.
	Samples []map[string]uint64

	// PerSample is what one sample is worth in each run, in Unit; nil if not known.
	PerSample []float64

	// Callers names the function that most often calls each function. It is
	// used for functions that one side does not have: a compiler may have
	// inlined them. Nil if not known.
	Callers map[string]string

	Notes []Reason // as Series.Notes
}

// A Merge is a function with the names that were folded into it.
type Merge struct {
	Name   string   `json:"name"`
	Before []string `json:"before,omitempty"` // names as they were, sorted
	After  []string `json:"after,omitempty"`
}

// A folded table has compiler suffixes stripped (stage.Strip). Otherwise another
// compiler's ".constprop.0" makes a function "gone" and a "new" one beside it.
type folded struct {
	CostTable
	names  map[string][]string // the names each function had, sorted
	totals []float64           // by run
}

func (t CostTable) fold() folded {
	names := map[string]map[string]bool{}
	fold := func(name string) string {
		stripped := stage.Strip(name)
		if names[stripped] == nil {
			names[stripped] = map[string]bool{}
		}
		names[stripped][name] = true
		return stripped
	}
	out := folded{CostTable: CostTable{Unit: t.Unit, Blocks: t.Blocks, PerSample: t.PerSample, Notes: t.Notes},
		names: map[string][]string{}}
	for _, run := range t.Runs {
		out.Runs = append(out.Runs, foldRun(run, fold))
	}
	for _, run := range t.Samples {
		out.Samples = append(out.Samples, foldRun(run, stage.Strip))
	}
	out.Callers = map[string]string{}
	for _, f := range slices.Sorted(maps.Keys(t.Callers)) {
		if name := stage.Strip(f); out.Callers[name] == "" {
			out.Callers[name] = stage.Strip(t.Callers[f])
		}
	}
	for name, set := range names {
		out.names[name] = slices.Sorted(maps.Keys(set))
	}
	out.totals = out.costs(slices.Sorted(maps.Keys(names)))
	return out
}

// foldRun adds up in the order of names, so that a sum does not depend on the
// order of the map.
func foldRun[V float64 | uint64](run map[string]V, fold func(string) string) map[string]V {
	out := make(map[string]V, len(run))
	for _, name := range slices.Sorted(maps.Keys(run)) {
		out[fold(name)] += run[name]
	}
	return out
}

// merges lists functions that carry another name than their folded one.
func merges(before, after map[string][]string) []Merge {
	var out []Merge
	for _, name := range unionKeys(before, after) {
		b, a := before[name], after[name]
		if isPlain(b, name) && isPlain(a, name) {
			continue
		}
		out = append(out, Merge{name, b, a})
	}
	return out
}

func isPlain(raw []string, name string) bool {
	return len(raw) == 0 || len(raw) == 1 && raw[0] == name
}

func unionKeys[V any](a, b map[string]V) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}
