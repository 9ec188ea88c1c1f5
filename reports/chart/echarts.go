package chart

import (
	"encoding/json"
	"fmt"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
	"github.com/go-echarts/go-echarts/v2/types"

	"xfrmscope/reports/format"
	"xfrmscope/reports/svg"
)

// A Live is the options of one interactive chart, for the figure of that id. They
// enter the page as JSON, never as code: go-echarts' own page would run a name that holds
// "</script>" or "__f__". Strings that begin with "hook:" under formatter keys
// and "css:--" under colour keys are replaced by the page's script from fixed
// tables.
type Live struct {
	ID   string          `json:"id"`
	JSON json.RawMessage `json:"options"`
}

const (
	tipHook   types.FuncStr = "hook:tip"   // the point's text, as text
	shortHook types.FuncStr = "hook:short" // 364 k
)

// liveOptions marshals a validated go-echarts chart. json.Marshal escapes <, >
// and &, so the text cannot end the element it stands in.
func liveOptions(id string, options map[string]any) (Live, error) {
	data, err := json.Marshal(options)
	if err != nil {
		return Live{}, fmt.Errorf("writing chart %s: %w", id, err)
	}
	return Live{ID: id, JSON: data}, nil
}

func cssColor(variable string) string { return "css:--" + variable }

// Live returns the chart's options for ECharts.
func (c *lineChart) Live(id string) (Live, error) {
	line, dots := charts.NewLine(), charts.NewScatter()
	yTicks := c.yTicks()
	line.SetGlobalOptions(
		charts.WithInitializationOpts(opts.Initialization{ChartID: id}),
		charts.WithAnimation(false),
		charts.WithGridOpts(opts.Grid{Left: "62", Right: "118", Top: "64", Bottom: "52"}),
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(len(c.Series) <= 4), Top: "0", Right: "8",
			Type: "scroll", Data: c.legend()}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "item", Formatter: tipHook}),
		charts.WithXAxisOpts(opts.XAxis{Type: "value", Min: 0, Name: c.xName(),
			NameLocation: "middle", NameGap: 30, MinInterval: 1}),
		charts.WithYAxisOpts(opts.YAxis{Type: "value", Min: 0, Max: yTicks[len(yTicks)-1], Name: c.y,
			AxisLabel: &opts.AxisLabel{Formatter: shortHook}}),
	)
	for i := range c.Series {
		c.addLive(line, dots, i)
	}
	line.Overlap(dots)
	line.Validate()
	return liveOptions(id, line.JSON())
}

func (c *lineChart) legend() []string {
	var names []string
	for _, s := range c.Series {
		names = append(names, format.Name(s.label))
	}
	return names
}

func (c *lineChart) addLive(line *charts.Line, dots *charts.Scatter, i int) {
	s := &c.Series[i]
	color := cssColor(seriesClass(i))
	label := format.Name(s.label)
	addLine(line, label, lineData(s.trend), color, 2, "")
	if end, ok := c.idealEnd(s); ok {
		addLine(line, label+" ideal", lineData([]point{{tip: "ideal"}, end}), color, 1, "dashed")
	}
	c.addLaw(line, s, color)
	var data []opts.ScatterData
	var bars []opts.MarkLineNameCoordItem
	for _, p := range s.points {
		data = append(data, opts.ScatterData{Name: format.Visible(p.tip, 400), Value: []float64{p.x, p.y}})
		if p.half > 0 {
			bars = append(bars, opts.MarkLineNameCoordItem{Coordinate0: []any{p.x, p.y - p.half},
				Coordinate1: []any{p.x, p.y + p.half}})
		}
	}
	dots.AddSeries(label, data,
		charts.WithScatterChartOpts(opts.ScatterChart{Symbol: liveSymbol(i), SymbolSize: 10}),
		charts.WithItemStyleOpts(opts.ItemStyle{Color: color, Opacity: opts.Float(1)}),
		charts.WithMarkLineNameCoordItemOpts(bars...),
		charts.WithMarkLineStyleOpts(opts.MarkLineStyle{Symbol: []string{"none", "none"},
			LineStyle: &opts.LineStyle{Color: color, Type: "solid", Width: 1.5}}))
}

// addLine adds a line without symbols; kind is "" for a solid one.
func addLine(line *charts.Line, name string, data []opts.LineData, color string, width float32, kind string) {
	line.AddSeries(name, data, charts.WithLineChartOpts(opts.LineChart{ShowSymbol: opts.Bool(false)}),
		charts.WithLineStyleOpts(opts.LineStyle{Color: color, Width: width, Type: kind}),
		charts.WithItemStyleOpts(opts.ItemStyle{Color: color}))
}

