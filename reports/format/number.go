package format

import (
	"math"
	"strconv"
	"strings"
)

// NotANumber stands where a Result holds NaN or an infinity.
const NotANumber = "n/a"

// Decimals formats v with the given decimals and thin groups of three digits.
func Decimals(v float64, places int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return NotANumber
	}
	s := strconv.FormatFloat(v, 'f', max(places, 0), 64)
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	return GroupDigits(s)
}

// GroupDigits puts a space between groups of three in a number of five digits
// and more, as SI has it: 9999, 10 000.
func GroupDigits(s string) string {
	whole, frac, found := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	if len(whole) > 4 {
		var b strings.Builder
		for i, c := range whole {
			if i > 0 && (len(whole)-i)%3 == 0 {
				b.WriteByte(' ')
			}
			b.WriteRune(c)
		}
		whole = b.String()
	}
	if found {
		return sign + whole + "." + frac
	}
	return sign + whole
}

// Count formats a plain count.
func Count(n uint64) string { return GroupDigits(strconv.FormatUint(n, 10)) }

// Counted says how many of a thing there are: "1 run", "5 runs".
func Counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// Significant formats v with about the given number of significant digits and
// never cuts the whole part.
func Significant(v float64, digits int) string {
	if v == 0 {
		return "0"
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return NotANumber
	}
	_, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', digits-1, 64), "e") // of the rounded number
	e, _ := strconv.Atoi(exponent)
	return Decimals(v, min(digits-1-e, 6))
}

// withError formats a value and what stands after +-: the error with two
// significant digits, the value with as many decimals. Without an error the
// value has four significant digits and the second string is "".
func withError(v, half float64) (value, err string) {
	if !(half > 0) || math.IsInf(half, 0) {
		if v == math.Trunc(v) && math.Abs(v) < 1e15 { // a count
			return Decimals(v, 0), ""
		}
		return Significant(v, 4), ""
	}
	places := min(max(1-int(math.Floor(math.Log10(half))), 0), 6)
	return Decimals(v, places), Decimals(half, places)
}

// Short formats a magnitude in at most five characters with a metric prefix:
// "364 k", "1.23 M".
func Short(v float64) string {
	prefix := ""
	for _, p := range []string{"", " k", " M", " G", " T"} {
		prefix = p
		if math.Abs(v) < 999.5 {
			break
		}
		if p != " T" {
			v /= 1000
		}
	}
	return Significant(v, 3) + prefix
}

// AxisNumber formats a round number for an axis: no zeroes that say nothing.
func AxisNumber(v float64) string {
	number, prefix, _ := strings.Cut(Short(v), " ")
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return strings.TrimSpace(number + " " + prefix)
}

// scaled writes v with digits significant digits and the largest of the prefixes
// it reaches, each a thousand times the one before.
func scaled(v float64, digits int, units ...string) string {
	at := 0
	for ; at+1 < len(units) && v >= 1e3; at++ {
		v /= 1e3
	}
	return Significant(v, digits) + " " + units[at]
}

// Share returns part of whole in per cent, two significant digits below 10.
func Share(part, whole float64) string {
	if whole <= 0 {
		return NotANumber
	}
	p := 100 * part / whole
	if math.Abs(p) >= 10 {
		return Decimals(p, 1)
	}
	return Significant(p, 2)
}

// Weight formats a sum of periods in the event's unit.
func Weight(v float64, unit string) string {
	switch {
	case unit == "nanoseconds" && v < 1e6:
		return Significant(v, 3) + " ns"
	case unit == "nanoseconds":
		return scaled(v/1e6, 3, "ms", "s")
	}
	return Short(v) + " " + Visible(unit, 20)
}

// Pixels formats a length with at most one decimal.
func Pixels(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		v = 0
	}
	s := strconv.FormatFloat(v, 'f', 1, 64)
	s = strings.TrimSuffix(s, ".0")
	if s == "-0" {
		return "0"
	}
	return s
}

// Exact prints a number with all its digits, "" if it is none.
func Exact(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// Terminal prints a number in a column of a terminal that is rewritten once a
// second: shares with a decimal, rates without, others with one where it says
// something.
func Terminal(v float64, unit string) string {
	switch {
	case unit == "%":
		return strconv.FormatFloat(100*v, 'f', 1, 64) + "%"
	case unit == "/s" || unit != "s" && unit != "Mbit/s" && v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}
