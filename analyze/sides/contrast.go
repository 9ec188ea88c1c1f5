package sides

import (
	"cmp"
	"slices"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/curves"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
)

// maxContrasts bounds the modes that are set against the first.
const maxContrasts = 3

// Contrasts sets the modes of one side against each other, N by N: the first,
// which is the one whose SA all CPUs share if there is one, against each other.
// Each is a Comparison without stages, locks and functions. Of more modes than a
// reader keeps apart there is none.
func Contrasts(r *result.Result) []result.Comparison {
	modes := byMode(result.RunsPresent(r))
	var names []string
	for _, c := range r.Curves {
		if len(modes[c.Mode]) > 0 && c.Mode != "" {
			names = result.AppendNew(names, c.Mode)
		}
	}
	if len(names) < 2 || len(names) > maxContrasts+1 {
		return nil
	}
	slices.SortStableFunc(names, func(a, b string) int { return contrastRank(a) - contrastRank(b) })
	var out []result.Comparison
	for _, name := range names[1:] {
		m := &matching{before: names[0], after: name}
		pair := modePair{mode: changedMode(names[0], name), before: modes[names[0]], after: modes[name]}
		m.fill(&pair)
		if len(pair.cells) == 0 {
			continue
		}
		of := func(mode string) result.CompareSide {
			return sideOf(mode, r, func(run *result.Run) bool { return run.Mode == mode })
		}
		c := result.Comparison{Options: m.options.Defaults(), Notes: m.notes, Before: of(names[0]),
			After: of(name),
			Gates: checks.WorstGates(slices.Concat(pair.before, pair.after))}
		newComparer(&c, nil).contrast(&pair)
		out = append(out, c)
	}
	return out
}

// contrastRank is the place of a mode: what all CPUs share first, what has no IPsec
// last.
func contrastRank(mode string) int {
	switch {
	case mode == "shared":
		return 0
	case result.IsPlain(mode):
		return 2
	}
	return 1
}

// contrast compares what a verdict and its table need: the rate at every N, and at
// the largest what a packet costs and how much of the time spins.
func (c *comparer) contrast(m *modePair) {
	c.Notes = append(c.Notes, fewBoots([]modePair{*m})...)
	c.headlines(m.last())
	c.costs(m.last())
	id := curves.RatingOf(m.last().all()).ID
	c.rates(id, []modePair{*m})
	if id == metric.ThroughputID {
		c.rates(metric.LossID, []modePair{*m})
	}
	slices.SortStableFunc(c.Worse, func(a, b result.CompareAt) int {
		return cmp.Compare(magnitude(&b.C), magnitude(&a.C))
	})
}
