package view

import (
	"slices"
	"testing"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
)

// A field that its slab cache names is marked wherever it is named: that is no proof.
func TestLinesBySlabCache(t *testing.T) {
	lines := &result.Lines{Fields: []result.LineField{{Name: "xfrm_dst.u", Slab: 0.9}, {Name: "net.x", Slab: 0.1}}}
	point := result.LinePoint{N: 2, Name: "r", Unit: "transfers/packet",
		Total: result.LineMean{Mean: compare.NoEstimate(&compare.Reason{})}}
	for i, f := range lines.Fields {
		lines.Fields[i].Share.Value = 0.5
		point.Fields = append(point.Fields, result.LineMean{Name: f.Name,
			Mean: compare.Estimate{Value: 2 - float64(i)}})
	}
	r := &result.Result{Runs: []*result.Run{{Name: "r", N: 2, Lines: lines}},
		Curves: []result.Curve{{Mode: "pcpu", Runs: []int{0}, Lines: []result.LinePoint{point}}}}
	want := "pcpu N=2: xfrm_dst.u (by slab cache) 2.00, net.x 1.00 per packet"
	if got := LinesMost(r, 4); !slices.Equal(got, []string{want}) {
		t.Errorf("%q, want %q", got, want)
	}
	top := LinesTop(r, "top", 4)
	if len(top.Rows) != 2 || top.Rows[0][0].Small != "by slab cache" || top.Rows[1][0].Small != "" {
		t.Errorf("%+v", top.Rows)
	}
}
