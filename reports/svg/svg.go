package svg

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"

	"xfrmscope/reports/format"
)

// An Writer writes SVG elements. Text is escaped and cleaned; every other
// argument is ours.
type Writer struct{ bytes.Buffer }

// Attr is the name and the value of one attribute.
type Attr [2]string

// escape cleans and escapes text for XML and HTML, attribute values included.
func escape(s string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(format.Visible(s, math.MaxInt))) // a bytes.Buffer does not fail
	return b.String()
}

// Open writes a start tag.
func (w *Writer) Open(tag string, attrs ...Attr) {
	w.tag(tag, attrs)
	w.WriteByte('>')
}

func (w *Writer) tag(tag string, attrs []Attr) {
	w.WriteByte('<')
	w.WriteString(tag)
	for _, a := range attrs {
		if a[1] != "" {
			w.WriteString(" " + a[0] + `="` + escape(a[1]) + `"`)
		}
	}
}

// Close writes an end tag.
func (w *Writer) Close(tag string) { w.WriteString("</" + tag + ">") }

// Empty writes an element without content.
func (w *Writer) Empty(tag string, attrs ...Attr) {
	w.tag(tag, attrs)
	w.WriteString("/>")
}

// TextElement writes an element that holds text only.
func (w *Writer) TextElement(tag, text string, attrs ...Attr) {
	w.Open(tag, attrs...)
	w.WriteString(escape(text))
	w.Close(tag)
}

// Rect writes a rectangle; a tip is shown on hover and read aloud.
func (w *Writer) Rect(class string, x, y, width, height float64, tip string) {
	attrs := []Attr{{"class", class}, {"x", format.Pixels(x)}, {"y", format.Pixels(y)}, {"width", format.Pixels(width)}, {"height", format.Pixels(height)}}
	if tip == "" {
		w.Empty("rect", attrs...)
		return
	}
	w.Open("rect", attrs...)
	w.TextElement("title", tip)
	w.Close("rect")
}

// Line writes a straight line.
func (w *Writer) Line(class string, x1, y1, x2, y2 float64) {
	w.Empty("line", Attr{"class", class}, Attr{"x1", format.Pixels(x1)}, Attr{"y1", format.Pixels(y1)}, Attr{"x2", format.Pixels(x2)}, Attr{"y2", format.Pixels(y2)})
}

// Text writes a text whose anchor is "", "middle" or "end".
func (w *Writer) Text(class string, x, y float64, anchor, s string) {
	w.TextElement("text", s, Attr{"class", class}, Attr{"x", format.Pixels(x)}, Attr{"y", format.Pixels(y)}, Attr{"text-anchor", anchor})
}

// Path writes a path.
func (w *Writer) Path(class, d string, tip string) {
	if tip == "" {
		w.Empty("path", Attr{"class", class}, Attr{"d", d})
		return
	}
	w.Open("path", Attr{"class", class}, Attr{"d", d})
	w.TextElement("title", tip)
	w.Close("path")
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
		return fmt.Sprintf("M%s %sa%s %s 0 1 0 %s 0a%s %s 0 1 0 -%s 0", format.Pixels(x-r), format.Pixels(y), format.Pixels(r), format.Pixels(r), format.Pixels(2*r), format.Pixels(r), format.Pixels(r), format.Pixels(2*r))
	case 1: // square
		return fmt.Sprintf("M%s %sh%sv%sh-%sz", format.Pixels(x-r), format.Pixels(y-r), format.Pixels(2*r), format.Pixels(2*r), format.Pixels(2*r))
	case 2: // triangle
		return fmt.Sprintf("M%s %sl%s %sh-%sz", format.Pixels(x), format.Pixels(y-1.2*r), format.Pixels(1.2*r), format.Pixels(2.1*r), format.Pixels(2.4*r))
	case 3: // diamond
		return fmt.Sprintf("M%s %sl%s %sl-%s %sl-%s -%sz", format.Pixels(x), format.Pixels(y-1.3*r), format.Pixels(1.3*r), format.Pixels(1.3*r), format.Pixels(1.3*r), format.Pixels(1.3*r), format.Pixels(1.3*r), format.Pixels(1.3*r))
	default: // triangle, point down
		return fmt.Sprintf("M%s %sl%s -%sh-%sz", format.Pixels(x), format.Pixels(y+1.2*r), format.Pixels(1.2*r), format.Pixels(2.1*r), format.Pixels(2.4*r))
	}
}
