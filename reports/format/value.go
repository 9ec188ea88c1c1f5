package format

import (
	"math"

	"xfrmscope/analyze/metric"
)

// A Figure is a metric.Value as it is printed.
type Figure struct {
	Value, Err, Unit string  // "54.2", "0.3", "%"
	N                uint64  // samples behind it, 0 if it is not sampled
	Missing          string  // why there is none; the rest is empty then
	Sort             float64 // in Unit; negative if missing
}

// Of rounds a value; ratios are printed in per cent.
func Of(v metric.Value) Figure {
	if v.Missing != nil {
		return Figure{Missing: missingText(v), Unit: ShownUnit(v.Unit), Sort: -1}
	}
	scale := UnitScale(v.Unit)
	f := Figure{Unit: ShownUnit(v.Unit), N: v.Samples, Sort: v.Value * scale}
	f.Value, f.Err = withError(v.Value*scale, v.Half()*scale)
	if low, high := Significant(v.Low*scale, 4), Significant(v.High*scale, 4); v.Ranged() && low != high {
		f.Value, f.Err = low+".."+high, ""
	}
	if low, high, ok := v.Few(); ok {
		f.Value, f.Err = fewText(v.Value*scale, low*scale, high*scale), ""
	}
	if most, ok := atMost(v); ok {
		f.Value, f.Err, f.Sort = "<= "+most, "", max(f.Sort, 0)
	}
	f.Value += DoubtMark(v)
	if math.IsNaN(f.Sort) || math.IsInf(f.Sort, 0) {
		f.Sort = -1
	}
	return f
}

// atMost is all that is known of a quantity that cannot be negative and whose
// interval reaches below zero.
func atMost(v metric.Value) (text string, ok bool) {
	most, ok := v.AtMost()
	return Significant(most*UnitScale(v.Unit), 2), ok
}

// fewText is a number of few counts with its interval, which is not symmetric. Far from zero, as a share of nearly
// all, it has the digits that the interval leaves.
func fewText(v, low, high float64) string {
	if width := high - low; low > width && width > 0 {
		places := intervalDigits(low, high)
		return Decimals(v, places) + " [" + Decimals(low, places) + ".." + Decimals(high, places) + "]"
	}
	return Significant(v, 2) + " [" + Significant(low, 2) + ".." + Significant(high, 2) + "]"
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

// UnitScale is how much of ShownUnit a unit is.
func UnitScale(unit string) float64 {
	if unit == "ratio" {
		return 100
	}
	return 1
}

// ShownUnit is the unit in which values of another are printed.
func ShownUnit(unit string) string {
	if unit == "ratio" {
		return "%"
	}
	return Visible(unit, 24)
}

// String returns "54.2 +- 0.6 %", in ASCII.
func (f Figure) String() string {
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

// ShareOf returns a measured ratio within 0..1 to draw, 0 if there is none.
func ShareOf(v metric.Value) float64 {
	if !Finite(v) {
		return 0
	}
	return min(max(v.Value, 0), 1)
}

// OrZero is v, or 0 if it is no number.
func OrZero(v float64) float64 {
	if Finite(metric.Value{Value: v}) {
		return v
	}
	return 0
}

// Sampled reports whether a value rests on a number of samples: a share that has no error was counted, and is of
// rows.
func Sampled(v metric.Value) bool {
	exact := v.Unit == "ratio" && v.SE == 0 && v.Value > 0 && v.Value < 1
	return v.Samples > 0 && !exact
}

// ValueText is a value with its error, its unit and its samples.
func ValueText(v metric.Value) string {
	s := Pretty(Of(v).String())
	if v.Measured() && Sampled(v) {
		s += ", n = " + Pretty(Count(v.Samples))
	}
	if v.Measured() && v.Basis != "" {
		s += ", " + Name(v.Basis)
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

// Column is a value with digits significant digits and its mark, without unit and
// error: "-" if there is none.
func Column(v metric.Value, digits int) string {
	if !Finite(v) {
		return "-"
	}
	if most, ok := atMost(v); ok {
		return "<=" + most + DoubtMark(v)
	}
	return Significant(v.Value*UnitScale(v.Unit), digits) + DoubtMark(v)
}

// Kilo is a column of thousands.
func Kilo(v metric.Value) string {
	v.Value, v.SE, v.Low, v.High = v.Value/1000, v.SE/1000, v.Low/1000, v.High/1000
	return Column(v, 4)
}

// CostColumn prints a cost with the half of its interval in per cent of it.
func CostColumn(v metric.Value) string {
	s := Column(v, 4)
	if _, most := v.AtMost(); Finite(v) && v.SE > 0 && v.Value > 0 && !most {
		s += " +-" + Significant(100*v.Half()/v.Value, 2) + "%"
	}
	return s
}

// ShareColumn prints a share with the half of its interval, both in per cent; where that is not symmetric, with
// its ends.
func ShareColumn(v metric.Value) string {
	mark := DoubtMark(v)
	if _, most := v.AtMost(); Finite(v) && v.Ranged() && !most {
		return fewText(100*v.Value, 100*v.Low, 100*v.High) + mark
	} else if !(v.SE > 0) || !Finite(v) || most {
		return Column(v, 3)
	}
	if low, high, ok := v.Few(); ok {
		return fewText(100*v.Value, 100*low, 100*high) + mark
	}
	return Decimals(100*v.Value, 2-len(mark)) + mark + " +-" + Decimals(100*v.Half(), 2)
}

// SentenceShare is a share in a sentence: "48.1 %".
func SentenceShare(v metric.Value) string {
	if most, ok := atMost(v); ok {
		return "at most " + most + " %"
	}
	return Decimals(100*v.Value, 1) + DoubtMark(v) + " %"
}

// Plain is a figure without unit and error, "-" if there is none.
func Plain(f Figure) string {
	if f.Missing != "" || f.Value == "" || f.Unit == "" {
		return "-"
	}
	return f.Value
}
