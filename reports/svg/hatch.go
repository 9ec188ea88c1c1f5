package svg

// Hatched lays a pattern over a rectangle, by a class of HatchStyle.
func Hatched(w *Writer, pattern string, x, y, width, height float64) {
	w.Empty("rect", "class", "over h"+pattern,
		"x", x, "y", y, "width", width, "height", height)
}

// HatchStyle is the style sheet of what is hatched.
const HatchStyle = ".over{pointer-events:none}.hd{fill:url(#hatch-d)!important}.hl{fill:url(#hatch-l)!important}" +
	".hp{fill:url(#hatch-p)!important}.hatch{stroke:#fff;stroke-opacity:.45;fill:none}"

// HatchPatterns defines the patterns that repeat what colours say: "d" dense
// for waiting, "l" lines for taking a lock, "p" for the second of two stages
// that share a colour.
func HatchPatterns(w *Writer) {
	w.Open("defs")
	for _, p := range [][3]string{{"d", "M-2 2L2 -2M0 8L8 0M6 10L10 6", "2"}, {"l", "M0 4H8", "1.4"},
		{"p", "M4 0V8", "2"}} {
		w.Open("pattern", "id", "hatch-"+p[0], "width", "8", "height", "8", "patternUnits", "userSpaceOnUse")
		w.Empty("path", "class", "hatch", "d", p[1], "stroke-width", p[2])
		w.Close("pattern")
	}
	w.Close("defs")
}
