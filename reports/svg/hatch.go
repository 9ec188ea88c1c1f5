package svg

import (
	"xfrmscope/reports/format"
)

// Hatched lays a pattern over a rectangle.
func Hatched(w *Writer, pattern string, x, y, width, height float64) {
	w.Empty("rect", Attr{"class", "over"}, Attr{"style", "fill:url(#hatch-" + pattern + ")"},
		Attr{"x", format.Pixels(x)}, Attr{"y", format.Pixels(y)}, Attr{"width", format.Pixels(width)}, Attr{"height", format.Pixels(height)})
}

// HatchPatterns defines the patterns that repeat what colours say: "d" dense
// for waiting, "l" lines for taking a lock, "p" for the second of two stages
// that share a colour.
func HatchPatterns(w *Writer) {
	w.Open("defs")
	for _, p := range [][3]string{{"d", "M-2 2L2 -2M0 8L8 0M6 10L10 6", "2"}, {"l", "M0 4H8", "1.4"}, {"p", "M4 0V8", "2"}} {
		w.Open("pattern", Attr{"id", "hatch-" + p[0]}, Attr{"width", "8"}, Attr{"height", "8"}, Attr{"patternUnits", "userSpaceOnUse"})
		w.Empty("path", Attr{"class", "hatch"}, Attr{"d", p[1]}, Attr{"stroke-width", p[2]})
		w.Close("pattern")
	}
	w.Close("defs")
}
