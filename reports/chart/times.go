package chart

import (
	"fmt"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/svg"
	"xfrmscope/reports/view"
)

// TimesPicture draws what the kernel accounted to the measured CPUs together,
// over the window; nil without two steps.
func TimesPicture(t *result.CPUTimes, seconds float64, label string) []byte {
	if t == nil || len(t.Steps) < 2 || !(seconds > 0) {
		return nil
	}
	const high, top = 110.0, 10.0
	x := scale{0, seconds, heatLeft, heatWide - heatRight - 56}
	y := scale{0, 1, top + high, top}
	var w svg.Writer
	w.Picture("chart heat", heatWide, top+high+heatFoot, label+"; the figures of each CPU are in the table")
	for _, v := range []float64{0, .5, 1} {
		w.Line("grid", x.low, y.at(v), x.high, y.at(v))
		w.Text("axis", x.low-8, y.at(v)+4, "end", format.AxisNumber(100*v))
	}
	w.Text("axis", x.low-34, top+high/2, "end", "%")
	var ends []endLabel
	for i, kind := range view.TimeKinds() {
		var d strings.Builder
		most := 0.0
		for j, s := range t.Steps {
			v := kind.Of(s.TimeShares)
			most = max(most, v)
			from, to := x.at(min(max(s.StartS, 0), seconds)), x.at(min(max(s.EndS, 0), seconds))
			fmt.Fprintf(&d, "%s%s %sH%s", command(j), format.Pixels(from), format.Pixels(y.at(v)),
				format.Pixels(to))
		}
		if most < .01 {
			continue
		}
		class, last := seriesClass(i), kind.Of(t.Steps[len(t.Steps)-1].TimeShares)
		w.Path("trend "+class, d.String(), "")
		ends = append(ends, endLabel{"end " + class, kind.Name, y.at(last), x.high})
	}
	endLabels(&w, ends)
	timeAxis(&w, x, seconds, y.low)
	return w.End()
}

// timeAxis draws the axis of a window below a picture.
func timeAxis(w *svg.Writer, x scale, seconds, y float64) {
	for _, v := range ticks(seconds, 5) {
		if v <= seconds*(1+1e-9) {
			w.Line("tick", x.at(v), y, x.at(v), y+4)
			w.Text("axis", x.at(v), y+17, "middle", format.AxisNumber(v))
		}
	}
	w.Text("axis head", (x.low+x.high)/2, y+33, "middle", "time in the window, s")
}
