package reports

import "math"

// A fallChart walks from one sum to another, a step a row: a waterfall.
type fallChart struct {
	label string
	x     string // head of the x axis, with its unit
	steps []step
}

// A step is a row of a waterfall: a bar between two values. One that stands for
// a sum begins at 0.
type step struct {
	label    string
	from, to float64
	class    string
	hatch    string
	end      string // written after the bar
	tip      string
}

const fallPitch = 27

// render draws the chart.
func (c *fallChart) render() []byte {
	if len(c.steps) == 0 {
		return nil
	}
	low, high := 0.0, 0.0
	for _, s := range c.steps {
		low, high = min(low, s.from, s.to), max(high, s.from, s.to)
	}
	if math.IsNaN(low) || math.IsNaN(high) || math.IsInf(high-low, 0) || high <= low {
		return nil
	}
	xTicks := ticks(high, 3)
	x := scale{min(low, 0), max(xTicks[len(xTicks)-1], high), barLeft, halfWide - barRight}
	height := barTop + fallPitch*float64(len(c.steps)) + 8
	var w svgWriter
	w.open("svg", attr{"class", "chart"}, attr{"viewBox", "0 0 " + px(halfWide) + " " + px(height)}, attr{"role", "img"}, attr{"aria-label", c.label})
	w.text("axis head", barLeft-14, barTop-9, "end", c.x)
	for _, v := range xTicks {
		w.line("grid", x.at(v), barTop-4, x.at(v), height-6)
		w.text("axis", x.at(v), barTop-9, "middle", axisNumber(v))
	}
	for i := range c.steps {
		c.drawStep(&w, i, x, barTop+fallPitch*float64(i)+2)
	}
	w.close("svg")
	return w.Bytes()
}

func (c *fallChart) drawStep(w *svgWriter, i int, x scale, y float64) {
	s := &c.steps[i]
	const high = 20
	left, right := x.at(min(s.from, s.to)), x.at(max(s.from, s.to))
	w.text("row", barLeft-10, y+high*.72, "end", fitWidth(name(s.label), 22))
	w.rect(s.class, left, y, max(right-left, 1), high, s.tip)
	if s.hatch != "" {
		hatched(w, s.hatch, left, y, max(right-left, 1), high)
	}
	if i+1 < len(c.steps) { // leads the eye to where the next one begins
		w.line("lead", x.at(s.to), y+high, x.at(s.to), y+fallPitch)
	}
	w.text("row", right+8, y+high*.72, "", s.end)
}
