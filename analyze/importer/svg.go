package importer

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/collect/bundle"
)

// maxBoxes bounds the frames of a drawing. flamegraph.pl draws none narrower than 0.1 px, some 12,000 a level.
const maxBoxes = 5_000_000

// readSVG reads the drawing of flamegraph.pl or inferno-flamegraph: a <title> and a <rect> a frame, in any order.
// Weights are those of the titles, so they are exact; where a frame hangs is told by the rectangles.
func readSVG(r io.Reader, opt Options) (*Import, error) {
	data, err := document(r, opt)
	if err != nil {
		return nil, err
	}
	d, err := parseSVG(data, opt.Name)
	if err != nil {
		return nil, err
	}
	if len(d.boxes) == 0 {
		return nil, opt.bad(0, "an SVG without a frame: "+
			"no <title>name (N samples, P%%)</title> before a <rect>").
			fix("import one that flamegraph.pl or inferno-flamegraph made")
	}
	t, err := newTree(d)
	if err != nil {
		return nil, &SyntaxError{File: opt.Name, What: err.Error()}
	}
	return t.profile(opt), nil
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

func parseSVG(data []byte, file string) (*drawing, error) {
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
			what := strings.TrimPrefix(err.Error(), "XML syntax error on ")
			return nil, Options{Name: file}.bad(line, "%s", what)
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
	n, ok = parseUint([]byte(strings.ReplaceAll(number, ",", "")))
	if !ok {
		return "", 0, "", false
	}
	unit, _, ok = strings.Cut(rest, ", ")
	return title[:i], n, unit, ok
}

// unitOfCount turns what a drawing counts into the unit of a profile.
func unitOfCount(countname string) string {
	switch countname {
	case "", "samples", "counts", "count":
		return "count"
	case "ns":
		return "nanoseconds"
	}
	return countname
}

// profile makes the import of a tree.
func (t *tree) profile(opt Options) *Import {
	f := newNamed(opt)
	for i := range t.nodes {
		n := &t.nodes[i]
		if n.weight > n.children {
			f.addNode(t, i)
		}
	}
	im := f.result(unitOfCount(t.unit))
	add := func(format string, args ...any) {
		w := bundle.Warning{Weakens: f.event.event.Name, Text: fmt.Sprintf(format, args...)}
		im.Warnings = append(im.Warnings, w)
		warn(im.Profiles, w.Weakens, w.Text)
	}
	if t.pruned > 0 {
		add("frames too narrow to be drawn are missing: "+
			"at least %.2f %% of the weight is charged to their callers",
			100*float64(t.pruned)/float64(t.nodes[0].weight))
	}
	if t.unsure > 0 {
		add("%d frames (%.2f %% of the weight) stand at the edge of two others: "+
			"whose child they are was told by weight",
			t.unsure, 100*float64(t.unsureWeight)/float64(t.nodes[0].weight))
	}
	if t.lost > 0 {
		im.lost("frames of the drawing that hang below no other", t.lost, uint64(len(t.nodes)),
			"their weight is charged to a caller")
		lose(im.Profiles, im.Losses[len(im.Losses)-1])
	}
	return im
}

// addNode weighs the stack of a node by what it has beyond its children.
func (f *named) addNode(t *tree, i int) {
	comm := int32(-1)
	f.key = f.key[:0]
	for at := i; at > 0; at = t.nodes[at].parent {
		if t.nodes[at].parent == 0 && !f.opt.FunctionFirst {
			comm = f.b.comm([]byte(t.nodes[at].name))
		} else {
			f.key = f.key.push(f.frame([]byte(t.nodes[at].name)))
		}
	}
	w := f.weigh(comm)
	w.whole += t.nodes[i].weight - t.nodes[i].children
}

// A tree is a flame graph with every frame below its caller. Node 0 is the root, "all".
type tree struct {
	unit  string
	nodes []node

	pruned       uint64 // weight in gaps beside children: frames not drawn
	unsure       uint64 // frames that could hang below either of two
	unsureWeight uint64
	lost         uint64 // frames that hang below none
}

type node struct {
	name     string
	weight   uint64
	children uint64  // sum of the children's weights
	parent   int     // -1 for the root
	from     float64 // where it starts, in weight from the left
}

// newTree hangs every box below the one of the next level that it stands on.
//
// A box knows its weight exactly and its place to half a tenth of a pixel. In units of weight its place is within
// slack of the true one; widths are not needed. Where two boxes of the level below come into question, the one that
// overlaps more and has weight left is taken.
func newTree(d *drawing) (*tree, error) {
	levels := d.levels()
	if len(levels) == 0 || len(levels[0]) != 1 {
		return nil, fmt.Errorf("no frame spans all others: " +
			"neither the lowest nor the highest row is a single frame that is as heavy as the heaviest")
	}
	root := levels[0][0]
	if root.weight == 0 || root.w <= 0 {
		return nil, fmt.Errorf("the frame at the root, %q, has no weight or no width", root.name)
	}
	t := &tree{unit: d.unit, nodes: []node{{name: root.name, weight: root.weight, parent: -1}}}
	scale := float64(root.weight) / root.w
	slack := 0.0
	if !d.exact {
		slack = 0.05 * scale
	}
	below := []int{0}
	for _, level := range levels[1:] {
		below = t.hang(level, below, root.x, scale, slack)
		if len(below) == 0 {
			break
		}
	}
	t.measureGaps(slack)
	return t, nil
}

// levels groups boxes by row, from the root's on, each row from left to right.
// The root is the lowest row, or the highest in an icicle graph.
func (d *drawing) levels() [][]box {
	boxes := slices.Clone(d.boxes)
	heaviest := slices.MaxFunc(boxes, func(a, b box) int { return cmp.Compare(a.weight, b.weight) }).weight
	slices.SortStableFunc(boxes, func(a, b box) int { return cmp.Or(cmp.Compare(b.y, a.y), cmp.Compare(a.x, b.x)) })
	var levels [][]box
	for start := 0; start < len(boxes); {
		end := start
		for end < len(boxes) && boxes[start].y-boxes[end].y < 0.5 {
			end++
		}
		levels = append(levels, boxes[start:end])
		start = end
	}
	isRoot := func(level []box) bool { return len(level) == 1 && level[0].weight == heaviest }
	first, last := levels[0], levels[len(levels)-1]
	if isRoot(last) && (!isRoot(first) || last[0].name == "all" && first[0].name != "all") {
		slices.Reverse(levels)
	}
	if !isRoot(levels[0]) {
		return nil
	}
	return levels
}

// hang adds the boxes of a level below the nodes given, which are in order
// from left to right, and returns the new nodes in that order.
func (t *tree) hang(level []box, below []int, x0, scale, slack float64) []int {
	var added []int
	first := 0
	for _, b := range level {
		from := (b.x - x0) * scale
		for first < len(below) && t.end(below[first])+2*slack <= from {
			first++
		}
		parent, unsure := t.choose(below[first:], from, b.weight, slack)
		if parent < 0 {
			t.lost++
			continue
		}
		if unsure {
			t.unsure++
			t.unsureWeight += b.weight
		}
		t.nodes[parent].children += b.weight
		t.nodes = append(t.nodes, node{name: b.name, weight: b.weight, parent: parent, from: from})
		added = append(added, len(t.nodes)-1)
	}
	return added
}

func (t *tree) end(n int) float64 { return t.nodes[n].from + float64(t.nodes[n].weight) }

// maxCandidates bounds the nodes one box may stand on. In a drawing they do
// not overlap, and none is narrower than the places are inexact.
const maxCandidates = 16

// choose returns the node that a box at from stands on: the one it overlaps
// most among those that have room for its weight.
func (t *tree) choose(below []int, from float64, weight uint64, slack float64) (parent int, unsure bool) {
	parent = -1
	best, second := math.Inf(-1), math.Inf(-1)
	to := from + float64(weight)
	for _, n := range below[:min(len(below), maxCandidates)] {
		p := &t.nodes[n]
		if p.from-2*slack > to {
			break
		}
		if p.weight-p.children < weight {
			continue
		}
		overlap := min(to, t.end(n)) - max(from, p.from)
		switch {
		case overlap > best:
			parent, best, second = n, overlap, best
		case overlap > second:
			second = overlap
		}
	}
	if best <= -2*slack && best < 0 {
		return -1, false
	}
	return parent, best-second < 2*slack
}

// measureGaps sums the weight between siblings and behind the last of them. What a frame has itself lies in front of
// its children: flamegraph.pl and inferno draw stacks in the order of their text, and a stack sorts before those that
// continue it.
func (t *tree) measureGaps(slack float64) {
	at := make([]float64, len(t.nodes)) // where the last child of a node ends
	for i := 1; i < len(t.nodes); i++ {
		n := &t.nodes[i]
		if last := at[n.parent]; last > 0 {
			t.addGap(n.from-last, slack)
		}
		at[n.parent] = t.end(i)
	}
	for i := range t.nodes {
		if at[i] > 0 {
			t.addGap(t.end(i)-at[i], slack)
		}
	}
}

// addGap counts a gap that is wider than the places are inexact.
func (t *tree) addGap(gap, slack float64) {
	if gap > 2*slack {
		t.pruned += uint64(gap)
	}
}
