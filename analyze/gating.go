package analyze

import (
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/compare"
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

// gate takes the star if a gate failed in a run of the cell; the numbers stay.
func (c *comparer) gate(one *compare.Comparison, at *cell, of string) {
	failed := failedGates(slices.Concat(at.before, at.after))
	if !one.Star || len(failed) == 0 {
		return
	}
	one.Star, one.Effect, one.Verdict = false, "", compare.Gated
	why := gateText(failed)
	one.Notes = append(one.Notes, *compare.Because(compare.GateFailed, "star taken: %s", why))
	what := formulaOf(one.Metric).Name
	if of != "" {
		what += ", " + of
	}
	c.Blanked = appendNew(c.Blanked, fmt.Sprintf("%s, %s: %s", at.name(), what, why))
}
