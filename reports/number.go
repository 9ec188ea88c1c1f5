package reports

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
)

// notANumber stands where a Result holds NaN or an infinity.
const notANumber = "n/a"

// decimals formats v with the given decimals and thin groups of three digits.
func decimals(v float64, places int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return notANumber
	}
	s := strconv.FormatFloat(v, 'f', max(places, 0), 64)
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	return groupDigits(s)
}

// groupDigits puts a space between groups of three in a number of five digits
// and more, as SI has it: 9999, 10 000.
func groupDigits(s string) string {
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

// count formats a plain count.
func count(n uint64) string { return groupDigits(strconv.FormatUint(n, 10)) }

// significant formats v with about the given number of significant digits and
// never cuts the whole part.
func significant(v float64, digits int) string {
	if v == 0 {
		return "0"
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return notANumber
	}
	_, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', digits-1, 64), "e") // of the rounded number
	e, _ := strconv.Atoi(exponent)
	return decimals(v, min(digits-1-e, 6))
}

// withError formats a value and its standard error: the error with two
// significant digits, the value with as many decimals. Without an error the
// value has four significant digits and the second string is "".
func withError(v, se float64) (value, err string) {
	if !(se > 0) || math.IsInf(se, 0) {
		if v == math.Trunc(v) && math.Abs(v) < 1e15 { // a count
			return decimals(v, 0), ""
		}
		return significant(v, 4), ""
	}
	places := min(max(1-int(math.Floor(math.Log10(se))), 0), 6)
	return decimals(v, places), decimals(se, places)
}

// A figure is a metric.Value as it is printed.
type figure struct {
	Value, Err, Unit string  // "54.2", "0.3", "%"
	N                uint64  // samples behind it, 0 if it is not sampled
	Missing          string  // why there is none; the rest is empty then
	Sort             float64 // in Unit; negative if missing
}

// figureOf rounds a value; ratios are printed in per cent.
func figureOf(v metric.Value) figure {
	if v.Missing != nil {
		return figure{Missing: missingText(v), Unit: unitOf(v), Sort: -1}
	}
	scale := scaleOf(v)
	f := figure{Unit: unitOf(v), N: v.Samples, Sort: v.Value * scale}
	f.Value, f.Err = withError(v.Value*scale, v.SE*scale)
	if low, high := significant(v.Low*scale, 4), significant(v.High*scale, 4); v.Ranged() && low != high {
		f.Value, f.Err = low+".."+high, ""
	}
	f.Value += doubtMark(v)
	if math.IsNaN(f.Sort) || math.IsInf(f.Sort, 0) {
		f.Sort = -1
	}
	return f
}

// doubtMark follows a number that is in doubt: a sum is broken that it hangs on.
func doubtMark(v metric.Value) string {
	if v.Measured() && v.Doubt != "" {
		return "!"
	}
	return ""
}

// hasDoubt reports whether a number of a run's row is in doubt.
func hasDoubt(r *analyze.Run) bool {
	a := all(r)
	return slices.ContainsFunc([]metric.Value{r.Packets.Rate, a.PerPacket, a.SpinShare, a.LockWordShare, r.Locks.PerPkt}, func(v metric.Value) bool { return doubtMark(v) != "" })
}

func missingText(v metric.Value) string {
	if v.Missing.Why == "" {
		return "not measured"
	}
	return "not measured: " + v.Missing.Why
}

func scaleOf(v metric.Value) float64 {
	if v.Unit == "ratio" {
		return 100
	}
	return 1
}

func unitOf(v metric.Value) string {
	if v.Unit == "ratio" {
		return "%"
	}
	return visible(v.Unit, 24)
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

// finite reports whether a measured value can be drawn.
func finite(v metric.Value) bool {
	return v.Measured() && !math.IsNaN(v.Value) && !math.IsInf(v.Value, 0)
}

// short formats a magnitude in at most five characters with a metric prefix:
// "364 k", "1.23 M".
func short(v float64) string {
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
	return significant(v, 3) + prefix
}

// shareOf returns a measured ratio within 0..1 to draw, 0 if there is none.
func shareOf(v metric.Value) float64 {
	if !finite(v) {
		return 0
	}
	return min(max(v.Value, 0), 1)
}

// axisNumber formats a round number for an axis: no zeroes that say nothing.
func axisNumber(v float64) string {
	number, prefix, _ := strings.Cut(short(v), " ")
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return strings.TrimSpace(number + " " + prefix)
}
