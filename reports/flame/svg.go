package flame

import (
	"fmt"
	"io"
	"strings"

	"xfrmscope/analyze/profile"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
	"xfrmscope/reports/svg"
)

// Options says how a flame graph is drawn.
type Options struct {
	// Run names the run in the title.
	Run string
	// MinShare is the narrowest frame drawn, as a share of the busy weight;
	// 0 means DefaultMinShare. It is raised until the picture fits MaxBytes.
	MinShare float64
	// MaxBytes bounds the file; 0 means DefaultFlameBytes.
	MaxBytes int
}

const (
	// DefaultMinShare is the narrowest frame of a static flame graph, 0.1 %.
	DefaultMinShare = 0.001
	// DefaultFlameBytes is the largest static flame graph: it can be attached.
	DefaultFlameBytes = 60_000
)

// Geometry of a flame graph, in pixels.
const (
	flameWidth = 1200
	flameSide  = 10 // margin left and right
	flameTop   = 84 // title, subtitle and legend
	flameFoot  = 44
	frameHigh  = 17
	charWide   = 6.65 // a monospaced character of 11 px is 0.6 em wide
)

// SVG draws one profile as a static flame graph: root at the bottom, leaf
// on top, callees by name, width = share of the busy weight. It holds no
// script. Idle stacks and frames under MinShare are left out; the picture says
// how much that is.
func SVG(w io.Writer, p *profile.Profile, o Options) error {
	_, err := w.Write(Render(p, o, false))
	return err
}

// Render draws a flame graph for a file of its own, or for a page, which
// then has the styles and the patterns.
func Render(p *profile.Profile, o Options, inPage bool) []byte {
	if o.MinShare <= 0 {
		o.MinShare = DefaultMinShare
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultFlameBytes
	}
	tree := newStill(treeOf(p))
	for {
		d := flameDrawing{p: p, o: o, inPage: inPage, tree: tree}
		out := d.draw()
		if len(out) < o.MaxBytes || o.MinShare >= 1 {
			return out
		}
		o.MinShare *= 1.25
	}
}

// A still is the tree of one profile with its sums.
type still struct {
	*tree
	callees   [][]int32 // by node
	weight    []float64 // by node, callees included
	count     []float64 // the same: samples, 0 if the profile has weights only
	idle      float64
	idleCount uint64
	counted   bool // see treeSlice
}

func newStill(t *tree) *still {
	n := len(t.frame)
	s := &still{tree: t, callees: make([][]int32, n), weight: make([]float64, n), count: make([]float64, n)}
	samples := func(e treeEntry) float64 { return float64(e.count) }
	for _, slice := range t.slices {
		s.idle += slice.idleWeight
		s.idleCount += slice.idle
		s.counted = slice.counted
		if slice.unsampled || slice.counted {
			samples = func(treeEntry) float64 { return 0 }
		}
	}
	t.totals(t.slices, s.weight, weightOf)
	t.totals(t.slices, s.count, samples)
	for n := 1; n < len(t.parent); n++ {
		s.callees[t.parent[n]] = append(s.callees[t.parent[n]], int32(n))
	}
	return s
}

func (s *still) frameOf(n int32) treeFrame {
	if n == 0 {
		return treeFrame{name: "all"}
	}
	return s.frames[s.frame[n]]
}

// A flameDrawing is one try at a picture.
type flameDrawing struct {
	w      svg.Writer
	p      *profile.Profile
	o      Options
	inPage bool
	tree   *still
	kinds  [kinds]kindInfo
	high   int     // rows drawn above the root
	lost   float64 // weight of frames not drawn
}

func (d *flameDrawing) draw() []byte {
	d.kinds = KindTable()
	d.high = d.rows(0)
	height := float64(flameTop + (d.high+1)*frameHigh + flameFoot)
	d.start(height)
	d.legend()
	if d.tree.weight[0] > 0 {
		d.frame(0, flameSide, 0)
	} else {
		d.w.Text("t", flameWidth/2, flameTop+frameHigh, "middle", d.nothing())
	}
	d.foot(height)
	d.w.Close("svg")
	d.w.WriteByte('\n')
	return d.w.Bytes()
}

