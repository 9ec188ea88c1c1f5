package format

import (
	"math"

	"xfrmscope/analyze/compare"
)

// PlusMinus says once in a report what stands after +-.
const PlusMinus = "+-: 95 % interval, of sampling in a run; over repeats Student's t"

// IntervalText prints an interval, times k: "70.1..78.0", or why there is none.
func IntervalText(i compare.Interval, k float64) string {
	if !i.Known() {
		return "no interval: " + OrDash(ReasonText(i.Missing))
	}
	lo, hi := i.Lo*k, i.Hi*k
	digits := intervalDigits(lo, hi)
	if i.OpenHi {
		return Significant(lo, 3) + " and more"
	}
	return Decimals(lo, digits) + ".." + Decimals(hi, digits)
}

// Bracketed is an interval in brackets after a number, times k: " [70.1..78.0]", ""
// if there is none.
func Bracketed(i compare.Interval, k float64) string {
	if !i.Known() {
		return ""
	}
	return " [" + IntervalText(i, k) + "]"
}

// intervalDigits is the number of decimals that tell the bounds apart with two
// digits.
func intervalDigits(lo, hi float64) int {
	w := math.Abs(hi - lo)
	if !(w > 0) || math.IsInf(w, 0) {
		return max(0, 2-int(math.Floor(math.Log10(math.Max(math.Abs(lo), 1)))))
	}
	return min(max(1-int(math.Floor(math.Log10(w))), 0), 6)
}

// LevelText says how sure an interval is: "95 % interval, order statistics".
func LevelText(i compare.Interval) string {
	if !i.Known() {
		return "no interval: " + OrDash(ReasonText(i.Missing))
	}
	s := Significant(100*i.Level, 3) + " % interval"
	if i.Method != "" {
		s += ", " + Name(i.Method)
	}
	return s
}

// ReasonText is a reason, "" if there is none.
func ReasonText(r *compare.Reason) string {
	if r == nil {
		return ""
	}
	return Visible(r.Text, 300)
}

// ReasonTexts lists reasons, each once.
func ReasonTexts(list []compare.Reason) []string {
	var out []string
	seen := map[string]bool{}
	for _, r := range list {
		if s := Visible(r.Text, 300); !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// Signed writes a number with its sign.
func Signed(s string, v float64) string {
	if v > 0 {
		return "+" + s
	}
	return s
}
