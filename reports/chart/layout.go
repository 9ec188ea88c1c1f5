package chart

import (
	"fmt"
	"slices"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/svg"
	"xfrmscope/reports/view"
)

// MatrixPicture draws a large matrix: the share of each CPU's packets that an
// SA carried.
func MatrixPicture(m *result.Matrix) []byte {
	sums := make([]float64, len(m.CPUs))
	for _, row := range m.Rows {
		for i := range min(len(row.Calls), len(sums)) {
			sums[i] += float64(row.Calls[i])
		}
	}
	shares := make([][]float64, len(m.Rows))
	for y, row := range m.Rows {
		for i := range m.CPUs {
			v := -1.0
			if i < len(row.Calls) && sums[i] > 0 && row.Calls[i] > 0 {
				v = float64(row.Calls[i]) / sums[i]
			}
			shares[y] = append(shares[y], v)
		}
	}
	const side, left = 420.0, 62.0
	var w svg.Writer
	w.Picture("chart heat", 500, 460,
		fmt.Sprintf("%d SAs by %d CPUs: the share of each CPU's packets; results.json has the figures",
			len(m.Rows), len(m.CPUs)))
	heatImage(&w, left, 4, side, side, shares, len(m.CPUs))
	w.Text("axis head", left+side/2, side+28, "middle", fmt.Sprintf("sending CPU, %d to %d", m.CPUs[0],
		m.CPUs[len(m.CPUs)-1]))
	w.Text("axis", left-8, 18, "end", "SA of")
	w.Text("axis", left-8, 34, "end", "CPU "+view.MatrixRowName(m.Rows[0]))
	w.Text("axis", left-8, side, "end", view.MatrixRowName(m.Rows[len(m.Rows)-1]))
	return w.End()
}

// maxLines bounds the lines drawn of a structure.
const maxLines = 40

// LayoutPicture draws the lines that hold a hot field.
func LayoutPicture(l result.Layout) []byte {
	var lines []uint32
	for _, f := range l.Fields {
		if !slices.Contains(lines, f.Line) && len(lines) < maxLines {
			lines = append(lines, f.Line)
		}
	}
	slices.Sort(lines)
	const left, wide, pitch, high = 62.0, 960.0, 30.0, 24.0
	shared := view.SharedLines(l)
	var w svg.Writer
	w.Picture("chart layout", left+wide+10, pitch*float64(len(lines))+26, "struct "+format.Name(l.Struct)+
		": its hot fields by cache line; the table has them")
	for i, line := range lines {
		y := pitch*float64(i) + 2
		w.Text("axis", left-8, y+16, "end", fmt.Sprintf("+%d", line*view.LineBytes))
		w.Rect("slot", left, y, wide, high, "")
		for _, f := range l.Fields {
			if f.Line == line {
				drawField(&w, f, slices.Contains(shared, line), left, y, wide, high)
			}
		}
	}
	for b := 0; b <= view.LineBytes; b += 16 {
		w.Text("axis", left+wide*float64(b)/view.LineBytes, pitch*float64(len(lines))+18, "middle",
			fmt.Sprint(b))
	}
	return w.End()
}

func drawField(w *svg.Writer, f result.LayoutField, shared bool, left, y, wide, high float64) {
	in := float64(f.Offset % view.LineBytes)
	length := min(float64(max(f.Size, 1)), view.LineBytes-in) // a field may reach into the next line
	x, width := left+wide*in/view.LineBytes, max(wide*length/view.LineBytes-1.5, 3)
	class := "read"
	if view.IsWritten(f) {
		class = "written"
	}
	w.Rect("field "+class, x, y, width, high, fmt.Sprintf("%s at %d, %d bytes: %s", format.Name(f.Name), f.Offset,
		f.Size, format.Name(f.Use)))
	if shared && view.IsWritten(f) {
		svg.Hatched(w, "l", x, y, width, high)
	}
	if label := format.FitWidth(format.Name(f.Name), int((width-6)/6.6)); label != "" {
		w.Text("on field", x+4, y+high*.68, "", label)
	}
}
