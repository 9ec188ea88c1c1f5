package sides

import (
	"slices"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
)

// gate takes the significance if the cell has too few boots, a gate failed in a run of it, or a
// sum is broken that the number hangs on; the numbers stay.
func (c *comparer) gate(one *compare.Comparison, at *cell, of result.Subject) {
	if at.boots().takeBack(one); !one.Significant {
		return
	}
	why := checks.BlameOf(slices.Concat(at.before, at.after), metricOf(one))
	if why == "" {
		return
	}
	one.Significant, one.Effect, one.Verdict = false, "", compare.Gated
	one.Notes = append(one.Notes, *compare.Because(compare.GateFailed, "significance taken back: %s", why))
	what := metric.FormulaOf(one.Metric).Name
	if of != (result.Subject{}) {
		what += ", " + of.String()
	}
	c.Blanked = result.AppendNew(c.Blanked, result.Blank{Figure: at.name() + ", " + what, Why: why})
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
