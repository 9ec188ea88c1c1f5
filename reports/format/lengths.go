package format

import (
	"math"
)

func Bounds(h []uint64) (first, last int) {
	first, last = -1, -1
	for i, n := range h {
		if n > 0 {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	return first, last
}

// HistogramText says between what lengths the waits lie.
func HistogramText(h []uint64) string {
	first, last := Bounds(h)
	if last < 0 {
		return "no lengths"
	}
	return Nanos(first) + " to " + Nanos(last+1)
}

// FastText says between what lengths the acquisitions lie.
func FastText(run, oneCPU []uint64) string {
	first, last := Bounds(run)
	text := HalfNanos(first) + " to " + HalfNanos(last+1)
	if first, last := Bounds(oneCPU); last >= 0 {
		text += "; on one CPU " + HalfNanos(first) + " to " + HalfNanos(last+1)
	}
	return text
}

// HalfNanos writes 2^(i/2) ns.
func HalfNanos(i int) string { return nanosText(math.Exp2(float64(min(i, 126)) / 2)) }

// Nanos writes 2^i ns.
func Nanos(i int) string { return nanosText(math.Exp2(float64(min(i, 63)))) }

func nanosText(v float64) string {
	switch {
	case v >= 1e9:
		return Significant(v/1e9, 2) + " s"
	case v >= 1e6:
		return Significant(v/1e6, 2) + " ms"
	case v >= 1e3:
		return Significant(v/1e3, 2) + " µs"
	}
	return Significant(v, 2) + " ns"
}
