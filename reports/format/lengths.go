package format

import (
	"math"
	"slices"
)

// Bounds are the first and the last bin of a histogram that hold something, -1 if
// none does.
func Bounds(h []uint64) (first, last int) {
	first, last = slices.IndexFunc(h, func(n uint64) bool { return n > 0 }), len(h)-1
	for last >= 0 && h[last] == 0 {
		last--
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

func nanosText(v float64) string { return scaled(v, 2, "ns", "µs", "ms", "s") }
