package chart

import (
	"fmt"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/svg"
	"xfrmscope/reports/view"
)

// Geometry of a per-CPU panel, in pixels.
const (
	panelHigh   = 120
	panelTop    = 10
	panelBottom = 22
	panelLeft   = 34
	panelRight  = 6
)

// CPUPanel draws one run's CPUs side by side: each bar is the CPU's
// share as view.CPUShare has it, with the spinning and the lock-word part at
// its foot.
func CPUPanel(r *result.Run) []byte {
	cpus := view.CPUs(r)
	if len(cpus) == 0 {
		return nil
	}
	var w svg.Writer
	pitch := min(max(560/float64(len(cpus)), 2), 30)
	width := panelLeft + pitch*float64(len(cpus)) + panelRight
	y := scale{0, 1, panelHigh - panelBottom, panelTop}
	w.Open("svg", "class", "panel", "viewBox", "0 0 "+format.Pixels(width)+" "+format.Pixels(panelHigh), "width",
		format.Pixels(width), "height", format.Pixels(panelHigh),
		"role", "img", "aria-label", fmt.Sprintf("%s: %d CPUs, %s; the table below has the figures",
			format.Name(view.RunLabel(r)), len(cpus), cpuShares(r)))
	for _, v := range []float64{0, .5, 1} {
		w.Line("grid", panelLeft, y.at(v), width-panelRight, y.at(v))
		w.Text("axis", panelLeft-5, y.at(v)+4, "end", format.AxisNumber(100*v))
	}
	for i := range cpus {
		drawCPU(&w, r, &cpus[i], panelLeft+pitch*float64(i), pitch, y)
		if every := int(26/pitch) + 1; i%every == 0 {
			w.Text("axis", panelLeft+pitch*(float64(i)+.5), panelHigh-6, "middle",
				format.CPUNumber(cpus[i].CPU))
		}
	}
	return w.End()
}

func drawCPU(w *svg.Writer, r *result.Run, c *result.CPU, x, pitch float64, y scale) {
	if c.Total.Period <= 0 {
		return
	}
	busy := view.CPUShare(r, c)
	width := pitch - min(pitch/5, 4)
	w.Open("g")
	w.TextElement("title", cpuTip(r, c))
	w.Rect("busy", x, y.at(busy), width, y.low-y.at(busy), "")
	at := 0.0
	for _, part := range []struct {
		class, hatch string
		share        float64
	}{{"spin", "d", format.ShareOf(c.SpinShare)}, {"word", "l", format.ShareOf(c.LockWordShare)}} {
		high := part.share * busy
		if top := y.at(at + high); y.at(at)-top > .2 {
			w.Rect(part.class, x, top, width, y.at(at)-top, "")
			if y.at(at)-top > 2 { // else no hatch is seen
				svg.Hatched(w, part.hatch, x, top, width, y.at(at)-top)
			}
		}
		at += high
	}
	w.Close("g")
}

// cpuShares says what the bars of a run's CPUs show.
func cpuShares(r *result.Run) string {
	if view.WeighedBy(r) == "busy" {
		return "share of samples that are busy, spinning and in the fast path of a lock"
	}
	return "share of " + view.SamplesBy(r) + " of each"
}

// cpuTip says a CPU's figures in words.
func cpuTip(r *result.Run, c *result.CPU) string {
	if view.WeighedBy(r) != "busy" {
		return fmt.Sprintf("%s: %s samples, %s %% of %s", format.CPUName(c.CPU), format.Count(c.Total.Samples),
			format.Share(c.Total.Period, view.AllCPUs(r).Total.Period), view.SamplesBy(r))
	}
	return fmt.Sprintf("%s: %s samples, busy %s %%, of that spinning %s, in fast paths %s", format.CPUName(c.CPU),
		format.Count(c.Total.Samples), format.Share(c.Busy.Period, c.Total.Period), format.Of(c.SpinShare),
		format.Of(c.LockWordShare))
}