// addLaw adds the interval of the median, the law fitted and the knee.
func (c *lineChart) addLaw(line *charts.Line, s *series, color string) {
	label := format.Name(s.label)
	if len(s.Law) > 0 {
		var law []point
		for _, p := range s.Law {
			law = append(law, point{x: p.x, y: p.y, tip: label + ": law fitted (USL)"})
		}
		addLine(line, label+" law", lineData(law), color, 1.3, "dotted")
	}
	if s.Knee > 0 {
		addLine(line, label+" knee", lineData([]point{{x: s.Knee, tip: label + ": scaling ends here"},
			{x: s.Knee, y: c.yTicks()[len(c.yTicks())-1], tip: label + ": scaling ends here"}}), color, 1,
			"dotted")
	}
	var bars []opts.MarkLineNameCoordItem
	for _, b := range s.Band {
		bars = append(bars, opts.MarkLineNameCoordItem{Coordinate0: []any{b.x, b.lo}, Coordinate1: []any{b.x,
			b.hi}})
	}
	if len(bars) > 0 {
		line.AddSeries(label+" interval", lineData(nil), charts.WithMarkLineNameCoordItemOpts(bars...),
			charts.WithMarkLineStyleOpts(opts.MarkLineStyle{Symbol: []string{"none", "none"},
				LineStyle: &opts.LineStyle{Color: color, Type: "solid", Width: 5,
					Opacity: opts.Float(.35)}}))
	}
}

func lineData(points []point) []opts.LineData {
	var data []opts.LineData
	for _, p := range points {
		data = append(data, opts.LineData{Name: format.Visible(p.tip, 400), Value: []float64{p.x, p.y}})
	}
	return data
}

// idealEnd is where the ideal line of a series ends.
func (c *lineChart) idealEnd(s *series) (point, bool) {
	if !c.ideal || len(s.trend) == 0 || s.trend[0].x <= 0 {
		return point{}, false
	}
	xs := c.xValues()
	last := xs[len(xs)-1]
	return point{x: last, y: s.trend[0].y / s.trend[0].x * last, tip: "ideal"}, true
}

// liveSymbol is ECharts' name of the shape markerPath draws.
func liveSymbol(i int) string {
	return []string{"circle", "rect", "triangle", "diamond", "pin"}[i%svg.MarkerShapes]
}

// Live returns the chart's options for ECharts: one stack for the parts, a
// thin one below for what lies under them.
func (c *barChart) Live(id string) (Live, error) {
	bars := charts.NewBar()
	bars.SetGlobalOptions(
		charts.WithInitializationOpts(opts.Initialization{ChartID: id}),
		charts.WithAnimation(false),
		charts.WithGridOpts(opts.Grid{Left: "8", Right: "24", Top: "8", Bottom: "36",
			ContainLabel: opts.Bool(true)}),
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(false)}), // the page has one that wraps
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "item", Formatter: tipHook}),
		charts.WithXAxisOpts(opts.XAxis{Type: "value", Min: 0, Max: c.xTicks()[len(c.xTicks())-1], Name: c.x,
			NameLocation: "middle", NameGap: 24, AxisLabel: &opts.AxisLabel{Formatter: shortHook}}),
		charts.WithYAxisOpts(opts.YAxis{Type: "category", Inverse: opts.Bool(true)}),
	)
	var labels, ends []string
	for _, b := range c.bars {
		labels, ends = append(labels, format.FitWidth(format.Name(b.label), 28)),
			append(ends, format.Visible(b.end, 60))
	}
	bars.SetXAxis(labels).XYReversal()
	bars.ExtendYAxis(opts.YAxis{Type: "category", Inverse: opts.Bool(true), Position: "right", Data: ends,
		AxisLine: &opts.AxisLine{Show: opts.Bool(false)}})
	c.addStack(bars, "parts", "22", func(b *bar) []segment { return b.parts })
	c.addStack(bars, "below", "9", func(b *bar) []segment { return b.below })
	bars.Validate()
	return liveOptions(id, bars.JSON())
}

// addStack adds one series for each class of segment.
func (c *barChart) addStack(bars *charts.Bar, stack, width string, of func(*bar) []segment) {
	var classes []string
	data, names := map[string][]opts.BarData{}, map[string]string{}
	for i := range c.bars {
		for _, s := range of(&c.bars[i]) {
			if data[s.class] == nil {
				classes = append(classes, s.class)
				data[s.class] = make([]opts.BarData, len(c.bars))
				names[s.class] = s.legend
			}
			data[s.class][i] = opts.BarData{Name: format.Visible(s.tip, 400), Value: s.value}
		}
	}
	for _, class := range classes {
		bars.AddSeries(format.Name(names[class]), data[class],
			charts.WithBarChartOpts(opts.BarChart{Stack: stack, BarWidth: width, BarGap: "4%"}),
			charts.WithItemStyleOpts(opts.ItemStyle{Color: cssColor(class)}))
	}
}
