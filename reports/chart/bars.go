package chart

import (
	"cmp"
	"xfrmscope/reports/format"
	"xfrmscope/reports/svg"
)

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
	half  float64   // of the whole: to either side of it, at 95 %
	most  float64   // what the whole can be at most, 0 if that is not known
	end   string    // written after the bar
}

// A barChart shows one horizontal bar for each run, stage or CPU.
type barChart struct {
	label string
	x     string  // head of the x axis, with its unit
	Wide  float64 // 0 means barWide
	bars  []bar
}

// Geometry of a bar chart, in pixels.
const (
	barWide   = 1200 // as wide as the page
	HalfWide  = 620  // one of two beside each other
	barLeft   = 176
	barRight  = 150
	barHigh   = 20
	barPitch  = 38
	barTop    = 30
	belowHigh = 9
)

// Render draws the chart.
func (c *barChart) Render() []byte {
	if len(c.bars) == 0 {
		return nil
	}
	var w svg.Writer
	wide, xTicks := c.width(), c.xTicks()
	height := barTop + float64(len(c.bars))*c.pitch() + 8
	x := scale{0, xTicks[len(xTicks)-1], barLeft, wide - barRight}
	w.Picture("chart", wide, height, c.label)
	topAxis(&w, c.x, x, xTicks, barTop-7, height-6)
	for i := range c.bars {
		c.drawBar(&w, &c.bars[i], x, barTop+float64(i)*c.pitch()+4)
	}
	return w.End()
}

// topAxis draws the axis above horizontal bars.
func topAxis(w *svg.Writer, head string, x scale, ticks []float64, y, bottom float64) {
	w.Text("axis head", barLeft-14, y, "end", head)
	for _, v := range ticks {
		w.Line("grid", x.at(v), barTop-4, x.at(v), bottom)
		w.Text("axis", x.at(v), y, "middle", format.AxisNumber(v))
	}
}

func (c *barChart) width() float64 {
	return cmp.Or(c.Wide, barWide)
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
		sum := b.half
		for _, s := range b.parts {
			sum += s.value
		}
		widest = max(widest, b.within(sum))
	}
	return widest
}

func (b *bar) within(end float64) float64 {
	if b.most > 0 {
		return min(end, b.most)
	}
	return end
}

func (c *barChart) drawBar(w *svg.Writer, b *bar, x scale, y float64) {
	w.Text("row", barLeft-10, y+barHigh*.68, "end", format.FitWidth(format.Name(b.label), 21))
	end := c.stack(w, b.parts, x, y, barHigh)
	c.stack(w, b.below, x, y+barHigh+1, belowHigh)
	whisker := end
	if b.half > 0 && x.at(b.half)-x.low > 1.5 {
		sum := x.from + (end-x.low)/(x.high-x.low)*(x.to-x.from)
		whisker = x.at(b.within(sum + b.half))
		w.Line("err", x.at(sum-b.half), y+barHigh/2, whisker, y+barHigh/2)
	}
	w.Text("row", whisker+8, y+barHigh*.68, "", b.end)
}

// fewLetters of a label tell nothing.
const fewLetters = 8

// stack draws segments one after another and returns where they end.
func (c *barChart) stack(w *svg.Writer, parts []segment, x scale, y, height float64) float64 {
	at := 0.0
	for _, s := range parts {
		if !(s.value > 0) {
			continue
		}
		x0, x1 := x.at(at), x.at(at+s.value)
		w.Rect(s.class, x0, y, x1-x0, height, s.tip)
		if s.hatch != "" {
			svg.Hatched(w, s.hatch, x0, y, x1-x0, height)
		}
		if label := format.FitWidth(s.label, int((x1-x0-8)/6.6)); label == s.label || len(label) > fewLetters {
			w.Text("on "+s.class, x0+5, y+height/2+4, "", label)
		}
		at += s.value
	}
	return x.at(at)
}
