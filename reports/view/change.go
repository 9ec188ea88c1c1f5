package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
)

// VerdictText is a comparison in words: what changed, or why nothing is said.
func VerdictText(c compare.Comparison) string {
	text, why := verdict(c)
	switch {
	case why == "":
		return text
	case text == "":
		return why
	}
	return text + ": " + why
}

// Unsaid are the notes of a comparison that its verdict does not say.
func Unsaid(c compare.Comparison) []string {
	text, why := verdict(c)
	return slices.DeleteFunc(format.ReasonTexts(c.Notes), func(s string) bool { return s == text || s == why })
}

// verdict is what is said of a comparison, and why.
func verdict(c compare.Comparison) (text, why string) {
	switch c.Verdict {
	case compare.Changed:
		return cmp.Or(c.Effect, "changed"), ""
	case compare.NotShown:
		if d := format.DetectableText(c.Detectable); d != "" {
			return "no change shown; " + d + " or more would have been", ""
		}
		return "no change shown, and none could have been",
			format.OrDash(format.ReasonText(c.Detectable.Missing))
	case compare.Gated:
		for _, n := range c.Notes {
			if n.Code == compare.GateFailed {
				return "", format.Visible(n.Text, 200)
			}
		}
		return "significance taken back: a gate failed", ""
	case compare.TooFew:
		return fmt.Sprintf("too few runs to be significant: %d and %d", c.Before.N, c.After.N), ""
	case compare.SamplingOnly:
		return "one run a side: sampling error only, not significant", ""
	}
	why = format.ReasonText(c.Ratio.Missing)
	if len(c.Notes) > 0 {
		why = format.Visible(c.Notes[0].Text, 300)
	}
	return format.Name(string(c.Verdict)), why
}

// MetricName is how a table names a metric.
func MetricName(id string) string { return format.Name(cmp.Or(metricNames()[id], id)) }

// AtText names the mode and the N of a comparison.
func AtText(mode string, n int) string {
	if mode == "" && n == 0 {
		return ""
	}
	return strings.TrimSpace(fmt.Sprintf("%s N=%d", format.Visible(mode, 48), n))
}

// WhatText names what is compared: "packets/s", "cost/packet, function f".
func WhatText(at result.CompareAt) string {
	switch at.Of.Kind {
	case bundle.OfRun:
		return MetricName(at.C.Metric)
	case bundle.OfFunction, bundle.OfStage, bundle.OfLock, bundle.OfField:
		return format.Name(at.Of.String())
	}
	return MetricName(at.C.Metric) + ", " + format.Name(at.Of.String())
}

// CouldHaveShown says, where nothing got worse, what would have been seen: the
// largest change that the runs might have hidden, by kind of figure.
func CouldHaveShown(c *result.Comparison) string {
	var parts []string
	var headline compare.Family
	add := func(what string, families ...compare.Family) {
		most, known := 0.0, false
		for _, f := range families {
			if f.Detectable > 0 {
				most, known = max(most, f.Detectable), true
			}
		}
		if known {
			parts = append(parts, fmt.Sprintf("%s %% in %s", format.Significant(100*most, 2), what))
		}
	}
	for _, h := range c.Headline {
		if !h.C.Significant && h.C.Detectable.Known() {
			headline.Detectable = max(headline.Detectable, h.C.Detectable.Change)
		}
	}
	add("a headline", headline)
	for _, f := range c.Rates { // packets/s, throughput, loss
		if len(f.Family.Comparisons) > 0 {
			add(MetricName(f.Family.Comparisons[0].Metric), f.Family)
		}
	}
	add("a figure per packet", families(c.Costs)...)
	add("a stage", families(c.Stages)...)
	var functions []compare.Family
	for _, f := range c.Functions {
		functions = append(functions, f.Functions.Family)
	}
	add("a function", functions...)
	if few := FewBoots(c); len(parts) == 0 && few != "" {
		return "no change of any size could have been: " + few
	}
	if len(parts) == 0 {
		return fmt.Sprintf("with these runs no change of any size could be: that needs %d runs a side",
			compare.MinRuns)
	}
	return "the smallest change that would have been: " + strings.Join(parts, ", ")
}

// FewBoots says that a place of a comparison has too few boots for significance, "" if none.
func FewBoots(c *result.Comparison) string {
	for _, n := range c.Notes {
		if n.Code == compare.TooFewBoots {
			return format.Visible(n.Text, 200)
		}
	}
	return ""
}

func families(list []result.CompareFamily) []compare.Family {
	var out []compare.Family
	for _, f := range list {
		out = append(out, f.Family)
	}
	return out
}

// BlankedText puts the significance that failed gates took together by their reason.
func BlankedText(list []result.Blank) []string {
	var reasons []string
	from := map[string][]string{}
	for _, b := range list {
		if from[b.Why] == nil {
			reasons = append(reasons, b.Why)
		}
		from[b.Why] = append(from[b.Why], b.Figure)
	}
	var out []string
	for _, why := range reasons {
		figures := from[why]
		if len(figures) == 1 {
			out = append(out, figures[0]+": "+why)
			continue
		}
		out = append(out, fmt.Sprintf("%d figures (%s ...): %s", len(figures), strings.Join(figures[:2], "; "),
			why))
	}
	return out
}

// DifferText lists what else differs between the sides, unexpected things
// first: "kernel: 6.12 -> 6.18".
func DifferText(v compare.Varied) string {
	s := fmt.Sprintf("%s: %s -> %s", format.OrDash(v.Key), ValuesText(v.Before), ValuesText(v.After))
	if v.Where != compare.Between {
		s += " (" + string(v.Where) + ")"
	}
	if v.Expected {
		s += " (the change under test)"
	}
	return s
}

func ValuesText(list []compare.ValueCount) string {
	var out []string
	for _, v := range list[:min(3, len(list))] {
		text := format.OrDash(v.Value)
		if !v.Known {
			text = "not recorded"
		}
		if len(list) > 1 {
			text += fmt.Sprintf(" (%d runs)", v.Runs)
		}
		out = append(out, text)
	}
	if len(list) > 3 {
		out = append(out, fmt.Sprintf("%d more", len(list)-3))
	}
	if len(out) == 0 {
		return "not recorded"
	}
	return strings.Join(out, ", ")
}

// Unexpected are the variations that were not the change under test.
func Unexpected(c *result.Comparison) []compare.Varied {
	return slices.DeleteFunc(slices.Clone(c.Varied), func(v compare.Varied) bool { return v.Expected })
}

// GateSummary counts the gates of a comparison: "ok 7 of 9; failed: pause; not
// measured: throttled".
func GateSummary(gates []result.Gate) string {
	if len(gates) == 0 {
		return "none was evaluated"
	}
	var ok int
	var failed, unknown []string
	for _, g := range gates {
		switch StatusRank(g.Status) {
		case 0:
			failed = append(failed, g.ID)
		case 1:
			unknown = append(unknown, g.ID)
		default:
			ok++
		}
	}
	s := fmt.Sprintf("%d of %d ok", ok, len(gates))
	if len(failed) > 0 {
		s += "; failed: " + strings.Join(failed, ", ")
	}
	if len(unknown) > 0 {
		s += "; not measured: " + strings.Join(unknown, ", ")
	}
	return s
}

// KeyOf is the name of the i-th comparison of a family.
func KeyOf(f result.CompareFamily, i int) string {
	if i < len(f.Keys) {
		return f.Keys[i]
	}
	return ""
}
