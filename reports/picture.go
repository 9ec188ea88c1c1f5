package reports

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"math"
)

// heatLevels is the number of colours of a heat map; 0 stands for no value.
const heatLevels = 17

// heatPalette runs from dark blue over grey to yellow (after cividis of Nunez,
// Anderton and Renslow, PLoS ONE 13 (2018) e0199239): its lightness rises
// evenly, with every kind of colour vision and in grey. The first is
// transparent.
func heatPalette() color.Palette {
	stops := []color.RGBA{{0, 32, 81, 255}, {60, 77, 110, 255}, {127, 124, 117, 255}, {187, 175, 113, 255}, {253, 234, 69, 255}}
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

// level is the colour of a share of 0..1; 0 for what is none.
func level(share float64) uint8 {
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
			img.SetColorIndex(x, y, level(row[x]))
		}
	}
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestCompression}
	if err := e.Encode(&b, img); err != nil { // of an image in memory: it has no pixels
		return ""
	}
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes())
}
