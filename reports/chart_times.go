package reports

import (
	"fmt"
	"strings"

	"xfrmscope/analyze"
)

// A timeKind is one of the uses of CPU time that a page tells apart.
type timeKind struct {
	name string
	of   func(analyze.TimeShares) float64
}

func timeKinds() []timeKind {
	return []timeKind{
		{"user", func(t analyze.TimeShares) float64 { return t.User }},
		{"system", func(t analyze.TimeShares) float64 { return t.System }},
		{"softirq", func(t analyze.TimeShares) float64 { return t.Softirq }},
		{"idle", func(t analyze.TimeShares) float64 { return t.Idle }},
		{"irq", func(t analyze.TimeShares) float64 { return t.IRQ }},
		{"steal", func(t analyze.TimeShares) float64 { return t.Steal }},
	}
}

// softirqKinds are those that carry packets.
func softirqKinds() []string { return []string{"NET_RX", "NET_TX"} }

// timeTable is what the kernel accounted to each CPU.
func timeTable(runs []*analyze.Run) table {
	t := table{ID: "time-table", Caption: "What the kernel accounted to each CPU, /proc/stat", Head: []column{{Text: "run"}, {Text: "CPU", Number: true}},
		Note: "In ticks of 10 ms. User: nice included; idle: iowait included; steal: what a hypervisor gave to others."}
	for _, kind := range timeKinds() {
		t.Head = append(t.Head, column{Text: kind.name, Unit: "% of time", Number: true})
	}
	for _, kind := range softirqKinds() {
		t.Head = append(t.Head, column{Text: kind, Unit: "/s", Number: true, Title: "how often this softirq ran, /proc/softirqs"})
	}
	for _, r := range runs {
		if r.CPUTimes == nil {
			continue
		}
		for _, c := range r.CPUTimes.CPUs {
			row := []cell{textCell(runLabel(r)), intCell(c.CPU)}
			for _, kind := range timeKinds() {
				row = append(row, percentOf(kind.of(c.TimeShares)))
			}
			for _, kind := range softirqKinds() {
				row = append(row, numberOf(float64(c.Softirqs[kind])/c.Seconds))
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return bounded(t, maxRows)
}

// timesPicture draws what the kernel accounted to the measured CPUs together,
// over the window; nil without two steps.
func timesPicture(t *analyze.CPUTimes, seconds float64, label string) []byte {
	if t == nil || len(t.Steps) < 2 || !(seconds > 0) {
		return nil
	}
	const high, top = 110.0, 10.0
	x := scale{0, seconds, heatLeft, heatWide - heatRight - 56}
	y := scale{0, 1, top + high, top}
	var w svgWriter
	w.open("svg", attr{"class", "chart heat"}, attr{"viewBox", "0 0 " + px(heatWide) + " " + px(top+high+heatFoot)}, attr{"role", "img"}, attr{"aria-label", label + "; the figures of each CPU are in the table"})
	for _, v := range []float64{0, .5, 1} {
		w.line("grid", x.low, y.at(v), x.high, y.at(v))
		w.text("axis", x.low-8, y.at(v)+4, "end", axisNumber(100*v))
	}
	w.text("axis", x.low-34, top+high/2, "end", "%")
	var ends []endLabel
	for i, kind := range timeKinds() {
		var d strings.Builder
		most := 0.0
		for j, s := range t.Steps {
			v := kind.of(s.TimeShares)
			most = max(most, v)
			from, to := x.at(min(max(s.StartS, 0), seconds)), x.at(min(max(s.EndS, 0), seconds))
			fmt.Fprintf(&d, "%s%s %sH%s", command(j), px(from), px(y.at(v)), px(to))
		}
		if most < .01 {
			continue
		}
		class, last := seriesClass(i), kind.of(t.Steps[len(t.Steps)-1].TimeShares)
		w.path("trend "+class, d.String(), "")
		ends = append(ends, endLabel{"end " + class, kind.name, y.at(last), x.high})
	}
	endLabels(&w, ends)
	for _, v := range ticks(seconds, 5) {
		if v <= seconds*(1+1e-9) {
			w.line("tick", x.at(v), y.low, x.at(v), y.low+4)
			w.text("axis", x.at(v), y.low+17, "middle", axisNumber(v))
		}
	}
	w.text("axis head", (x.low+x.high)/2, y.low+33, "middle", "time in the window, s")
	w.close("svg")
	return w.Bytes()
}
