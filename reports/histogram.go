package reports

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
)

// lengthsPicture draws how long calls took.
func lengthsPicture(l lengths) template.HTML {
	if l.Half {
		return template.HTML(fastHistogram(l.Counts, l.OneCPU))
	}
	return template.HTML(histogram(l.Counts))
}

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

// fastHistogram draws how long acquisitions took that did not wait, as shares:
// those on one CPU, if they are known, behind those of a run. A column is half a
// power of two.
func fastHistogram(run, oneCPU []uint64) []byte {
	from, to := bounds(run)
	if to < 0 {
		return nil
	}
	if first, last := bounds(oneCPU); last >= 0 {
		from, to = min(from, first), max(to, last)
	}
	const pitch, high = 9, 40
	top := max(largestShare(run), largestShare(oneCPU))
	wide := pitch * float64(to-from+1)
	var w svgWriter
	w.open("svg", attr{"class", "hist"}, attr{"viewBox", "0 0 " + px(wide) + " " + px(high)}, attr{"width", px(wide)}, attr{"height", px(high)}, attr{"role", "img"}, attr{"aria-label", fastText(run, oneCPU)})
	for _, h := range []struct {
		class, of   string
		counts      []uint64
		left, right float64 // within a column
	}{{"busy", "on one CPU", oneCPU, 0, 1}, {"word", "in this run", run, 2.5, 3.5}} {
		for i := from; i <= to && i < len(h.counts); i++ {
			part := largestShare(h.counts) * float64(h.counts[i]) / float64(max(1, slices.Max(h.counts)))
			if part == 0 {
				continue
			}
			bar := max(part/top*(high-1), 1)
			w.rect(h.class, pitch*float64(i-from)+h.left, high-bar, pitch-h.left-h.right, bar, fmt.Sprintf("%s to %s: %s %% %s", halfNanos(i), halfNanos(i+1), significant(100*part, 2), h.of))
		}
	}
	w.close("svg")
	return w.Bytes()
}

// largestShare is that of the fullest bin.
func largestShare(h []uint64) float64 {
	sum, most := uint64(0), uint64(0)
	for _, n := range h {
		sum, most = sum+n, max(most, n)
	}
	return float64(most) / float64(max(1, sum))
}

// fastText says between what lengths the acquisitions lie.
func fastText(run, oneCPU []uint64) string {
	first, last := bounds(run)
	text := halfNanos(first) + " to " + halfNanos(last+1)
	if first, last := bounds(oneCPU); last >= 0 {
		text += "; on one CPU " + halfNanos(first) + " to " + halfNanos(last+1)
	}
	return text
}

// halfNanos writes 2^(i/2) ns.
func halfNanos(i int) string { return nanosText(math.Exp2(float64(min(i, 126)) / 2)) }

// nanos writes 2^i ns.
func nanos(i int) string { return nanosText(math.Exp2(float64(min(i, 63)))) }

func nanosText(v float64) string {
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