func (d *flameDrawing) nothing() string {
	if d.tree.idleCount > 0 {
		return "every sample was idle: nothing to draw"
	}
	return "no samples: nothing to draw"
}

// drawn reports whether a frame is wide enough.
func (d *flameDrawing) drawn(n int32) bool { return d.tree.weight[n] >= d.o.MinShare*d.tree.weight[0] }

// rows returns how many rows stand above a frame.
func (d *flameDrawing) rows(n int32) int {
	high := 0
	for _, c := range d.tree.callees[n] {
		if d.drawn(c) {
			high = max(high, 1+d.rows(c))
		}
	}
	return high
}

func (d *flameDrawing) start(height float64) {
	title := fmt.Sprintf("%s (%s), %s", format.Name(d.p.Event.Name), format.Name(d.p.Event.Unit),
		format.Name(format.OrDash(d.o.Run)))
	d.w.Open("svg", "xmlns", "http://www.w3.org/2000/svg", "class", "flame",
		"viewBox", "0 0 "+format.Pixels(flameWidth)+" "+format.Pixels(height), "role", "img",
		"width", d.onlyAlone(format.Pixels(flameWidth)), "height", d.onlyAlone(format.Pixels(height)),
		"aria-label", "Flame graph of "+title)
	if !d.inPage {
		d.w.TextElement("title", "Flame graph of "+title)
		d.w.WriteString("<style>" + Style(d.kinds) + "</style>")
		svg.HatchPatterns(&d.w)
	}
	d.w.Rect("bg", 0, 0, flameWidth, height, "")
	d.w.Text("h", flameSide, 24, "", title)
	d.w.Text("t", flameSide, 44, "", d.subtitle())
}

// onlyAlone returns s for a picture in a file of its own; in a page the style
// sheet decides.
func (d *flameDrawing) onlyAlone(s string) string {
	if d.inPage {
		return ""
	}
	return s
}

func (d *flameDrawing) subtitle() string {
	samples := format.Count(uint64(d.tree.count[0])) + " samples"
	switch {
	case d.tree.counted:
		samples = "counted"
	case d.tree.count[0] == 0:
		samples = "samples not recorded"
	}
	idle := ""
	if bundle.SamplesTime(d.p.Event.Name) { // of misses or faults none is of idle time
		idle = " that are not idle"
	}
	s := fmt.Sprintf("%s, %s%s = full width; leaf on top", samples, format.Weight(d.tree.weight[0],
		d.p.Event.Unit), idle)
	if d.p.Event.FrequencyHz > 0 {
		s += fmt.Sprintf("; -F %d", d.p.Event.FrequencyHz)
	}
	return s
}

// Style is the style sheet of flame graphs, in a file of their own and in
// a page.
func Style(kinds [kinds]kindInfo) string {
	var b strings.Builder
	b.WriteString(".flame text{font:11px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#111}" +
		".flame .h{font-size:16px;font-weight:bold}.flame .bg{fill:#fff}.flame g " +
		"rect{stroke:#fff;stroke-width:.5}")
	for _, k := range kinds {
		fmt.Fprintf(&b, ".flame .%s rect{fill:%s}.flame .%s text{fill:%s}", k.class, k.fill, k.class, k.ink)
	}
	b.WriteString(".flame .s text,.flame .w text{paint-order:stroke;stroke-width:3px;stroke-opacity:.8}" +
		".flame .s text{font-weight:bold;stroke:#d55e00}.flame .w text{stroke:#e69f00}" +
		".flame .s rect{stroke:#111;stroke-width:1.5}.flame .w rect{stroke:#111}" +
		".flame g .over{stroke:none!important}" + svg.HatchStyle)
	return b.String()
}

