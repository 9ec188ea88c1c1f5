package chart

import (
	"fmt"

	"xfrmscope/analyze/result"
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
	w.Picture("chart heat", 500, 460, fmt.Sprintf("%d SAs by %d CPUs: the share of each CPU's packets; results.json has the figures", len(m.Rows), len(m.CPUs)))
	heatImage(&w, left, 4, side, side, shares, len(m.CPUs))
	w.Text("axis head", left+side/2, side+28, "middle", fmt.Sprintf("sending CPU, %d to %d", m.CPUs[0], m.CPUs[len(m.CPUs)-1]))
	w.Text("axis", left-8, 18, "end", "SA of")
	w.Text("axis", left-8, 34, "end", "CPU "+view.MatrixRowName(m.Rows[0]))
	w.Text("axis", left-8, side, "end", view.MatrixRowName(m.Rows[len(m.Rows)-1]))
	w.Close("svg")
	return w.Bytes()
}
