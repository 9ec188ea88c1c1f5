// Package drawing reads a drawn flame graph back: the SVG of flamegraph.pl or inferno-flamegraph, a <title> and a
// <rect> a frame, in any order, becomes the tree of frames (svg.go: boxes; tree.go: which stands on which). Weights are
// those of the titles, so they are exact; where a frame hangs is told by the rectangles.
package drawing

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxBoxes bounds the frames of a drawing. flamegraph.pl draws none narrower than 0.1 px, some 12,000 a level.
const maxBoxes = 5_000_000

// An Error says why a file is no drawing that can be read.
type Error struct {
	Line int // in the file, 0: of the whole
	What string
}

func (e *Error) Error() string { return e.What }

// ErrNoFrame is of a drawing in which no title counts anything.
var ErrNoFrame = errors.New("an SVG without a frame: no <title>name (N samples, P%)</title> before a <rect>")

// Read returns the tree of the drawing. Errors are an *Error or ErrNoFrame.
func Read(data []byte) (*Tree, error) {
	d, err := parse(data)
	if err != nil {
		return nil, err
	}
	if len(d.boxes) == 0 {
		return nil, ErrNoFrame
	}
	return newTree(d)
}

// A drawing is the frames of a flame graph as drawn.
type drawing struct {
	boxes []box
	unit  string // what titles count: "samples", "cycles"
	exact bool   // every box has fg:x and fg:w, of inferno since 0.11
}

// A box is a frame. Exact drawings give x and width in weight, others in pixels, rounded to 0.1.
type box struct {
	name   string
	weight uint64
	x, w   float64
	y      float64
}

func parse(data []byte) (*drawing, error) {
	dec := xml.NewDecoder(bytes.NewReader(data))
	dec.Strict = false
	p := svgParser{d: &drawing{exact: true}, width: 1200}
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return p.d, nil
		}
		line, _ := dec.InputPos()
		if err == nil {
			err = p.token(tok)
		}
		if err != nil {
			return nil, &Error{line, strings.TrimPrefix(err.Error(), "XML syntax error on ")}
		}
	}
}

// An svgParser goes through the drawing's elements.
type svgParser struct {
	d       *drawing
	width   float64 // of the whole, for widths in percent
	inTitle bool
	title   strings.Builder
	pending string // title whose rectangle comes next
}

func (p *svgParser) token(tok xml.Token) error {
	switch t := tok.(type) {
	case xml.StartElement:
		return p.start(t)
	case xml.CharData:
		if p.inTitle {
			p.title.Write(t)
		}
	case xml.EndElement:
		if t.Name.Local == "title" && p.inTitle {
			p.inTitle = false
			p.pending = p.title.String()
		}
	}
	return nil
}

func (p *svgParser) start(t xml.StartElement) error {
	switch t.Name.Local {
	case "svg":
		if id := attr(t, "id"); id == "" || id == "frames" {
			if w, err := strconv.ParseFloat(attr(t, "width"), 64); err == nil && w > 0 {
				p.width = w
			}
		}
	case "title":
		p.inTitle = true
		p.title.Reset()
	case "rect":
		if p.pending == "" {
			return nil
		}
		title := p.pending
		p.pending = ""
		return p.rect(t, title)
	}
	return nil
}

// rect adds the box of a title and its rectangle; a title that counts nothing is none of a frame.
func (p *svgParser) rect(t xml.StartElement, title string) error {
	var b box
	var unit string
	var ok bool
	if b.name, b.weight, unit, ok = parseTitle(title); !ok {
		return nil
	}
	if p.d.unit == "" && unit != "" {
		p.d.unit = unit
	}
	if len(p.d.boxes) == maxBoxes {
		return fmt.Errorf("more than %d frames", maxBoxes)
	}
	var err error
	if b.y, err = p.length(t, "y"); err != nil {
		return err
	}
	if fx, fw := attr(t, "fg:x"), attr(t, "fg:w"); p.d.exact && fx != "" && fw != "" {
		x, err1 := strconv.ParseUint(fx, 10, 64)
		w, err2 := strconv.ParseUint(fw, 10, 64)
		b.x, b.w, err = float64(x), float64(w), errors.Join(err1, err2)
	} else {
		if p.d.exact && len(p.d.boxes) > 0 {
			return fmt.Errorf("a frame without fg:x and fg:w among such that have them")
		}
		p.d.exact = false
		if b.x, err = p.length(t, "x"); err == nil {
			b.w, err = p.length(t, "width")
		}
	}
	p.d.boxes = append(p.d.boxes, b)
	return err
}

// length reads an attribute in pixels or percent of the width.
func (p *svgParser) length(t xml.StartElement, name string) (float64, error) {
	text := attr(t, name)
	number, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || v != v || v < -1e9 || v > 1e9 {
		return 0, fmt.Errorf("a frame's rectangle has %s=%q, which is no length", name, text)
	}
	if percent {
		v *= p.width / 100
	}
	return v, nil
}

// attr returns an attribute by its name, "fg:x" with its prefix.
func attr(t xml.StartElement, name string) string {
	space, local, prefixed := strings.Cut(name, ":")
	if !prefixed {
		space, local = "", name
	}
	for _, a := range t.Attr {
		if a.Name.Local == local && (a.Name.Space == "") == (space == "") {
			return a.Value
		}
	}
	return ""
}

// parseTitle reads "name (1,234 samples, 1.23%)"; a differential graph has
// more behind a semicolon. The percentage is not used: it is rounded.
func parseTitle(title string) (name string, n uint64, unit string, ok bool) {
	title = strings.TrimSpace(title)
	i := strings.LastIndex(title, " (")
	if i < 0 || !strings.HasSuffix(title, ")") {
		return "", 0, "", false
	}
	number, rest, ok := strings.Cut(title[i+2:len(title)-1], " ")
	if !ok {
		return "", 0, "", false
	}
	n, err := strconv.ParseUint(strings.ReplaceAll(number, ",", ""), 10, 64)
	if err != nil {
		return "", 0, "", false
	}
	unit, _, ok = strings.Cut(rest, ", ")
	return title[:i], n, unit, ok
}
