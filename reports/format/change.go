package format

import (
	"fmt"
	"math"

	"xfrmscope/analyze/compare"
)

// ChangePercent is a change of a ratio in per cent, with its sign: "+30.1 %".
func ChangePercent(ratio float64) string {
	v := 100 * (ratio - 1)
	if math.Abs(v) < .05 {
		return "0.0 %"
	}
	places := 1
	if math.Abs(v) >= 1000 {
		places = 0
	}
	return Signed(Decimals(v, places), v) + " %"
}

// ChangeText says how much a metric changed, with its interval: "+30.1 %
// [28.4..31.9]"; from zero there is only a difference.
func ChangeText(c compare.Comparison) string {
	switch {
	case c.Ratio.Known():
		return ChangePercent(c.Ratio.Value) + Bracketed(ChangeInterval(c), 100)
	case c.Difference.Known():
		v := c.Difference.Value * UnitScale(c.Unit)
		return Signed(Significant(v, 3), v) + " " + ShownUnit(c.Unit) +
			Bracketed(c.Difference.Interval, UnitScale(c.Unit))
	}
	return "no figure: " + OrDash(ReasonText(c.Ratio.Missing))
}

// ChangeInterval is that of the change: the ratio's, less 1.
func ChangeInterval(c compare.Comparison) compare.Interval {
	i := c.Ratio.Interval
	i.Lo, i.Hi = i.Lo-1, i.Hi-1
	return i
}

// DetectableText says what change would have been shown, "" if that is not
// known.
func DetectableText(d compare.Detectable) string {
	if !d.Known() {
		return ""
	}
	return Significant(100*d.Change, 2) + " %"
}

// MarkText is "*" where a change holds, "g" where a failed gate took its significance.
func MarkText(c compare.Comparison) string {
	switch {
	case c.Significant:
		return "*"
	case c.Verdict == compare.Gated:
		return "g"
	}
	return ""
}

// Tested reports whether a p says anything: one run a side has none.
func Tested(c compare.Comparison) bool {
	return c.Test.Known() && c.Verdict != compare.SamplingOnly
}

// SummaryText is a median, times k: of what cannot be negative and is not told
// from nothing, "<= " and the upper end of its interval.
func SummaryText(s compare.Summary, k float64) string {
	if i := s.Interval; i.Known() && !i.OpenHi && (s.Median < 0 || i.Lo < 0) {
		return "<= " + Significant(max(i.Hi, 0)*k, 2) + NotesMark(s.Notes)
	}
	return MedianText(s, k, 4)
}

// MedianText is a median, times k, with its mark if a run's number is in doubt.
func MedianText(s compare.Summary, k float64, digits int) string {
	return Significant(s.Median*k, digits) + NotesMark(s.Notes)
}

// NotesMark is DoubtMark of a number that has these notes.
func NotesMark(notes []compare.Reason) string {
	if compare.Doubted(notes) == "" {
		return ""
	}
	return "!"
}

// DoubtText says which side of a comparison is in doubt and why, "" if none is.
func DoubtText(c compare.Comparison) string {
	before, after := compare.Doubted(c.Before.Notes), compare.Doubted(c.After.Notes)
	switch {
	case before == after:
		return before
	case before == "":
		return "after: " + after
	case after == "":
		return "before: " + before
	}
	return "before: " + before + ", after: " + after
}

// HalfWidth is the half-width of the interval of a median, as a part of it; 0 if
// there is none.
func HalfWidth(s compare.Summary) float64 {
	if i := s.Interval; i.Known() && !i.OpenHi && s.Median != 0 {
		return math.Abs((i.Hi - i.Lo) / 2 / s.Median)
	}
	return 0
}

// LineUnit is the unit in which values of another are printed in a line of text, and how
// much of it one is: packets/s in thousands, bit/s in millions.
func LineUnit(unit string) (shown string, scale float64) {
	switch unit {
	case "packets/s":
		return "kpkt/s", 1e-3
	case "bit/s":
		return "Mbit/s", 1e-6
	}
	return ShownUnit(unit), UnitScale(unit)
}

// CurveUnit is LineUnit for rates by N: bit/s have too many digits.
func CurveUnit(unit string) (shown string, scale float64) {
	if unit == "bit/s" {
		return "Gbit/s", 1e-9
	}
	return unit, 1
}

// ChangeOf prints the change with its interval: relative, or from nothing in
// the unit.
func ChangeOf(ratio, difference compare.Estimate, unit string) string {
	if !ratio.Known() {
		return "difference " + Significant(difference.Value, 4) + " " + unit + intervalOf(difference.Interval,
			0, 1)
	}
	return fmt.Sprintf("%+.1f %%", 100*(ratio.Value-1)) + intervalOf(ratio.Interval, 1, 100)
}

func intervalOf(i compare.Interval, center, scale float64) string {
	switch {
	case !i.Known():
		return " (no interval: " + i.Missing.Text + ")"
	case i.OpenHi:
		return fmt.Sprintf(" (%.0f %% interval from %+.1f)", 100*i.Level, scale*(i.Lo-center))
	}
	return fmt.Sprintf(" (%.0f %% interval %+.1f to %+.1f)", 100*i.Level, scale*(i.Lo-center), scale*(i.Hi-center))
}
