package chart

import (
	"math"

	"xfrmscope/reports/format"
	"xfrmscope/reports/svg"
)

// A FallChart walks from one sum to another, a step a row: a waterfall.
type FallChart struct {
	Label string
	X     string // head of the x axis, with its unit
	Steps []Step
}

// A Step is a row of a waterfall: a bar between two values. One that stands for
// a sum begins at 0.
type Step struct {
	Label    string
	From, To float64
	Class    string
	Hatch    string
	End      string // written after the bar
	Tip      string
}

const fallPitch = 27

// Render draws the chart.
func (c *FallChart) Render() []byte {
	if len(c.Steps) == 0 {
		return nil
	}
	low, high := 0.0, 0.0
	for _, s := range c.Steps {
		low, high = min(low, s.From, s.To), max(high, s.From, s.To)
	}
	if math.IsNaN(low) || math.IsNaN(high) || math.IsInf(high-low, 0) || high <= low {
		return nil
	}
	xTicks := ticks(high, 3)
	x := scale{min(low, 0), max(xTicks[len(xTicks)-1], high), barLeft, HalfWide - barRight}
	height := barTop + fallPitch*float64(len(c.Steps)) + 8
	var w svg.Writer
	w.Picture("chart", HalfWide, height, c.Label)
	topAxis(&w, c.X, x, xTicks, barTop-9, height-6)
	for i := range c.Steps {
		c.drawStep(&w, i, x, barTop+fallPitch*float64(i)+2)
	}
	return w.End()
}

func (c *FallChart) drawStep(w *svg.Writer, i int, x scale, y float64) {
	s := &c.Steps[i]
	const high = 20
	left, right := x.at(min(s.From, s.To)), x.at(max(s.From, s.To))
	w.Text("row", barLeft-10, y+high*.72, "end", format.FitWidth(format.Name(s.Label), 22))
	w.Rect(s.Class, left, y, max(right-left, 1), high, s.Tip)
	if s.Hatch != "" {
		svg.Hatched(w, s.Hatch, left, y, max(right-left, 1), high)
	}
	if i+1 < len(c.Steps) { // leads the eye to where the next one begins
		w.Line("lead", x.at(s.To), y+high, x.at(s.To), y+fallPitch)
	}
	w.Text("row", right+8, y+high*.72, "", s.End)
}