func (d *flameDrawing) legend() {
	x := float64(flameSide)
	for _, k := range []kind{kindSpin, kindLockWord, kindXFRM, kindESP, kindCrypto, kindKernel, kindUser} {
		d.w.Open("g", "class", d.kinds[k].class)
		d.box(k, x, 56, 22, "")
		d.w.Close("g")
		d.w.Text("t", x+28, 68, "", d.kinds[k].label)
		x += 28 + charWide*float64(len(d.kinds[k].label)) + 24
	}
}

// box draws a frame's rectangle, hatched if it is a lock.
func (d *flameDrawing) box(k kind, x, y, width float64, tip string) {
	d.w.Rect("", x, y, width, frameHigh-1, tip)
	switch k {
	case kindSpin:
		svg.Hatched(&d.w, "d", x, y, width, frameHigh-1)
	case kindLockWord:
		svg.Hatched(&d.w, "l", x, y, width, frameHigh-1)
	}
}

// frame draws a frame and what it calls.
func (d *flameDrawing) frame(n int32, x float64, depth int) {
	f := d.tree.frameOf(n)
	width := d.tree.weight[n] / d.tree.weight[0] * (flameWidth - 2*flameSide)
	y := float64(flameTop + (d.high-depth)*frameHigh)
	d.w.Open("g", "class", d.kinds[f.kind].class)
	d.w.TextElement("title", d.tip(n))
	d.box(f.kind, x, y, width, "")
	if label := format.FitWidth(d.label(n, width), int((width-6)/charWide)); label != "" {
		d.w.Text("", x+3, y+12, "", label)
	}
	d.w.Close("g")
	for _, c := range d.tree.callees[n] {
		if !d.drawn(c) {
			d.lost += d.tree.weight[c]
			continue
		}
		d.frame(c, x, depth+1)
		x += d.tree.weight[c] / d.tree.weight[0] * (flameWidth - 2*flameSide)
	}
}

// label is a frame's name, for a lock with its share where there is room.
func (d *flameDrawing) label(n int32, width float64) string {
	f := d.tree.frameOf(n)
	label := format.Name(f.name)
	if f.kind != kindSpin && f.kind != kindLockWord {
		return label
	}
	long := label + "  " + format.Share(d.tree.weight[n], d.tree.weight[0]) + " %"
	if float64(len(long))*charWide > width-6 {
		return label
	}
	return long
}

func (d *flameDrawing) tip(n int32) string {
	f := d.tree.frameOf(n)
	s := format.Name(f.name)
	if f.module != "" {
		s += " " + format.Visible(f.module, 40)
	}
	s = fmt.Sprintf("%s: %s %%, %s", s, format.Share(d.tree.weight[n], d.tree.weight[0]),
		format.Weight(d.tree.weight[n], d.p.Event.Unit))
	if d.tree.count[0] == 0 {
		return s
	}
	return s + ", n=" + format.Count(uint64(d.tree.count[n]))
}

// foot says what the picture leaves out.
func (d *flameDrawing) foot(height float64) {
	var parts []string
	if d.lost > 0 {
		parts = append(parts, fmt.Sprintf("%s %% of the weight is in frames under %s %%, not drawn",
			format.Share(d.lost, d.tree.weight[0]), format.Significant(100*d.o.MinShare, 2)))
	} else {
		parts = append(parts, "every frame is drawn")
	}
	if d.tree.idleCount > 0 {
		parts = append(parts, fmt.Sprintf("idle not drawn: %s samples, %s", format.Count(d.tree.idleCount),
			format.Weight(d.tree.idle, d.p.Event.Unit)))
	}
	for _, l := range d.p.Losses {
		if l.Count > 0 {
			parts = append(parts, fmt.Sprintf("lost: %s %s", format.Count(l.Count), format.Visible(l.What,
				60)))
		}
	}
	d.w.Text("t", flameSide, height-24, "", format.Visible(strings.Join(parts, "; ")+".", 170))
	d.w.Text("t", flameSide, height-8, "", "A share of samples says where the time went, not why. Hatched: locks "+
		"(dense: waiting for the holder).")
}
