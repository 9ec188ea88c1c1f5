package reports

import (
	"fmt"

	"xfrmscope/analyze"
)

// Geometry of a per-CPU panel, in pixels.
const (
	panelHigh   = 120
	panelTop    = 10
	panelBottom = 22
	panelLeft   = 34
	panelRight  = 6
)

// cpuPanel draws one run's CPUs side by side: each bar is the share of the
// CPU's samples that are not idle, with the spinning and the lock-word part at
// its foot.
func cpuPanel(r *analyze.Run, e *analyze.Event) []byte {
	if e == nil || len(e.CPUs) == 0 {
		return nil
	}
	var w svgWriter
	pitch := min(max(560/float64(len(e.CPUs)), 2), 30)
	width := panelLeft + pitch*float64(len(e.CPUs)) + panelRight
	y := scale{0, 1, panelHigh - panelBottom, panelTop}
	w.open("svg", attr{"class", "panel"}, attr{"viewBox", "0 0 " + px(width) + " " + px(panelHigh)}, attr{"width", px(width)}, attr{"height", px(panelHigh)},
		attr{"role", "img"}, attr{"aria-label", fmt.Sprintf("%s: %d CPUs, share of samples that are busy, spinning and on a lock word; the table below has the figures", name(runLabel(r)), len(e.CPUs))})
	for _, v := range []float64{0, .5, 1} {
		w.line("grid", panelLeft, y.at(v), width-panelRight, y.at(v))
		w.text("axis", panelLeft-5, y.at(v)+4, "end", axisNumber(100*v))
	}
	for i := range e.CPUs {
		drawCPU(&w, &e.CPUs[i], panelLeft+pitch*float64(i), pitch, y)
		if every := int(26/pitch) + 1; i%every == 0 {
			w.text("axis", panelLeft+pitch*(float64(i)+.5), panelHigh-6, "middle", cpuNumber(e.CPUs[i].CPU))
		}
	}
	w.close("svg")
	return w.Bytes()
}

func drawCPU(w *svgWriter, c *analyze.CPU, x, pitch float64, y scale) {
	if c.Total.Period <= 0 {
		return
	}
	busy := c.Busy.Period / c.Total.Period
	width := pitch - min(pitch/5, 4)
	w.open("g")
	w.textElement("title", cpuTip(c))
	w.rect("busy", x, y.at(busy), width, y.low-y.at(busy), "")
	at := 0.0
	for _, part := range []struct {
		class, hatch string
		share        float64
	}{{"spin", "d", shareOf(c.SpinShare)}, {"word", "l", shareOf(c.LockWordShare)}} {
		high := part.share * busy
		if top := y.at(at + high); y.at(at)-top > .2 {
			w.rect(part.class, x, top, width, y.at(at)-top, "")
			hatched(w, part.hatch, x, top, width, y.at(at)-top)
		}
		at += high
	}
	w.close("g")
}

// cpuTip says a CPU's figures in words.
func cpuTip(c *analyze.CPU) string {
	return fmt.Sprintf("%s: %s samples, busy %s %%, of that spinning %s, on a lock word %s", cpuName(c.CPU),
		count(c.Total.Samples), share(c.Busy.Period, c.Total.Period), figureOf(c.SpinShare), figureOf(c.LockWordShare))
}
