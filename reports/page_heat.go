package reports

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"math"
	"slices"

	"xfrmscope/analyze"
)

// A heatMap is shares by CPU and time as a page shows them. It is a bitmap of
// one pixel a cell: thousands of drawn rectangles would be a hundred times as
// large and slow to draw.
type heatMap struct {
	label   string
	rows    []string // names of the rows
	columns int
	seconds float64 // of all columns together
	shares  [][]float64
}

// Geometry of a heat map, in pixels.
const (
	heatWide  = 620
	heatLeft  = 62
	heatTop   = 8
	heatRight = 10
	heatFoot  = 40
)

// maxSlices bounds the columns of a heat map: more are put together.
const maxSlices = 240

// newHeatMap prepares one matrix of a Heat, nil if there is nothing to draw.
func newHeatMap(h *analyze.Heat, label string, shares [][]float64) *heatMap {
	columns := 0
	for _, row := range shares {
		columns = max(columns, len(row))
	}
	if columns == 0 || len(shares) != len(h.CPUs) {
		return nil
	}
	m := &heatMap{label: label, columns: columns, seconds: float64(h.SliceNS) / 1e9 * float64(columns), shares: shares}
	for _, cpu := range h.CPUs {
		m.rows = append(m.rows, cpuNumber(cpu))
	}
	if k := (columns + maxSlices - 1) / maxSlices; k > 1 {
		m.merge(k)
	}
	return m
}

// merge puts k slices together: the mean of those that have samples.
func (m *heatMap) merge(k int) {
	out := make([][]float64, len(m.shares))
	for i, row := range m.shares {
		for part := range slices.Chunk(row, k) {
			sum, n := 0.0, 0
			for _, v := range part {
				if level(v) > 0 {
					sum, n = sum+v, n+1
				}
			}
			v := -1.0
			if n > 0 {
				v = sum / float64(n)
			}
			out[i] = append(out[i], v)
		}
	}
	m.shares, m.columns = out, (m.columns+k-1)/k
}

// render draws the map with its axes.
func (m *heatMap) render() []byte {
	pitch := min(max(220/float64(len(m.rows)), 2), 26)
	high := pitch * float64(len(m.rows))
	wide := float64(heatWide - heatLeft - heatRight)
	var w svgWriter
	w.open("svg", attr{"class", "chart heat"}, attr{"viewBox", "0 0 " + px(heatWide) + " " + px(heatTop+high+heatFoot)}, attr{"role", "img"}, attr{"aria-label", m.label + "; the figures of each CPU are in the table"})
	w.empty("image", attr{"x", px(heatLeft)}, attr{"y", px(heatTop)}, attr{"width", px(wide)}, attr{"height", px(high)}, attr{"preserveAspectRatio", "none"}, attr{"href", heatPNG(m.shares, m.columns)})
	every := int(16/pitch) + 1
	for i, row := range m.rows {
		if i%every == 0 {
			w.text("axis", heatLeft-8, heatTop+pitch*(float64(i)+.5)+4, "end", row)
		}
	}
	w.text("axis", heatLeft-34, heatTop+12, "end", "CPU")
	bottom := heatTop + high
	for _, v := range ticks(m.seconds, 5) {
		if v <= m.seconds*(1+1e-9) {
			at := heatLeft + v/m.seconds*wide
			w.line("tick", at, bottom, at, bottom+4)
			w.text("axis", at, bottom+17, "middle", axisNumber(v))
		}
	}
	w.text("axis head", heatLeft+wide/2, bottom+33, "middle", "time in the window, s")
	w.close("svg")
	return w.Bytes()
}

