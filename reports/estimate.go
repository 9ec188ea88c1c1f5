package reports

import (
	"fmt"
	"math"
	"strconv"

	"xfrmscope/analyze/compare"
)

// intervalText prints an interval, times k: "70.1..78.0", or why there is none.
func intervalText(i compare.Interval, k float64) string {
	if !i.Known() {
		return "no interval: " + orDash(reasonText(i.Missing))
	}
	lo, hi := i.Lo*k, i.Hi*k
	digits := intervalDigits(lo, hi)
	if i.OpenHi {
		return significant(lo, 3) + " and more"
	}
	return decimals(lo, digits) + ".." + decimals(hi, digits)
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

// levelText says how sure an interval is: "95 % interval, order statistics".
func levelText(i compare.Interval) string {
	if !i.Known() {
		return "no interval: " + orDash(reasonText(i.Missing))
	}
	s := significant(100*i.Level, 3) + " % interval"
	if i.Method != "" {
		s += ", " + name(i.Method)
	}
	return s
}

// estimateCell prints an estimate, times k, with its interval.
func estimateCell(e compare.Estimate, k float64) cell {
	if !e.Known() {
		return missingCell(e.Missing)
	}
	c := numberOf(e.Value * k)
	if e.Interval.Known() {
		c.Small = "[" + pretty(intervalText(e.Interval, k)) + "]"
	}
	c.Title = levelText(e.Interval)
	return c
}

// summaryCell prints a median with its interval.
func summaryCell(s compare.Summary) cell {
	if s.N == 0 {
		return cell{Text: "no runs", Muted: true, Number: true, Sort: "-1"}
	}
	c := numberOf(s.Median)
	if s.Interval.Known() {
		c.Small = "[" + pretty(intervalText(s.Interval, 1)) + "]"
	}
	c.Title = fmt.Sprintf("median of %d runs; %s", s.N, levelText(s.Interval))
	return c
}

// numberOf prints a number with four digits.
func numberOf(v float64) cell {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return cell{Text: notANumber, Muted: true, Number: true, Sort: "-1"}
	}
	return cell{Text: pretty(significant(v, 4)), Number: true, Sort: strconv.FormatFloat(v, 'g', 8, 64)}
}

func missingCell(why *compare.Reason) cell {
	return cell{Text: "not known", Title: name(reasonText(why)), Muted: true, Number: true, Sort: "-1"}
}

// reasonText is a reason, "" if there is none.
func reasonText(r *compare.Reason) string {
	if r == nil {
		return ""
	}
	return visible(r.Text, 300)
}

// reasonTexts lists reasons, each once.
func reasonTexts(list []compare.Reason) []string {
	var out []string
	seen := map[string]bool{}
	for _, r := range list {
		if s := visible(r.Text, 300); !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// signed writes a number with its sign.
func signed(s string, v float64) string {
	if v > 0 {
		return "+" + s
	}
	return s
}
