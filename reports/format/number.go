package format

import (
	"math"
	"strconv"
	"strings"

	"xfrmscope/analyze/metric"
)

// PlainCost and plainPercent print values without errors, which the foot has.
func PlainCost(v metric.Value) string {
	if !Finite(v) {
		return "-"
	}
	return Significant(v.Value, 4) + DoubtMark(v)
}

func PlainPercent(v metric.Value) string {
	if !Finite(v) {
		return "-"
	}
	return Decimals(100*v.Value, 2) + DoubtMark(v)
}

// Exact prints a number with all its digits, "" if it is none.
func Exact(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// ErrorCell prints a standard error, "" if there is none.
func ErrorCell(se float64) string {
	if se > 0 {
		return Exact(se)
	}
	return ""
}

func SamplesText(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

func Kilo(v metric.Value) string {
	if !Finite(v) {
		return "-"
	}
	return Significant(v.Value/1000, 4) + DoubtMark(v)
}

// CostCell prints a cost with its relative error.
func CostCell(v metric.Value) string {
	if !Finite(v) {
		return "-"
	}
	s := Significant(v.Value, 4) + DoubtMark(v)
	if v.SE > 0 && v.Value > 0 {
		s += " +-" + Significant(100*v.SE/v.Value, 2) + "%"
	}
	return s
}

// PercentCell prints a share with its error, both in per cent.
func PercentCell(v metric.Value) string {
	if !Finite(v) {
		return "-"
	}
	mark := DoubtMark(v)
	if !(v.SE > 0) {
		return Significant(100*v.Value, 3) + mark
	}
	return Decimals(100*v.Value, 2-len(mark)) + mark + " +-" + Decimals(100*v.SE, 2)
}

func WordCell(v metric.Value) string {
	if !Finite(v) {
		return "-"
	}
	return Significant(100*v.Value, 2) + DoubtMark(v)
}

// EffectText is a change with its sign, in per cent: "+10 % packets/s".
func EffectText(v metric.Value) string {
	if !Finite(v) {
		return "not measured"
	}
	s := Significant(100*v.Value, 2) + " % packets/s"
	if v.Value > 0 {
		s = "+" + s
	}
	return s
}

func OrZero(v float64) float64 {
	if Finite(metric.Value{Value: v}) {
		return v
	}
	return 0
}

// ValueText is a value with its error, its unit and its samples.
func ValueText(v metric.Value) string {
	s := Pretty(Of(v).String())
	if v.Measured() && v.Samples > 0 {
		s += ", n = " + Pretty(Count(v.Samples))
	}
	return s
}

// ErrorText is a value with its error and no unit, which the axis has.
func ErrorText(v metric.Value) string {
	f := Of(v)
	if f.Err == "" {
		return f.Value
	}
	return f.Value + " +- " + f.Err
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
	if unit == "nanoseconds" {
		switch {
		case v >= 1e9:
			return Significant(v/1e9, 3) + " s"
		case v >= 1e6:
			return Significant(v/1e6, 3) + " ms"
		}
		return Significant(v, 3) + " ns"
	}
	return Short(v) + " " + Visible(unit, 20)
}

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

// withError formats a value and its standard error: the error with two
// significant digits, the value with as many decimals. Without an error the
// value has four significant digits and the second string is "".
func withError(v, se float64) (value, err string) {
	if !(se > 0) || math.IsInf(se, 0) {
		if v == math.Trunc(v) && math.Abs(v) < 1e15 { // a count
			return Decimals(v, 0), ""
		}
		return Significant(v, 4), ""
	}
	places := min(max(1-int(math.Floor(math.Log10(se))), 0), 6)
	return Decimals(v, places), Decimals(se, places)
}

// A figure is a metric.Value as it is printed.
type figure struct {
	Value, Err, Unit string  // "54.2", "0.3", "%"
	N                uint64  // samples behind it, 0 if it is not sampled
	Missing          string  // why there is none; the rest is empty then
	Sort             float64 // in Unit; negative if missing
}

// Of rounds a value; ratios are printed in per cent.
func Of(v metric.Value) figure {
	if v.Missing != nil {
		return figure{Missing: missingText(v), Unit: unitOf(v), Sort: -1}
	}
	scale := ScaleOf(v)
	f := figure{Unit: unitOf(v), N: v.Samples, Sort: v.Value * scale}
	f.Value, f.Err = withError(v.Value*scale, v.SE*scale)
	if low, high := Significant(v.Low*scale, 4), Significant(v.High*scale, 4); v.Ranged() && low != high {
		f.Value, f.Err = low+".."+high, ""
	}
	f.Value += DoubtMark(v)
	if math.IsNaN(f.Sort) || math.IsInf(f.Sort, 0) {
		f.Sort = -1
	}
	return f
}

// DoubtMark follows a number that is in doubt: a sum is broken that it hangs on.
func DoubtMark(v metric.Value) string {
	if v.Measured() && v.Doubt != "" {
		return "!"
	}
	return ""
}

func missingText(v metric.Value) string {
	if v.Missing.Why == "" {
		return "not measured"
	}
	return "not measured: " + v.Missing.Why
}

func ScaleOf(v metric.Value) float64 {
	if v.Unit == "ratio" {
		return 100
	}
	return 1
}

func unitOf(v metric.Value) string {
	if v.Unit == "ratio" {
		return "%"
	}
	return Visible(v.Unit, 24)
}

// String returns "54.2 +- 0.3 %", in ASCII.
func (f figure) String() string {
	switch {
	case f.Missing != "":
		return "not measured"
	case f.Err != "":
		return f.Value + " +- " + f.Err + " " + f.Unit
	default:
		return f.Value + " " + f.Unit
	}
}

// Finite reports whether a measured value can be drawn.
func Finite(v metric.Value) bool {
	return v.Measured() && !math.IsNaN(v.Value) && !math.IsInf(v.Value, 0)
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

// ShareOf returns a measured ratio within 0..1 to draw, 0 if there is none.
func ShareOf(v metric.Value) float64 {
	if !Finite(v) {
		return 0
	}
	return min(max(v.Value, 0), 1)
}

// AxisNumber formats a round number for an axis: no zeroes that say nothing.
func AxisNumber(v float64) string {
	number, prefix, _ := strings.Cut(Short(v), " ")
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return strings.TrimSpace(number + " " + prefix)
}

// Plain is a figure without unit and error, "-" if there is none.
func Plain(f figure) string {
	if f.Missing != "" || f.Value == "" || f.Unit == "" {
		return "-"
	}
	return f.Value
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
