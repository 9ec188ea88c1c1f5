// Package sides compares two results, before and after, or the modes of one.
//
//	two Results, or a sweep of both (Sides) -> Compare      matched by mode and N (matching.go)
//	one Result                              -> Contrasts    its modes against each other (contrast.go)
//	        -> cells, one a mode and N                      readings of each run (reading.go, cell.go)
//	        -> package compare                              what holds, family by family (comparer.go)
//	        -> gate, settle                                 what failed gates and few boots take back (gating.go)
//	        -> Config                                       what else differs between the sides (config.go)
//	ParseCondition -> Condition.Judge                       --fail-on: which change is a regression (condition.go)
//
// Every test is of runs, never of samples: package compare has the statistics.
package sides

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/result"
)

// Sides splits the runs of one sweep that measured both sides, as a scenario
// with sides does. The side that was run first is before, unless they are called
// so.
func Sides(r *result.Result) (before, after *result.Result, names [2]string, err error) {
	var sides []string
	for _, run := range inTime(result.RunsPresent(r)) {
		if run.Side != "" {
			sides = result.AppendNew(sides, run.Side)
		}
	}
	if r.Comparison != nil || len(sides) != 2 {
		return nil, nil, names, fmt.Errorf("it has %d sides (%s), and two are compared: give BEFORE and AFTER",
			len(sides), cmp.Or(strings.Join(sides, ", "), "no run has the label side"))
	}
	if sides[0] == After || sides[1] == Before {
		slices.Reverse(sides)
	}
	return ofOneSide(r, sides[0]), ofOneSide(r, sides[1]), [2]string(sides), nil
}

// ofOneSide is the part of a Result that is about one side.
func ofOneSide(r *result.Result, side string) *result.Result {
	out := &result.Result{Schema: r.Schema, Tool: r.Tool, Headline: r.Headline, Warnings: r.Warnings}
	at := make([]int, len(r.Runs))
	for i, run := range r.Runs {
		at[i] = -1
		if run != nil && run.Side == side {
			at[i] = len(out.Runs)
			out.Runs = append(out.Runs, run)
		}
	}
	for _, c := range r.Curves {
		if c.Side == side {
			c.Runs = moved(c.Runs, at)
			out.Curves = append(out.Curves, c)
		}
	}
	return out
}
