package view

import (
	"fmt"
	"math"
	"strconv"

	"xfrmscope/analyze/compare"
	"xfrmscope/reports/format"
)

// estimateCell prints an estimate, times k, with its interval.
func estimateCell(e compare.Estimate, k float64) Cell {
	if !e.Known() {
		return missingCell(e.Missing)
	}
	c := numberOf(e.Value * k)
	if e.Interval.Known() {
		c.Small = "[" + format.Pretty(format.IntervalText(e.Interval, k)) + "]"
	}
	c.Title = format.LevelText(e.Interval)
	return c
}

// summaryCell prints a median with its interval.
func summaryCell(s compare.Summary) Cell {
	if s.N == 0 {
		return Cell{Text: "no runs", Muted: true, Number: true, Sort: "-1"}
	}
	c := numberOf(s.Median)
	if s.Interval.Known() {
		c.Small = "[" + format.Pretty(format.IntervalText(s.Interval, 1)) + "]"
	}
	c.Title = fmt.Sprintf("median of %d runs; %s", s.N, format.LevelText(s.Interval))
	return c
}

// numberOf prints a number with four digits.
func numberOf(v float64) Cell {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Cell{Text: format.NotANumber, Muted: true, Number: true, Sort: "-1"}
	}
	return Cell{Text: format.Pretty(format.Significant(v, 4)), Number: true, Sort: strconv.FormatFloat(v, 'g', 8, 64)}
}

func missingCell(why *compare.Reason) Cell {
	return Cell{Text: "not known", Title: format.Name(format.ReasonText(why)), Muted: true, Number: true, Sort: "-1"}
}
