package chart

import (
	"cmp"
	"fmt"
	"slices"

	"xfrmscope/analyze/curves"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// curveChart shows one value of every run over N, one series a mode, or of a hybrid CPU
// one a PMU if the value is one of an event.
func curveChart(r *result.Result, label, y string, ofEvent bool, of func(*result.Run) metric.Value) *lineChart {
	c := &lineChart{label: label, y: y}
	groups := view.MedianRuns(r)
	for i, curve := range r.Curves {
		runs, events := result.Pick(r.Runs, curve.Runs), []string{""}
		if ofEvent {
			events = result.PMUs(runs)
		}
		for _, event := range events {
			s := series{label: view.CostName(curve, event)}
			for _, run := range runs {
				if p, ok := pointOf(run, event, of); ok {
					s.points = append(s.points, p)
				}
			}
			for _, g := range groups {
				if p, ok := pointOf(g.Chosen, event, of); ok && g.Curve == i {
					s.trend = append(s.trend, p)
				}
			}
			if curve.Mode == "" && !ascending(s.trend) {
				s.trend = nil // runs side by side, no curve
			}
			if len(s.points) > 0 {
				c.Series = append(c.Series, s)
			}
		}
	}
	return c
}

// ascending reports whether points have one run at each x.
func ascending(points []point) bool {
	for i := 1; i < len(points); i++ {
		if points[i].x <= points[i-1].x {
			return false
		}
	}
	return true
}

// pointOf is the value of a run, of one PMU of several if its event is named.
func pointOf(r *result.Run, event string, of func(*result.Run) metric.Value) (point, bool) {
	if event != "" {
		main := r.MainOf(event)
		if main == nil {
			return point{}, false
		}
		r = view.OfEvent(r, main)
	}
	v := of(r)
	if !format.Finite(v) || v.Value < 0 {
		return point{}, false
	}
	k := format.UnitScale(v.Unit)
	return point{x: float64(r.N), y: v.Value * k, half: max(0, format.OrZero(v.Half())) * k,
		tip: format.Name(r.Name) + ": " + format.ValueText(v)}, true
}

func RateChart(r *result.Result) *lineChart {
	by := curves.RatingOf(result.RunsPresent(r))
	unit, k := format.CurveUnit(by.Unit)
	c := curveChart(r, rateWords(by)+" over the number of "+format.Name(r.Factor())+
		", each run a dot; the table of runs has the figures", unit, false, func(run *result.Run) metric.Value {
		v := by.Of(run)
		v.Value, v.SE, v.Unit = v.Value*k, v.SE*k, unit
		return v
	})
	c.ideal = true
	if by.ID == metric.ThroughputID {
		c.factor = r.Factor()
	}
	for i := range c.Series {
		for _, curve := range r.Curves {
			if c.Series[i].label == view.CurveName(curve) {
				c.Series[i].scaling(curve, k)
			}
		}
	}
	return c
}

// LossChart shows what part of the packets sent was lost over N.
func LossChart(r *result.Result) *lineChart {
	c := curveChart(r, "Packets lost over the number of "+format.Name(r.Factor())+
		", each run a dot; the table of runs has the figures", "% of the packets sent", false,
		func(r *result.Run) metric.Value {
			if r.Traffic == nil {
				return metric.NotMeasured(metric.LossID, "ratio", result.MissingReading)
			}
			return r.Traffic.Loss
		})
	c.factor, c.least = r.Factor(), 1
	return c
}

func rateWords(by curves.Rating) string {
	if by.ID == metric.ThroughputID {
		return "Throughput"
	}
	return "Packets per second"
}

// scaling adds what was made of a curve, times k: intervals, the law fitted, the knee.
func (s *series) scaling(c result.Curve, k float64) {
	if c.Scaling == nil || c.Scaling.Missing != nil {
		return
	}
	last := 0
	for _, row := range c.Scaling.Rows {
		last = row.N
		if known := row.Rate.Interval; known.Known() && !known.OpenHi && row.Rate.N > 1 {
			s.Band = append(s.Band, span{float64(row.N), k * known.Lo, k * known.Hi})
		}
	}
	if c.Scaling.Knee.Found() && c.Scaling.Knee.Shown {
		s.Knee = float64(c.Scaling.Knee.N)
	}
	if u := c.USL; u != nil && u.Known() {
		for i := range lawPoints {
			n := 1 + float64(i)/(lawPoints-1)*float64(last-1)
			s.Law = append(s.Law, point{x: n, y: k * u.Rate(n)})
		}
	}
}

// lawPoints is the number of points a law is drawn through.
const lawPoints = 48

func SpinChart(r *result.Result) *lineChart {
	c := curveChart(r, "Spin share over the number of CPUs, each run a dot with its 95 % interval; the table of "+
		"runs has the figures",
		"spin share, % of "+view.WeighedBy(result.RunsPresent(r)...), true, func(r *result.Run) metric.Value {
			return view.AllCPUs(r).SpinShare
		})
	c.least = 10
	return c
}

// OverN reports whether runs differ in N, so that a curve can be drawn.
func OverN(r *result.Result) bool {
	return slices.ContainsFunc(result.RunsPresent(r), func(run *result.Run) bool {
		return run.N != result.RunsPresent(r)[0].N
	})
}

// RunBars shows one value of each run as a bar, where N does not differ.
func RunBars(runs []*result.Run, label, x, class, hatch string, of func(*result.Run) metric.Value) *barChart {
	c := &barChart{label: label, x: x, Wide: HalfWide}
	for _, r := range runs {
		p, ok := pointOf(r, "", of)
		if !ok {
			continue
		}
		c.bars = append(c.bars, bar{
			label: view.RunLabel(r), half: p.half, most: mostOf(of(r)),
			end:   format.Pretty(format.ErrorText(of(r))),
			parts: []segment{{class: class, value: p.y, hatch: hatch, tip: p.tip, legend: x}},
		})
	}
	return c
}

// A stageStyle is how a stage is drawn throughout a report.
type stageStyle struct{ class, hatch string }

// stageStyles is the number of stages told apart; the others are drawn as one.
const stageStyles = 9

// otherStages is the class of the stages that are not told apart.
const otherStages = "st9"

// stageStyleOf gives the heaviest stages a style each, in the table's order.
func stageStyleOf(runs []*result.Run) map[string]stageStyle {
	heaviest := map[string]float64{}
	var order []string
	for _, r := range runs {
		for _, s := range view.AllCPUs(r).Stages {
			order = result.AppendNew(order, s.Name)
			heaviest[s.Name] = max(heaviest[s.Name], format.ShareOf(s.Share))
		}
	}
	top := slices.Clone(order)
	slices.SortStableFunc(top, func(a, b string) int { return cmp.Compare(heaviest[b], heaviest[a]) })
	top = top[:min(stageStyles, len(top))]
	styles := map[string]stageStyle{}
	i := 0
	for _, name := range order {
		if !slices.Contains(top, name) {
			continue
		}
		s := stageStyle{class: fmt.Sprintf("st%d", i)}
		if i >= 5 { // five colours, then the same ones hatched
			s.hatch = "p"
		}
		styles[name] = s
		i++
	}
	return styles
}

// StageChart stacks the stages of each run: cost per packet where packets were
// counted, else shares.
func StageChart(runs []*result.Run) *barChart {
	unit := view.CostUnit(runs)
	perPacket := unit != view.NoCost
	c := &barChart{label: "Cost by stage, one bar a run; the table below has the figures",
		x: "% of " + view.WeighedBy(runs...)}
	if perPacket {
		c.x = unit
	}
	styles := stageStyleOf(runs)
	for _, r := range runs {
		whole := metric.Value{Value: 1, Unit: "ratio"}
		if perPacket {
			whole = view.AllCPUs(r).PerPacket
		}
		if b, ok := stageBar(r, whole, styles); ok {
			c.bars = append(c.bars, b)
		}
	}
	return c
}

// stageBar draws a run's stages on a scale of whole, what all of them are.
func stageBar(r *result.Run, whole metric.Value, styles map[string]stageStyle) (bar, bool) {
	a := view.AllCPUs(r)
	if !format.Finite(whole) || len(a.Stages) == 0 {
		return bar{}, false
	}
	scale := whole.Value * format.UnitScale(whole.Unit)
	b := bar{label: view.GroupLabel(r), half: max(0, format.OrZero(whole.Half())),
		end: format.Pretty(format.ErrorText(whole))}
	if whole.Unit == "ratio" {
		b.end = "n = " + format.Pretty(format.Count(a.Busy.Samples))
	}
	other := segment{class: otherStages, legend: "other stages"}
	for _, s := range a.Stages {
		part := format.ShareOf(s.Share) * scale
		style, ok := styles[s.Name]
		if !ok {
			other.value += part
			other.tip = "other stages together; the table has each"
			continue
		}
		b.parts = append(b.parts, segment{class: style.class, hatch: style.hatch, value: part,
			label: format.Name(s.Name), legend: format.Name(s.Name), tip: stageTip(r, s)})
	}
	if other.value > 0 {
		b.parts = append(b.parts, other)
	}
	b.below = []segment{
		{class: "spin", hatch: "d", value: format.ShareOf(a.SpinShare) * scale, legend: "spinning",
			label: "spinning", tip: "of it spinning: " + format.ValueText(a.SpinShare)},
		{class: "word", hatch: "l", value: format.ShareOf(a.LockWordShare) * scale, legend: "in fast paths",
			tip: "of it in fast paths: " + format.ValueText(a.LockWordShare)},
	}
	return b, true
}

func stageTip(r *result.Run, s result.Share) string {
	tip := view.RunLabel(r) + ", " + s.Name + ": " + format.ValueText(s.Share)
	if s.PerPacket.Measured() {
		tip += ", " + format.Pretty(format.Of(s.PerPacket).String())
	}
	return tip
}

// mostOf is what a share can be at most, 0 of what is none.
func mostOf(v metric.Value) float64 {
	if v.Unit == "ratio" {
		return 100
	}
	return 0
}

// StageRows shows the heaviest stages of one run, a bar each.
func StageRows(r *result.Run) *barChart {
	c := &barChart{label: "The heaviest stages of the run; the stage table has all",
		x: "% of " + view.WeighedBy(r), Wide: HalfWide}
	styles := stageStyleOf([]*result.Run{r})
	for _, s := range view.TopShares(view.AllCPUs(r).Stages, 9) {
		v := s.Share
		if format.Finite(s.PerPacket) {
			v, c.x = s.PerPacket, format.Visible(s.PerPacket.Unit, 24)
		}
		if !format.Finite(v) || v.Value < 0 {
			continue
		}
		style := styles[s.Name]
		c.bars = append(c.bars, bar{
			label: s.Name, half: max(0, format.OrZero(v.Half())) * format.UnitScale(v.Unit),
			end: format.Pretty(format.ErrorText(v)), most: mostOf(v),
			parts: []segment{{class: style.class, hatch: style.hatch,
				value: v.Value * format.UnitScale(v.Unit),
				tip:   stageTip(r, s), legend: format.Name(s.Name)}},
		})
	}
	return c
}

// MaxCPUBars bounds the CPUs of the first screen.
const MaxCPUBars = 12

// CPURows shows up to MaxCPUBars CPUs of one run: what part of their samples
// spins, is on a lock word, or is busy otherwise; of an event that is no time,
// how many fell on each.
func CPURows(r *result.Run) *barChart {
	c := &barChart{label: "Busy, spinning and fast-path samples of each CPU; the table of CPUs has the figures",
		x: "% of samples", Wide: HalfWide}
	otherwise := "busy otherwise"
	if view.WeighedBy(r) != "busy" {
		c.label, otherwise = cpuShares(r)+"; the table of CPUs has the figures", view.SamplesBy(r)
	}
	cpus := view.CPUs(r)
	for _, i := range view.Pick(len(cpus), MaxCPUBars) {
		cpu := &cpus[i]
		if cpu.Total.Period <= 0 {
			continue
		}
		busy := 100 * view.CPUShare(r, cpu)
		spin, word := busy*format.ShareOf(cpu.SpinShare), busy*format.ShareOf(cpu.LockWordShare)
		c.bars = append(c.bars, bar{
			label: format.CPUName(cpu.CPU), end: "n = " + format.Pretty(format.Count(cpu.Total.Samples)),
			parts: []segment{
				{class: "spin", hatch: "d", value: spin,
					label: format.Pretty(format.Share(spin, 100)) + " %", tip: cpuTip(r, cpu),
					legend: "spinning"},
				{class: "word", hatch: "l", value: word, tip: cpuTip(r, cpu), legend: "in fast paths"},
				{class: "busy", value: max(busy-spin-word, 0), tip: cpuTip(r, cpu), legend: otherwise},
			},
		})
	}
	return c
}

// A LegendItem explains a class of a chart.
type LegendItem struct{ Class, Hatch, Text string }

// LegendItems lists what a bar chart's classes mean, each once.
func (c *barChart) LegendItems() []LegendItem {
	var items []LegendItem
	for _, b := range c.bars {
		for _, s := range append(slices.Clone(b.parts), b.below...) {
			item := LegendItem{s.class, s.hatch, s.legend}
			if s.value > 0 && !slices.Contains(items, item) {
				items = append(items, item)
			}
		}
	}
	slices.SortStableFunc(items, func(a, b LegendItem) int { return cmp.Compare(legendRank(a), legendRank(b)) })
	return items
}

// legendRank keeps the stages in order and the locks last.
func legendRank(l LegendItem) string {
	switch l.Class {
	case "spin", "word", "busy":
		return map[string]string{"spin": "x", "word": "y", "busy": "z"}[l.Class]
	}
	return l.Class
}

// SpinLegend explains the colours of the per-CPU panels of runs.
func SpinLegend(runs []*result.Run) []LegendItem {
	if view.WeighedBy(runs...) != "busy" {
		return []LegendItem{{"busy", "", view.SamplesBy(runs...)}}
	}
	return []LegendItem{{"spin", "d", "spinning"}, {"word", "l", "in fast paths"}, {"busy", "", "busy otherwise"}}
}
