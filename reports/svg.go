package reports

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// An svgWriter writes SVG elements. Text is escaped and cleaned; every other
// argument is ours.
type svgWriter struct{ bytes.Buffer }

// attr is the name and the value of one attribute.
type attr [2]string

// px formats a length with at most one decimal.
func px(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		v = 0
	}
	s := strconv.FormatFloat(v, 'f', 1, 64)
	s = strings.TrimSuffix(s, ".0")
	if s == "-0" {
		return "0"
	}
	return s
}

// escape cleans and escapes text for XML and HTML, attribute values included.
func escape(s string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(visible(s, math.MaxInt))) // a bytes.Buffer does not fail
	return b.String()
}

// open writes a start tag.
func (w *svgWriter) open(tag string, attrs ...attr) {
	w.tag(tag, attrs)
	w.WriteByte('>')
}

func (w *svgWriter) tag(tag string, attrs []attr) {
	w.WriteByte('<')
	w.WriteString(tag)
	for _, a := range attrs {
		if a[1] != "" {
			w.WriteString(" " + a[0] + `="` + escape(a[1]) + `"`)
		}
	}
}

// close writes an end tag.
func (w *svgWriter) close(tag string) { w.WriteString("</" + tag + ">") }

// empty writes an element without content.
func (w *svgWriter) empty(tag string, attrs ...attr) {
	w.tag(tag, attrs)
	w.WriteString("/>")
}

// textElement writes an element that holds text only.
func (w *svgWriter) textElement(tag, text string, attrs ...attr) {
	w.open(tag, attrs...)
	w.WriteString(escape(text))
	w.close(tag)
}

// rect writes a rectangle; a tip is shown on hover and read aloud.
func (w *svgWriter) rect(class string, x, y, width, height float64, tip string) {
	attrs := []attr{{"class", class}, {"x", px(x)}, {"y", px(y)}, {"width", px(width)}, {"height", px(height)}}
	if tip == "" {
		w.empty("rect", attrs...)
		return
	}
	w.open("rect", attrs...)
	w.textElement("title", tip)
	w.close("rect")
}

// line writes a straight line.
func (w *svgWriter) line(class string, x1, y1, x2, y2 float64) {
	w.empty("line", attr{"class", class}, attr{"x1", px(x1)}, attr{"y1", px(y1)}, attr{"x2", px(x2)}, attr{"y2", px(y2)})
}

// text writes a text whose anchor is "", "middle" or "end".
func (w *svgWriter) text(class string, x, y float64, anchor, s string) {
	w.textElement("text", s, attr{"class", class}, attr{"x", px(x)}, attr{"y", px(y)}, attr{"text-anchor", anchor})
}

// path writes a path.
func (w *svgWriter) path(class, d string, tip string) {
	if tip == "" {
		w.empty("path", attr{"class", class}, attr{"d", d})
		return
	}
	w.open("path", attr{"class", class}, attr{"d", d})
	w.textElement("title", tip)
	w.close("path")
}

// marker writes a data point. The shape repeats what the colour says.
func (w *svgWriter) marker(shape int, class string, x, y, r float64, tip string) {
	w.path(class, markerPath(shape, x, y, r), tip)
}

// markerShapes is the number of shapes that are told apart.
const markerShapes = 5

func markerPath(shape int, x, y, r float64) string {
	switch shape % markerShapes {
	case 0: // circle
		return fmt.Sprintf("M%s %sa%s %s 0 1 0 %s 0a%s %s 0 1 0 -%s 0", px(x-r), px(y), px(r), px(r), px(2*r), px(r), px(r), px(2*r))
	case 1: // square
		return fmt.Sprintf("M%s %sh%sv%sh-%sz", px(x-r), px(y-r), px(2*r), px(2*r), px(2*r))
	case 2: // triangle
		return fmt.Sprintf("M%s %sl%s %sh-%sz", px(x), px(y-1.2*r), px(1.2*r), px(2.1*r), px(2.4*r))
	case 3: // diamond
		return fmt.Sprintf("M%s %sl%s %sl-%s %sl-%s -%sz", px(x), px(y-1.3*r), px(1.3*r), px(1.3*r), px(1.3*r), px(1.3*r), px(1.3*r), px(1.3*r))
	default: // triangle, point down
		return fmt.Sprintf("M%s %sl%s -%sh-%sz", px(x), px(y+1.2*r), px(1.2*r), px(2.1*r), px(2.4*r))
	}
}
