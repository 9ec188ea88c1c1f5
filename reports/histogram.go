package reports

import (
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
)

// histogram draws wait lengths: one column for each power of two nanoseconds.
func histogram(h []uint64) []byte {
	first, last := bounds(h)
	if last < 0 {
		return nil
	}
	const pitch, high = 9, 30
	top := slices.Max(h)
	var w svgWriter
	wide := pitch * float64(last-first+1)
	w.open("svg", attr{"class", "hist"}, attr{"viewBox", "0 0 " + px(wide) + " " + px(high)}, attr{"width", px(wide)}, attr{"height", px(high)}, attr{"role", "img"}, attr{"aria-label", histogramText(h)})
	for i := first; i <= last; i++ {
		bar := float64(h[i]) / float64(top) * (high - 1)
		if h[i] > 0 {
			bar = max(bar, 1)
		}
		w.rect("spin", pitch*float64(i-first), high-bar, pitch-1.5, bar, fmt.Sprintf("%s to %s: %s waits", nanos(i), nanos(i+1), pretty(count(h[i]))))
	}
	w.close("svg")
	return w.Bytes()
}

func bounds(h []uint64) (first, last int) {
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

// histogramText says between what lengths the waits lie.
func histogramText(h []uint64) string {
	first, last := bounds(h)
	if last < 0 {
		return "no lengths"
	}
	return nanos(first) + " to " + nanos(last+1)
}

// nanos writes 2^i ns.
func nanos(i int) string {
	v := 1.0
	for range min(i, 63) {
		v *= 2
	}
	switch {
	case v >= 1e9:
		return significant(v/1e9, 2) + " s"
	case v >= 1e6:
		return significant(v/1e6, 2) + " ms"
	case v >= 1e3:
		return significant(v/1e3, 2) + " µs"
	}
	return significant(v, 2) + " ns"
}

func cpuList(cpus []int) string {
	return visible(bundle.CPUSet(cpus).String(), 40)
}

// moduleText names a module; the kernel itself goes without saying.
func moduleText(file string) string {
	if file == kernelFile {
		return ""
	}
	if i := strings.LastIndexByte(file, '/'); i >= 0 {
		file = file[i+1:]
	}
	return visible(file, 40)
}

func isSpin(function string) bool { return stage.LockKindOf(function) == stage.Spin }
