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
	here := map[string]map[string]Number{}
	for _, n := range withoutAddresses(again) {
		k := runKey(n.Run)
		if here[k] == nil {
			here[k] = map[string]Number{}
		}
		here[k][numberKey(n)] = n
	}
	seen := map[string]bool{}
	for _, n := range withoutAddresses(published) {
		k := runKey(n.Run)
		if !seen[k] {
			seen[k] = true
			if here[k] == nil {
				out.Unmatched = append(out.Unmatched, view.RunLabel(n.Run))
			} else {
				out.Runs++
			}
		}
		if here[k] == nil {
			continue
		}
		out.check(n, here[k])
	}
	return out
}

// withoutAddresses lists the numbers of a result with locks of one name told apart
// by their order in the run: their addresses may be masked, by other runs beside it.
func withoutAddresses(r *result.Result) []Number {
	all := slices.Collect(Numbers(r))
	order := map[string]int{} // of a lock, by run and name
	many := map[string]int{}  // of a name
	for i := range all {
		n := &all[i]
		at := strings.LastIndex(" "+n.Name, " 0x")
		if n.About != "lock" || at < 0 {
			continue
		}
		run := runKey(n.Run)
		lock, name := run+n.Name, run+n.Name[:max(at-1, 0)]
		if order[lock] == 0 {
			many[name]++
			order[lock] = many[name]
		}
		n.Name = strings.TrimSpace(fmt.Sprintf("%s %d", n.Name[:max(at-1, 0)], order[lock]))
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
