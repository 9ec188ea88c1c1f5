package chart

import (
	"cmp"
	"math"
	"slices"

	"xfrmscope/reports/format"
	"xfrmscope/reports/svg"
)

// A point is one run in a chart.
type point struct {
	x, y, half float64
	tip        string // every figure of the point, in words
}

// A series is the runs of one mode. Its line runs through the points of trend,
// one for each x.
type series struct {
	label         string
	points, trend []point
	Band          []span  // interval of the median, where it is known
	Law           []point // a fitted law
	Knee          float64 // where scaling ends, 0 if nowhere
}

// A span is an interval at one x.
type span struct{ x, lo, hi float64 }

// A lineChart shows a value of each run over N.
type lineChart struct {
	label  string // what a screen reader says it is
	y      string // head of the y axis, with its unit
	Series []series
	ideal  bool    // a dashed line from the first point of each series through the origin
	least  float64 // the y axis reaches at least this far
	factor string  // what N counts; "" for CPUs
}

// Geometry of a line chart, in pixels.
const (
	chartWide   = 620
	chartHigh   = 330
	chartLeft   = 62
	chartRight  = 118 // room for labels at the lines' ends
	chartTop    = 34
	chartBottom = 46
)

// seriesStyles is the number of series colours in the style sheet.
const seriesStyles = 6

type scale struct{ from, to, low, high float64 } // from..to becomes low..high pixels

func (s scale) at(v float64) float64 {
	if s.to == s.from {
		return s.low
	}
	return s.low + (v-s.from)/(s.to-s.from)*(s.high-s.low)
}

// ticks returns about n round numbers from 0 to at least top.
func ticks(top float64, n int) []float64 {
	if !(top > 0) || math.IsInf(top, 0) {
		return []float64{0, 1}
	}
	step := math.Pow(10, math.Floor(math.Log10(top/float64(n))))
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		if step*m*float64(n) >= top*(1-1e-9) {
			step *= m
			break
		}
	}
	var out []float64
	for i := 0; ; i++ {
		out = append(out, float64(i)*step)
		if float64(i)*step >= top*(1-1e-9) || i > 2*n {
			return out
		}
	}
}

// Render draws the chart.
func (c *lineChart) Render() []byte {
	var w svg.Writer
	xs := c.xValues()
	if len(xs) == 0 {
		return nil
	}
	yTicks := c.yTicks()
	x := scale{0, xs[len(xs)-1], chartLeft, chartWide - chartRight}
	y := scale{0, yTicks[len(yTicks)-1], chartHigh - chartBottom, chartTop}
	w.Picture("chart", chartWide, chartHigh, c.label)
	c.axes(&w, x, y, xs, yTicks)
	for i := range c.Series {
		c.drawBand(&w, i, x, y)
	}
	ends := c.ideals(&w, x, y)
	for i := range c.Series {
		ends = append(ends, c.drawSeries(&w, i, x, y))
	}
	endLabels(&w, ends)
	return w.End()
}

func (c *lineChart) yTicks() []float64 { return ticks(max(c.top(), c.least), 5) }

// xValues returns the distinct x, ascending.
func (c *lineChart) xValues() []float64 {
	var xs []float64
	for _, s := range c.Series {
		for _, p := range s.points {
			xs = append(xs, p.x)
		}
	}
	slices.Sort(xs)
	return slices.Compact(xs)
}

// top returns the highest value drawn.
func (c *lineChart) top() float64 {
	top := 0.0
	xs := c.xValues()
	for _, s := range c.Series {
		for _, p := range s.points {
			top = max(top, p.y+p.half)
		}
		for _, b := range s.Band {
			top = max(top, b.hi)
		}
		if c.ideal && len(s.trend) > 0 && s.trend[0].x > 0 {
			top = max(top, s.trend[0].y/s.trend[0].x*xs[len(xs)-1])
		}
	}
	return top
}

func (c *lineChart) axes(w *svg.Writer, x, y scale, xs, yTicks []float64) {
	w.Text("axis head", chartLeft-48, chartTop-16, "", c.y)
	for _, v := range yTicks {
		w.Line("grid", x.low, y.at(v), x.high, y.at(v))
		w.Text("axis", chartLeft-8, y.at(v)+4.5, "end", format.AxisNumber(v))
	}
	last := math.Inf(-1)
	for i := len(xs) - 1; i >= 0; i-- { // the largest N is always named
		at := x.at(xs[i])
		w.Line("tick", at, y.low, at, y.low+5)
		if label := format.AxisNumber(xs[i]); math.IsInf(last, -1) ||
			last-at >= max(26, 9*float64(len(label))) {
			w.Text("axis", at, y.low+20, "middle", label)
			last = at
		}
	}
	w.Line("base", x.low, y.low, x.high, y.low)
	w.Text("axis head", (x.low+x.high)/2, chartHigh-8, "middle", c.xName())
}

