package chart

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/svg"
)

// A HeatMap is shares by CPU and time as a page shows them. It is a bitmap of
// one pixel a cell: thousands of drawn rectangles would be a hundred times as
// large and slow to draw.
type HeatMap struct {
	label   string
	Rows    []string // names of the rows
	Columns int
	Seconds float64 // of all columns together
	Shares  [][]float64
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

// NewHeatMap prepares one matrix of a Heat, nil if there is nothing to draw: samples of
// a simulated machine are all of one time.
func NewHeatMap(h *result.Heat, label string, shares [][]float64) *HeatMap {
	columns := 0
	filled := map[int]bool{}
	for _, row := range shares {
		columns = max(columns, len(row))
		for x, v := range row {
			if Level(v) > 0 {
				filled[x] = true
			}
		}
	}
	if len(filled) < 2 || len(shares) != len(h.CPUs) {
		return nil
	}
	m := &HeatMap{label: label, Columns: columns, Seconds: float64(h.SliceNS) / 1e9 * float64(columns),
		Shares: shares}
	for _, cpu := range h.CPUs {
		m.Rows = append(m.Rows, format.CPUNumber(cpu))
	}
	if k := (columns + maxSlices - 1) / maxSlices; k > 1 {
		m.merge(k)
	}
	return m
}

// merge puts k slices together: the mean of those that have samples.
func (m *HeatMap) merge(k int) {
	out := make([][]float64, len(m.Shares))
	for i, row := range m.Shares {
		for part := range slices.Chunk(row, k) {
			sum, n := 0.0, 0
			for _, v := range part {
				if Level(v) > 0 {
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
	m.Shares, m.Columns = out, (m.Columns+k-1)/k
}

// Render draws the map with its axes.
func (m *HeatMap) Render() []byte {
	pitch := min(max(220/float64(len(m.Rows)), 2), 26)
	high := pitch * float64(len(m.Rows))
	wide := float64(heatWide - heatLeft - heatRight)
	var w svg.Writer
	w.Picture("chart heat", heatWide, heatTop+high+heatFoot, m.label+"; the figures of each CPU are in the table")
	heatImage(&w, heatLeft, heatTop, wide, high, m.Shares, m.Columns)
	every := int(16/pitch) + 1
	for i, row := range m.Rows {
		if i%every == 0 {
			w.Text("axis", heatLeft-8, heatTop+pitch*(float64(i)+.5)+4, "end", row)
		}
	}
	w.Text("axis", heatLeft-34, heatTop+12, "end", "CPU")
	timeAxis(&w, scale{0, m.Seconds, heatLeft, heatLeft + wide}, m.Seconds, heatTop+high)
	return w.End()
}

// HeatScale explains the colours.
func HeatScale() []byte {
	var w svg.Writer
	w.Picture("chart scale", 360, 34, "dark is 0 per cent, light is 100 per cent, no colour is no sample")
	row := make([]float64, heatLevels-1)
	for i := range row {
		row[i] = float64(i) / (heatLevels - 2)
	}
	heatImage(&w, 0, 2, 220, 12, [][]float64{row}, len(row))
	for i, t := range []string{"0", "50", "100 %"} {
		w.Text("axis", []float64{0, 110, 220}[i], 28, []string{"", "middle", "end"}[i], t)
	}
	w.Text("axis", 232, 12, "", "none: no sample")
	return w.End()
}

// heatLevels is the number of colours of a heat map; 0 stands for no value.
const heatLevels = 17

// heatPalette runs from dark blue over grey to yellow (after cividis of Nunez,
// Anderton and Renslow, PLoS ONE 13 (2018) e0199239): its lightness rises
// evenly, with every kind of colour vision and in grey. The first is
// transparent.
func heatPalette() color.Palette {
	stops := []color.RGBA{{0, 32, 81, 255}, {60, 77, 110, 255}, {127, 124, 117, 255}, {187, 175, 113, 255},
		{253, 234, 69, 255}}
	p := color.Palette{color.RGBA{}}
	for i := range heatLevels - 1 {
		at := float64(i) / (heatLevels - 2) * float64(len(stops)-1)
		k := min(int(at), len(stops)-2)
		p = append(p, mix(stops[k], stops[k+1], at-float64(k)))
	}
	return p
}

func mix(a, b color.RGBA, t float64) color.RGBA {
	part := func(x, y uint8) uint8 { return uint8(math.Round(float64(x) + t*(float64(y)-float64(x)))) }
	return color.RGBA{part(a.R, b.R), part(a.G, b.G), part(a.B, b.B), 255}
}

// Level is the colour of a share of 0..1; 0 for what is none.
func Level(share float64) uint8 {
	if !(share >= 0) || math.IsInf(share, 0) {
		return 0
	}
	return uint8(1 + math.Round(min(share, 1)*(heatLevels-2)))
}

// heatPNG draws rows of shares, a pixel each, as a data URL.
func heatPNG(rows [][]float64, columns int) string {
	img := image.NewPaletted(image.Rect(0, 0, columns, len(rows)), heatPalette())
	for y, row := range rows {
		for x := range min(columns, len(row)) {
			img.SetColorIndex(x, y, Level(row[x]))
		}
	}
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestCompression}
	if err := e.Encode(&b, img); err != nil { // of an image in memory: it has no pixels
		return ""
	}
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes())
}

// heatImage stretches rows of shares over a rectangle.
func heatImage(w *svg.Writer, x, y, wide, high float64, rows [][]float64, columns int) {
	w.Empty("image", "x", x, "y", y, "width", wide, "height", high, "preserveAspectRatio", "none",
		"href", heatPNG(rows, columns))
}
