package format

import (
	"fmt"
	"math"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
)

// Figures in the sentences of findings, which may be pasted anywhere: without thin
// spaces, with four digits where a table has those that the error leaves.

// Quantity is a number with its unit, and its error or the range that losses leave.
func Quantity(v metric.Value) string {
	if most, ok := v.AtMost(); ok {
		return "<= " + FourDigits(most) + DoubtMark(v) + " " + v.Unit
	}
	low, high, few := v.Few()
	text := FourDigits(v.Value) + DoubtMark(v)
	switch {
	case v.Ranged():
		text = FourDigits(v.Low) + ".." + FourDigits(v.High) + DoubtMark(v)
	case few:
		text += fmt.Sprintf(" [%s..%s]", FourDigits(low), FourDigits(high))
	case v.SE > 0:
		text += " +- " + FourDigits(v.Half())
	}
	return text + " " + v.Unit
}

// FourDigits is a number with four digits, a large one in full.
func FourDigits(v float64) string {
	if math.Abs(v) >= 1000 {
		return Places(v, 0)
	}
	return Figures(v, 4)
}

// Percent is a ratio and half its 95 % interval with the digits that leaves: "25.0
// +- 0.4 %", "0.048 +- 0.034 %".
func Percent(v metric.Value) string {
	if v.SE == 0 { // none, all, or of weights that are no counts
		return fmt.Sprintf("%.1f%s %%", 100*v.Value, DoubtMark(v))
	}
	digits := 1
	for half := 100 * v.Half(); half > 0 && half < 0.1 && digits < 4; half *= 10 {
		digits++
	}
	if most, ok := v.AtMost(); ok {
		return fmt.Sprintf("<= %.*f%s %%", digits, 100*most, DoubtMark(v))
	}
	text := fmt.Sprintf("%.*f%s", digits, 100*v.Value, DoubtMark(v))
	if low, high, ok := v.Few(); ok {
		return text + fmt.Sprintf(" [%.*f..%.*f] %%", digits, 100*low, digits, 100*high)
	}
	return text + fmt.Sprintf(" +- %.*f %%", digits, 100*v.Half())
}

// Within is an interval after its number: " (95 % interval 1 to 2)", "" if it is not
// known.
func Within(i compare.Interval, end func(float64) string) string {
	if !i.Known() || i.OpenHi {
		return ""
	}
	return fmt.Sprintf(" (%.0f %% interval %s to %s)", 100*i.Level, end(i.Lo), end(i.Hi))
}

// Figures is a number with that many digits at most, a large one with an exponent.
func Figures(v float64, digits int) string { return fmt.Sprintf("%.*g", digits, v) }

// ThreeDigits is what is told of counts per packet and of times.
func ThreeDigits(v float64) string { return Figures(v, 3) }

// Places is a number with that many decimals.
func Places(v float64, places int) string { return fmt.Sprintf("%.*f", places, v) }

// SignedPlaces is Places with the sign, of 0 too.
func SignedPlaces(v float64, places int) string { return fmt.Sprintf("%+.*f", places, v) }

// InPercent is a part of a whole with that many decimals, or a change: "25 %".
func InPercent(part float64, places int) string { return Places(100*part, places) + " %" }