// heatScale explains the colours.
func heatScale() []byte {
	var w svgWriter
	w.open("svg", attr{"class", "chart scale"}, attr{"viewBox", "0 0 360 34"}, attr{"role", "img"}, attr{"aria-label", "dark is 0 per cent, light is 100 per cent, no colour is no sample"})
	row := make([]float64, heatLevels-1)
	for i := range row {
		row[i] = float64(i) / (heatLevels - 2)
	}
	w.empty("image", attr{"x", "0"}, attr{"y", "2"}, attr{"width", "220"}, attr{"height", "12"}, attr{"preserveAspectRatio", "none"}, attr{"href", heatPNG([][]float64{row}, len(row))})
	for i, t := range []string{"0", "50", "100 %"} {
		w.text("axis", []float64{0, 110, 220}[i], 28, []string{"", "middle", "end"}[i], t)
	}
	w.text("axis", 232, 12, "", "none: no sample")
	w.close("svg")
	return w.Bytes()
}

// A brush is what the page's script needs to say the figures of a rectangle: the
// two maps, a byte a cell (per cent, 255 for none), row after row.
type brush struct {
	Run     string   `json:"run"`
	CPUs    []string `json:"cpus"`
	Columns int      `json:"columns"`
	Seconds float64  `json:"seconds"`
	Busy    string   `json:"busy"`
	Spin    string   `json:"spin"`
}

func cellBytes(m *heatMap) string {
	var out []byte
	for _, row := range m.shares {
		for x := range m.columns {
			v := byte(255)
			if x < len(row) && level(row[x]) > 0 {
				v = byte(math.Round(100 * min(row[x], 1)))
			}
			out = append(out, v)
		}
	}
	return base64.StdEncoding.EncodeToString(out)
}

// heatPart is both maps of a run, nothing if it has none.
func heatPart(r *analyze.Run, id string) (part, bool) {
	h := r.Heat
	if h == nil {
		return part{}, false
	}
	busy := newHeatMap(h, runLabel(r)+": share of samples that are busy, by CPU and time", h.Busy)
	spin := newHeatMap(h, runLabel(r)+": share of busy time spinning on locks, by CPU and time", h.Spin)
	if busy == nil || spin == nil || busy.columns != spin.columns {
		return part{}, false
	}
	b := &brush{Run: runLabel(r), CPUs: busy.rows, Columns: busy.columns, Seconds: busy.seconds, Busy: cellBytes(busy), Spin: cellBytes(spin)}
	return part{Heat: &heatBox{ID: id, Label: runLabel(r), Event: name(h.Event), Slice: pretty(significant(1000*busy.seconds/float64(busy.columns), 3)),
		Busy: template.HTML(busy.render()), Spin: template.HTML(spin.render()), Brush: b}}, true
}

// A heatBox is the two maps of one run.
type heatBox struct {
	ID, Label, Event, Slice string
	Busy, Spin              template.HTML
	Brush                   *brush
}

// maxHeats bounds the runs whose heat maps are drawn.
const maxHeats = 8

// heatParts are the heat maps of the largest N of each mode, then of others;
// the one that spins most is open.
func heatParts(r *analyze.Result) []part {
	runs := lastOfModes(r)
	for _, run := range pageRuns(r, sideBySide) {
		if !slices.Contains(runs, run) {
			runs = append(runs, run)
		}
	}
	var out []part
	open, most := -1, -1.0
	for i, run := range runs[:min(maxHeats, len(runs))] {
		p, ok := heatPart(run, fmt.Sprintf("heat-%d", i))
		if !ok {
			continue
		}
		if spin := shareOf(all(run).SpinShare); spin > most {
			open, most = len(out), spin
		}
		f := folded(groupLabel(run)+": CPU by time", p)
		if picture := timesPicture(run.CPUTimes, run.Manifest.Window.Seconds(), runLabel(run)+": what the kernel accounted to the CPUs, over time"); picture != nil {
			f.Fold.Parts = append(f.Fold.Parts, part{Text: "What the kernel accounted to the measured CPUs together, second by second:", Muted: true, Picture: template.HTML(picture)})
		}
		out = append(out, f)
	}
	if open >= 0 {
		out[open].Fold.Open = true
	}
	if len(out) > 0 {
		out = append([]part{{Heading: "When, and on which CPU?", Picture: template.HTML(heatScale())}}, out...)
	}
	return out
}
