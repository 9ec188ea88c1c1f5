package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// A Recount is what came of comparing numbers with those published.
type Recount struct {
	Checked   int      // numbers of both
	Differ    []string // one sentence each
	Runs      int      // runs of both
	Unmatched []string // published runs that are not among the recomputed
}

// Recomputed compares the numbers of published results with those made again
// from the same recordings. Runs are the same if name, side-less, and start
// agree. Values may differ by rounding in the last digits only.
func Recomputed(again, published *result.Result) Recount {
	var out Recount
	runs := map[string]*result.Run{}
	for _, r := range result.RunsPresent(again) {
		runs[runKey(r)] = r
	}
	seen := map[string]bool{}
	for _, r := range result.RunsPresent(published) {
		k := runKey(r)
		run := runs[k]
		switch {
		case seen[k]:
		case run == nil:
			out.Unmatched = append(out.Unmatched, view.RunLabel(r))
		default:
			out.Runs++
		}
		if seen[k] = true; run == nil {
			continue
		}
		here := map[string]Number{} // of one run at a time, as Numbers has them
		for _, n := range withoutAddresses(run) {
			here[numberKey(n)] = n
		}
		for _, n := range withoutAddresses(r) {
			out.check(n, here)
		}
	}
	return out
}

// withoutAddresses lists the numbers of a run with locks of one name told apart by
// their order: their addresses may be masked, by other runs beside it.
func withoutAddresses(r *result.Run) []Number {
	all := slices.Collect(Numbers(&result.Result{Runs: []*result.Run{r}}))
	order := map[string]int{} // of a lock
	many := map[string]int{}  // of a name
	for i := range all {
		n := &all[i]
		at := strings.LastIndex(" "+n.Name, " 0x")
		if n.About != "lock" || at < 0 {
			continue
		}
		name := n.Name[:max(at-1, 0)]
		if order[n.Name] == 0 {
			many[name]++
			order[n.Name] = many[name]
		}
		n.Name = strings.TrimSpace(fmt.Sprintf("%s %d", name, order[n.Name]))
	}
	return all
}

func (r *Recount) check(n Number, here map[string]Number) {
	what := strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s", view.RunLabel(n.Run),
		format.ASCII(n.Event, 40), n.About, format.ASCII(n.Name, 60), n.ID)), " ")
	r.Checked++
	m, ok := here[numberKey(n)]
	switch {
	case !ok:
		r.Differ = append(r.Differ, what+": published, but not computed again")
	case m.Measured() != n.Measured():
		r.Differ = append(r.Differ, what+": measured in one of the two only")
	case n.Measured() && (!near(m.Value.Value, n.Value.Value) || !near(m.SE, n.SE)):
		r.Differ = append(r.Differ, fmt.Sprintf("%s: published %s, computed again %s", what,
			format.Exact(n.Value.Value), format.Exact(m.Value.Value)))
	}
}

// near allows for another order of summing.
func near(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-9*math.Max(math.Abs(a), math.Abs(b))
}

func runKey(r *result.Run) string {
	return r.Name + "\x00" + r.Labels[bundle.LabelRepeat] + "\x00" +
		r.Manifest.Started.UTC().Format(time.RFC3339Nano)
}

func numberKey(n Number) string {
	return fmt.Sprintf("%s\x00%d\x00%s\x00%s\x00%s", n.Event, n.CPU, n.About, n.Name, n.ID)
}
