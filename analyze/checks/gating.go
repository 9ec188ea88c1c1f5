package checks

import (
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// WorstGates returns each gate once, as the worst run has it, in order of first
// appearance. The evidence names the run, and how many more are like it.
func WorstGates(runs []*result.Run) []result.Gate {
	var out []result.Gate
	var ids []string
	for _, r := range runs {
		for _, g := range r.Gates {
			ids = result.AppendNew(ids, g.ID)
		}
	}
	for _, id := range ids {
		var worst result.Gate
		of, like := "", 0
		for _, r := range runs {
			for _, g := range r.Gates {
				if g.ID != id {
					continue
				}
				if g.Status != worst.Status && (worst.ID == "" || gateRank(g) > gateRank(worst)) {
					worst, of, like = g, runOfSide(r), 0
				}
				if g.Status == worst.Status {
					like++
				}
				if g.Status == worst.Status && g.Severity > worst.Severity {
					worst, of = g, runOfSide(r)
				}
			}
		}
		if worst.Status == result.GateFailed {
			worst.Evidence = fmt.Sprintf("%s: %s", of, worst.Evidence)
			if like > 1 {
				worst.Evidence = fmt.Sprintf("%d of %d runs, at worst %s", like, len(runs),
					worst.Evidence)
			}
		}
		out = append(out, worst)
	}
	return out
}

func gateRank(g result.Gate) int {
	return slices.Index([]string{result.GateOK, result.NotMeasured, result.GateFailed}, g.Status)
}

func runOfSide(r *result.Run) string { return strings.TrimSpace(r.Side + " " + r.Name) }

// failedGates returns the ids of the gates that failed in runs, with the number of
// runs.
func failedGates(runs []*result.Run) []string {
	return countedIn(runs, func(r *result.Run) (ids []string) {
		for _, g := range r.Gates {
			if g.Status == result.GateFailed {
				ids = append(ids, g.ID)
			}
		}
		return ids
	})
}

// DoubtedIn is what makes a metric doubtful in runs, with the number of runs.
func DoubtedIn(runs []*result.Run, id string) []string {
	return countedIn(runs, func(r *result.Run) []string { return doubted(r, id) })
}

// countedIn lists what runs have, each once with the number of runs.
func countedIn(runs []*result.Run, of func(*result.Run) []string) []string {
	var names []string
	count := map[string]int{}
	for _, r := range runs {
		for _, name := range of(r) {
			names = result.AppendNew(names, name)
			count[name]++
		}
	}
	for i, name := range names {
		names[i] = fmt.Sprintf("%s (%d of %d runs)", name, count[name], len(runs))
	}
	return names
}

// BlameOf says why differences of a metric between runs mean nothing, "" if they
// do.
func BlameOf(runs []*result.Run, id string) string {
	var why []string
	if failed := failedGates(runs); len(failed) > 0 {
		why = append(why, bundle.GateFailed+strings.Join(failed, ", "))
	}
	if broken := DoubtedIn(runs, id); len(broken) > 0 {
		why = append(why, bundle.InDoubt+strings.Join(broken, ", "))
	}
	return strings.Join(why, "; ")
}
