package svg

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strings"

	"xfrmscope/reports/format"
)

// An Writer writes SVG elements. Text is escaped and cleaned; every other
// argument is ours.
type Writer struct{ bytes.Buffer }

// escape cleans and escapes text for XML and HTML, attribute values included.
func escape(s string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(format.Visible(s, math.MaxInt))) // a bytes.Buffer does not fail
	return b.String()
}

// Open writes a start tag with attributes, names and values in turn; a number is a
// length, and what is empty is left out.
func (w *Writer) Open(tag string, attrs ...any) {
	w.tag(tag, attrs)
	w.WriteByte('>')
}

func (w *Writer) tag(tag string, attrs []any) {
	w.WriteByte('<')
	w.WriteString(tag)
	for pair := range slices.Chunk(attrs, 2) {
		value := fmt.Sprint(pair[1])
		if v, ok := pair[1].(float64); ok {
			value = format.Pixels(v)
		}
		if value != "" {
			w.WriteString(fmt.Sprintf(` %s="%s"`, pair[0], escape(value)))
		}
	}
}

// Picture opens a picture that is read aloud as its label.
func (w *Writer) Picture(class string, wide, high float64, label string) {
	size := "0 0 " + format.Pixels(wide) + " " + format.Pixels(high)
	w.Open("svg", "class", class, "viewBox", size, "role", "img", "aria-label", label)
}

// End closes a picture.
func (w *Writer) End() []byte {
	w.Close("svg")
	return w.Bytes()
}

// Close writes an end tag.
func (w *Writer) Close(tag string) { w.WriteString("</" + tag + ">") }

// Empty writes an element without content.
func (w *Writer) Empty(tag string, attrs ...any) {
	w.tag(tag, attrs)
	w.WriteString("/>")
}

// TextElement writes an element that holds text only.
func (w *Writer) TextElement(tag, text string, attrs ...any) {
	w.Open(tag, attrs...)
	w.WriteString(escape(text))
	w.Close(tag)
}

// Rect writes a rectangle; a tip is shown on hover and read aloud.
func (w *Writer) Rect(class string, x, y, width, height float64, tip string) {
	w.tipped("rect", tip, "class", class, "x", x, "y", y, "width", width, "height", height)
}

// tipped writes an element that is empty but for its tip.
func (w *Writer) tipped(tag, tip string, attrs ...any) {
	if tip == "" {
		w.Empty(tag, attrs...)
		return
	}
	w.Open(tag, attrs...)
	w.TextElement("title", tip)
	w.Close(tag)
}

// Line writes a straight line.
func (w *Writer) Line(class string, x1, y1, x2, y2 float64) {
	w.Empty("line", "class", class, "x1", x1, "y1", y1, "x2", x2, "y2", y2)
}

// Text writes a text whose anchor is "", "middle" or "end".
func (w *Writer) Text(class string, x, y float64, anchor, s string) {
	w.TextElement("text", s, "class", class, "x", x, "y", y, "text-anchor", anchor)
}

// Path writes a path.
func (w *Writer) Path(class, d string, tip string) {
	w.tipped("path", tip, "class", class, "d", d)
}

// Marker writes a data point. The shape repeats what the colour says.
func (w *Writer) Marker(shape int, class string, x, y, r float64, tip string) {
	w.Path(class, markerPath(shape, x, y, r), tip)
}

// MarkerShapes is the number of shapes that are told apart.
const MarkerShapes = 5

func markerPath(shape int, x, y, r float64) string {
	switch shape % MarkerShapes {
	case 0: // circle
		return lengths("M% %a% % 0 1 0 % 0a% % 0 1 0 -% 0", x-r, y, r, r, 2*r, r, r, 2*r)
	case 1: // square
		return lengths("M% %h%v%h-%z", x-r, y-r, 2*r, 2*r, 2*r)
	case 2: // triangle
		return lengths("M% %l% %h-%z", x, y-1.2*r, 1.2*r, 2.1*r, 2.4*r)
	case 3: // diamond
		return lengths("M% %l% %l-% %l-% -%z", x, y-1.3*r, 1.3*r, 1.3*r, 1.3*r, 1.3*r, 1.3*r, 1.3*r)
	default: // triangle, point down
		return lengths("M% %l% -%h-%z", x, y+1.2*r, 1.2*r, 2.1*r, 2.4*r)
	}
}

// lengths puts lengths where a path has %.
func lengths(path string, of ...float64) string {
	for _, v := range of {
		path = strings.Replace(path, "%", format.Pixels(v), 1)
	}
	return path
}
