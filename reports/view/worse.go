package view

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// A Worsening is a figure that got worse, and how sure that is.
type Worsening struct {
	At, What  string
	C         compare.Comparison
	Certainty string // "" if it holds
}

// Worsened is what got worse and holds, then the rates and headlines whose
// median did without holding: a loss is read before any gain, whatever it is
// called. Changes too small to matter are left out.
func Worsened(c *result.Comparison) []Worsening {
	var held, unsure []Worsening
	sole := "" // the mode of all rates: it goes without saying
	for _, f := range c.Rates {
		sole = f.Mode
	}
	where := func(at result.CompareAt) string {
		if at.Mode == sole && at.N > 0 {
			return AtText("", at.N)
		}
		return AtText(at.Mode, at.N)
	}
	for _, at := range c.Worse {
		held = append(held, Worsening{At: where(at), What: WhatText(at), C: at.C})
	}
	add := func(where, what string, one compare.Comparison) {
		same := func(w Worsening) bool { return w.At == where && w.What == what }
		if gotWorse(one, c.Options.Defaults().MinChange) && !slices.ContainsFunc(held, same) &&
			!slices.ContainsFunc(unsure, same) {
			unsure = append(unsure, Worsening{where, what, one, certainty(one)})
		}
	}
	for _, f := range c.Rates {
		for i, one := range f.Family.Comparisons {
			add(strings.TrimPrefix(KeyOf(f, i), f.Mode+" "), MetricName(one.Metric), one)
		}
	}
	for _, at := range c.Headline {
		add(where(at), WhatText(at), at.C)
	}
	slices.SortStableFunc(unsure, func(a, b Worsening) int { return cmp.Compare(changeOf(b.C), changeOf(a.C)) })
	return append(held, unsure...)
}

// gotWorse reports whether the median did, by least or more.
func gotWorse(c compare.Comparison, least float64) bool {
	by := c.After.Median - c.Before.Median
	if c.Better == "higher" {
		by = -by
	}
	return c.Better != "" && c.Before.N > 0 && c.After.N > 0 && by > 0 && c.Verdict != compare.Refused &&
		changeOf(c) >= least
}

// changeOf is the size of a change of either sign; from nothing it is the
// largest.
func changeOf(c compare.Comparison) float64 {
	if !c.Ratio.Known() || c.Ratio.Value <= 0 {
		return math.MaxFloat64
	}
	return math.Abs(c.Ratio.Value - 1)
}

func certainty(c compare.Comparison) string {
	switch c.Verdict {
	case compare.SamplingOnly:
		return "not significant (1 run)"
	case compare.TooFew:
		return fmt.Sprintf("not significant (%d and %d runs)", c.Before.N, c.After.N)
	case compare.Gated:
		return "not significant (a gate failed)"
	}
	level := c.Test.P
	if c.Q != nil {
		level = *c.Q
	}
	if !format.Tested(c) {
		return "not significant"
	}
	return "not significant (p = " + compare.PText(level) + ")"
}
