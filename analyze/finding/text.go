package finding

import (
	"fmt"
	"math"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
)

// maxLines is how many lines of one kind a finding lists.
const maxLines = 12

// cut leaves maxLines of evidence and says how much more there is.
func cut(evidence []string) []string {
	if n := len(evidence) - maxLines; n > 0 {
		return append(evidence[:maxLines], fmt.Sprintf("and %d more", n))
	}
	return evidence
}

// listed names up to three things: "a, b and c", "a, b and 4 more".
func listed(names []string) string {
	switch n := len(names); {
	case n == 0:
		return ""
	case n == 1:
		return names[0]
	case n <= 3:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:2], ", "), len(names)-2)
}

func plural(names []string, one, several string) string {
	if len(names) == 1 {
		return one
	}
	return several
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func cpus(n int) string {
	if n == 0 {
		return "CPUs not recorded"
	}
	return counted(n, "CPU")
}

// quantity prints a number with its unit, and its error or the range that losses
// leave.
func quantity(v metric.Value) string {
	if most, ok := v.AtMost(); ok {
		return "<= " + figure(most) + mark(v) + " " + v.Unit
	}
	low, high, few := v.Few()
	switch {
	case v.Ranged():
		return fmt.Sprintf("%s..%s%s %s", figure(v.Low), figure(v.High), mark(v), v.Unit)
	case few:
		return fmt.Sprintf("%s%s [%s..%s] %s", figure(v.Value), mark(v), figure(low), figure(high), v.Unit)
	case v.SE > 0:
		return fmt.Sprintf("%s%s +- %s %s", figure(v.Value), mark(v), figure(v.Half()), v.Unit)
	}
	return figure(v.Value) + mark(v) + " " + v.Unit
}

// mark is "!" after a number in doubt.
func mark(v metric.Value) string {
	if v.Doubt != "" {
		return "!"
	}
	return ""
}

// figure prints a number with four digits, large ones in full.
func figure(v float64) string {
	if math.Abs(v) >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.4g", v)
}

// percent prints a ratio and half its 95 % interval with the digits that
// leaves: "25.0 +- 0.4 %", "0.048 +- 0.034 %".
func percent(v metric.Value) string {
	if v.SE == 0 { // none, all, or of weights that are no counts
		return fmt.Sprintf("%.1f%s %%", 100*v.Value, mark(v))
	}
	digits := 1
	for half := 100 * v.Half(); half > 0 && half < 0.1 && digits < 4; half *= 10 {
		digits++
	}
	if most, ok := v.AtMost(); ok {
		return fmt.Sprintf("<= %.*f%s %%", digits, 100*most, mark(v))
	}
	if low, high, ok := v.Few(); ok {
		return fmt.Sprintf("%.*f%s [%.*f..%.*f] %%", digits, 100*v.Value, mark(v), digits, 100*low, digits,
			100*high)
	}
	return fmt.Sprintf("%.*f%s +- %.*f %%", digits, 100*v.Value, mark(v), digits, 100*v.Half())
}

// interval prints an interval with a verb for its ends: " (95 % interval 1 to
// 2)", "" if it is not known.
func interval(i compare.Interval, end func(float64) string) string {
	if !i.Known() || i.OpenHi {
		return ""
	}
	return fmt.Sprintf(" (%.0f %% interval %s to %s)", 100*i.Level, end(i.Lo), end(i.Hi))
}

// digits prints a number with a verb.
func digits(verb string) func(float64) string {
	return func(v float64) string { return fmt.Sprintf(verb, v) }
}
