package chart

import (
	"fmt"
	"html/template"
	"slices"

	"xfrmscope/reports/format"
	"xfrmscope/reports/svg"
	"xfrmscope/reports/view"
)

// LengthsPicture draws how long calls took.
func LengthsPicture(l view.Lengths) template.HTML {
	if l.Half {
		return template.HTML(FastHistogram(l.Counts, l.OneCPU))
	}
	return template.HTML(histogram(l.Counts))
}

// histogram draws wait lengths: one column for each power of two nanoseconds.
func histogram(h []uint64) []byte {
	first, last := format.Bounds(h)
	if last < 0 {
		return nil
	}
	const pitch, high = 9, 30
	top := slices.Max(h)
	var w svg.Writer
	wide := pitch * float64(last-first+1)
	w.Open("svg", "class", "hist", "viewBox", "0 0 "+format.Pixels(wide)+" "+format.Pixels(high), "width",
		format.Pixels(wide), "height", format.Pixels(high), "role", "img", "aria-label",
		format.HistogramText(h))
	for i := first; i <= last; i++ {
		bar := float64(h[i]) / float64(top) * (high - 1)
		if h[i] > 0 {
			bar = max(bar, 1)
		}
		w.Rect("spin", pitch*float64(i-first), high-bar, pitch-1.5, bar, fmt.Sprintf("%s to %s: %s waits",
			format.Nanos(i), format.Nanos(i+1), format.Pretty(format.Count(h[i]))))
	}
	return w.End()
}

// FastHistogram draws how long acquisitions took that did not wait, as shares:
// those on one CPU, if they are known, behind those of a run. A column is half a
// power of two.
func FastHistogram(run, oneCPU []uint64) []byte {
	from, to := format.Bounds(run)
	if to < 0 {
		return nil
	}
	if first, last := format.Bounds(oneCPU); last >= 0 {
		from, to = min(from, first), max(to, last)
	}
	const pitch, high = 9, 40
	top := max(largestShare(run), largestShare(oneCPU))
	wide := pitch * float64(to-from+1)
	var w svg.Writer
	w.Open("svg", "class", "hist", "viewBox", "0 0 "+format.Pixels(wide)+" "+format.Pixels(high), "width",
		format.Pixels(wide), "height", format.Pixels(high), "role", "img", "aria-label",
		format.FastText(run, oneCPU))
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
			w.Rect(h.class, pitch*float64(i-from)+h.left, high-bar, pitch-h.left-h.right, bar,
				fmt.Sprintf("%s to %s: %s %% %s", format.HalfNanos(i), format.HalfNanos(i+1),
					format.Significant(100*part, 2), h.of))
		}
	}
	return w.End()
}

// largestShare is that of the fullest bin.
func largestShare(h []uint64) float64 {
	sum, most := uint64(0), uint64(0)
	for _, n := range h {
		sum, most = sum+n, max(most, n)
	}
	return float64(most) / float64(max(1, sum))
}