func (c *lineChart) xName() string {
	return "N, " + format.Name(cmp.Or(c.factor, "CPUs measured"))
}

// An endLabel names a line where it ends.
type endLabel struct {
	class, text string
	y, x        float64
}

// ideals draws, for each series, the line that throughput would follow if
// every CPU added as much as the first ones.
func (c *lineChart) ideals(w *svg.Writer, x, y scale) []endLabel {
	if !c.ideal {
		return nil
	}
	best := endLabel{y: math.Inf(1)}
	for i, s := range c.Series {
		if len(s.trend) == 0 || s.trend[0].x <= 0 {
			continue
		}
		end := s.trend[0].y / s.trend[0].x * x.to
		w.Line("ideal "+seriesClass(i), x.at(0), y.at(0), x.high, y.at(end))
		if at := y.at(end); at < best.y {
			best = endLabel{"end muted", "ideal", at, x.high}
		}
	}
	if best.text == "" {
		return nil
	}
	return []endLabel{best}
}

func seriesClass(i int) string { return "s" + format.Pixels(float64(i%seriesStyles)) }

// drawBand fills the interval of the median between the first and the last x.
func (c *lineChart) drawBand(w *svg.Writer, i int, x, y scale) {
	band := c.Series[i].Band
	if len(band) < 2 {
		return
	}
	d := ""
	for j, b := range band {
		d += command(j) + format.Pixels(x.at(b.x)) + " " + format.Pixels(y.at(b.hi))
	}
	for _, b := range slices.Backward(band) {
		d += "L" + format.Pixels(x.at(b.x)) + " " + format.Pixels(y.at(b.lo))
	}
	w.Path("band "+seriesClass(i), d+"Z", "")
}

// command begins a path or goes on with it.
func command(i int) string {
	if i == 0 {
		return "M"
	}
	return "L"
}

func (c *lineChart) drawSeries(w *svg.Writer, i int, x, y scale) endLabel {
	s, class := &c.Series[i], seriesClass(i)
	d := ""
	for j, p := range s.trend {
		d += command(j) + format.Pixels(x.at(p.x)) + " " + format.Pixels(y.at(p.y))
	}
	if len(s.trend) > 1 {
		w.Path("trend "+class, d, "")
	}
	d = ""
	for j, p := range s.Law {
		d += command(j) + format.Pixels(x.at(p.x)) + " " + format.Pixels(y.at(min(p.y, y.to)))
	}
	if d != "" {
		w.Path("law "+class, d, "")
	}
	if s.Knee > 0 {
		w.Line("knee "+class, x.at(s.Knee), y.low, x.at(s.Knee), y.high)
		w.Text("axis", x.at(s.Knee)+4, y.high+10, "", "knee")
	}
	for _, p := range s.points {
		px, py := x.at(p.x), y.at(p.y)
		if low, high := y.at(p.y-p.half), y.at(p.y+p.half); low-high > 3 {
			w.Line("err "+class, px, low, px, high)
			w.Line("err "+class, px-4, low, px+4, low)
			w.Line("err "+class, px-4, high, px+4, high)
		}
		w.Marker(i, "dot "+class, px, py, 4.5, p.tip)
	}
	if len(s.trend) == 0 {
		return endLabel{}
	}
	last := s.trend[len(s.trend)-1]
	return endLabel{"end " + class, s.label, y.at(last.y), x.at(last.x)}
}

// endLabels writes labels beside the lines' ends and moves them apart.
func endLabels(w *svg.Writer, ends []endLabel) {
	ends = slices.DeleteFunc(ends, func(e endLabel) bool { return e.text == "" })
	slices.SortStableFunc(ends, func(a, b endLabel) int { return int(math.Copysign(1, a.y-b.y)) })
	const step = 17
	for i := 1; i < len(ends); i++ {
		ends[i].y = max(ends[i].y, ends[i-1].y+step)
	}
	limit := float64(chartHigh - chartBottom)
	for i := len(ends) - 1; i >= 0; i-- { // back up what was pushed below the axis
		ends[i].y = min(ends[i].y, limit-step*float64(len(ends)-1-i))
	}
	for _, e := range ends {
		if e.y > 0 { // beyond six or so lines the legend below has to do
			w.Text(e.class, e.x+11, e.y+4.5, "", format.FitWidth(format.Name(e.text), 14))
		}
	}
}
