package reports

// A segment is a part of a stacked bar.
type segment struct {
	class  string
	value  float64
	hatch  string // suffix of the pattern laid over it, "" for none
	label  string // written on it where there is room
	legend string // what the class stands for
	tip    string
}

// A bar is one row of a bar chart.
type bar struct {
	label string
	parts []segment
	below []segment // a thin bar under it, of the same scale
	se    float64   // of the whole
	end   string    // written after the bar
}

// A barChart shows one horizontal bar for each run, stage or CPU.
type barChart struct {
	label string
	x     string  // head of the x axis, with its unit
	wide  float64 // 0 means barWide
	bars  []bar
}

// Geometry of a bar chart, in pixels.
const (
	barWide   = 1200 // as wide as the page
	halfWide  = 620  // one of two beside each other
	barLeft   = 176
	barRight  = 150
	barHigh   = 22
	barPitch  = 46
	barTop    = 30
	belowHigh = 12
)

// render draws the chart.
func (c *barChart) render() []byte {
	if len(c.bars) == 0 {
		return nil
	}
	var w svgWriter
	wide, xTicks := c.width(), c.xTicks()
	height := barTop + float64(len(c.bars))*c.pitch() + 8
	x := scale{0, xTicks[len(xTicks)-1], barLeft, wide - barRight}
	w.open("svg", attr{"class", "chart"}, attr{"viewBox", "0 0 " + px(wide) + " " + px(height)}, attr{"role", "img"}, attr{"aria-label", c.label})
	w.text("axis head", barLeft-14, barTop-7, "end", c.x)
	for _, v := range xTicks {
		w.line("grid", x.at(v), barTop-4, x.at(v), height-6)
		w.text("axis", x.at(v), barTop-7, "middle", axisNumber(v))
	}
	for i := range c.bars {
		c.drawBar(&w, &c.bars[i], x, barTop+float64(i)*c.pitch()+4)
	}
	w.close("svg")
	return w.Bytes()
}

func (c *barChart) width() float64 {
	if c.wide == 0 {
		return barWide
	}
	return c.wide
}

func (c *barChart) xTicks() []float64 { return ticks(c.widest(), int(c.width()/200)+1) }

// pitch is the distance between bars: wider if thin bars stand under them.
func (c *barChart) pitch() float64 {
	for _, b := range c.bars {
		if len(b.below) > 0 {
			return barPitch
		}
	}
	return barHigh + 8
}

func (c *barChart) widest() float64 {
	widest := 0.0
	for _, b := range c.bars {
		sum := b.se
		for _, s := range b.parts {
			sum += s.value
		}
		widest = max(widest, sum)
	}
	return widest
}

func (c *barChart) drawBar(w *svgWriter, b *bar, x scale, y float64) {
	w.text("row", barLeft-10, y+barHigh*.68, "end", fitWidth(name(b.label), 21))
	end := c.stack(w, b.parts, x, y, barHigh)
	c.stack(w, b.below, x, y+barHigh+1, belowHigh)
	whisker := end
	if b.se > 0 && x.at(b.se)-x.low > 1.5 {
		sum := x.from + (end-x.low)/(x.high-x.low)*(x.to-x.from)
		whisker = x.at(sum + b.se)
		w.line("err", x.at(sum-b.se), y+barHigh/2, whisker, y+barHigh/2)
	}
	w.text("row", whisker+8, y+barHigh*.68, "", b.end)
}

// stack draws segments one after another and returns where they end.
func (c *barChart) stack(w *svgWriter, parts []segment, x scale, y, height float64) float64 {
	at := 0.0
	for _, s := range parts {
		if !(s.value > 0) {
			continue
		}
		x0, x1 := x.at(at), x.at(at+s.value)
		w.rect(s.class, x0, y, x1-x0, height, s.tip)
		if s.hatch != "" {
			hatched(w, s.hatch, x0, y, x1-x0, height)
		}
		if label := fitWidth(s.label, int((x1-x0-8)/6.6)); label != "" {
			w.text("on "+s.class, x0+5, y+height/2+4, "", label)
		}
		at += s.value
	}
	return x.at(at)
}

// hatched lays a pattern over a rectangle.
func hatched(w *svgWriter, pattern string, x, y, width, height float64) {
	w.empty("rect", attr{"class", "over"}, attr{"style", "fill:url(#hatch-" + pattern + ")"},
		attr{"x", px(x)}, attr{"y", px(y)}, attr{"width", px(width)}, attr{"height", px(height)})
}

// hatchPatterns defines the patterns that repeat what colours say: "d" dense
// for waiting, "l" lines for taking a lock, "p" for the second of two stages
// that share a colour.
func hatchPatterns(w *svgWriter) {
	w.open("defs")
	for _, p := range [][3]string{{"d", "M-2 2L2 -2M0 8L8 0M6 10L10 6", "2"}, {"l", "M0 4H8", "1.4"}, {"p", "M4 0V8", "2"}} {
		w.open("pattern", attr{"id", "hatch-" + p[0]}, attr{"width", "8"}, attr{"height", "8"}, attr{"patternUnits", "userSpaceOnUse"})
		w.empty("path", attr{"class", "hatch"}, attr{"d", p[1]}, attr{"stroke-width", p[2]})
		w.close("pattern")
	}
	w.close("defs")
}
