package analyze

import (
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
)

// worstGates returns each gate once, as the worst run has it, in order of first
// appearance. The evidence names the run, and how many more are like it.
func worstGates(runs []*Run) []Gate {
	var out []Gate
	var ids []string
	for _, r := range runs {
		for _, g := range r.Gates {
			ids = appendNew(ids, g.ID)
		}
	}
	for _, id := range ids {
		var worst Gate
		of, like := "", 0
		for _, r := range runs {
			for _, g := range r.Gates {
				if g.ID != id {
					continue
				}
				switch rank, top := gateRank(g), gateRank(worst); {
				case worst.ID == "" || rank > top:
					worst, of, like = g, runOfSide(r), 1
				case rank == top:
					like++
				}
			}
		}
		if worst.Status == GateFailed {
			worst.Evidence = fmt.Sprintf("%s: %s", of, worst.Evidence)
			if like > 1 {
				worst.Evidence += fmt.Sprintf("; %d runs in all", like)
			}
		}
		out = append(out, worst)
	}
	return out
}

func gateRank(g Gate) int {
	return slices.Index([]string{GateOK, GateNotMeasured, GateFailed}, g.Status)
}

func runOfSide(r *Run) string { return strings.TrimSpace(r.Side + " " + r.Name) }

// failedGates returns the ids of the gates that failed in a run, with the
// number of runs.
func failedGates(runs []*Run) []string {
	var ids []string
	count := map[string]int{}
	for _, r := range runs {
		for _, g := range r.Gates {
			if g.Status == GateFailed {
				ids = appendNew(ids, g.ID)
				count[g.ID]++
			}
		}
	}
	for i, id := range ids {
		ids[i] = fmt.Sprintf("%s (%d of %d runs)", id, count[id], len(runs))
	}
	return ids
}

func gateText(failed []string) string { return "gate failed: " + strings.Join(failed, ", ") }

// doubtedIn is what makes a metric doubtful in runs, with the number of runs.
func doubtedIn(runs []*Run, id string) []string {
	var names []string
	count := map[string]int{}
	for _, r := range runs {
		for _, name := range r.doubted(id) {
			names = appendNew(names, name)
			count[name]++
		}
	}
	for i, name := range names {
		names[i] = fmt.Sprintf("%s (%d of %d runs)", name, count[name], len(runs))
	}
	return names
}

// blameOf says why differences of a metric between runs mean nothing, "" if they
// do.
func blameOf(runs []*Run, id string) string {
	var why []string
	if failed := failedGates(runs); len(failed) > 0 {
		why = append(why, gateText(failed))
	}
	if broken := doubtedIn(runs, id); len(broken) > 0 {
		why = append(why, "in doubt: "+strings.Join(broken, ", "))
	}
	return strings.Join(why, "; ")
}

// gate takes the star if a gate failed in a run of the cell, or a sum is broken
// that the number hangs on; the numbers stay.
func (c *comparer) gate(one *compare.Comparison, at *cell, of string) {
	if !one.Star {
		return
	}
	why := blameOf(slices.Concat(at.before, at.after), metricOf(one))
	if why == "" {
		return
	}
	one.Star, one.Effect, one.Verdict = false, "", compare.Gated
	one.Notes = append(one.Notes, *compare.Because(compare.GateFailed, "star taken: %s", why))
	what := formulaOf(one.Metric).Name
	if of != "" {
		what += ", " + of
	}
	c.Blanked = appendNew(c.Blanked, fmt.Sprintf("%s, %s: %s", at.name(), what, why))
}

// metricOf is the metric that is compared: of a function, by whose name it goes,
// its share or its cost.
func metricOf(one *compare.Comparison) string {
	switch {
	case slices.ContainsFunc(metric.Catalogue(), func(f metric.Formula) bool { return f.ID == one.Metric }):
		return one.Metric
	case one.Unit == "ratio":
		return metric.ShareID
	}
	return metric.CostID
}
