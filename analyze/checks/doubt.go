package checks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// A doubt is why some numbers of a run are not to be believed, though they were
// measured.
type doubt struct {
	marks []string // metric ids
	short string   // "fails cross-check cost-per-packet"
	text  string   // what is wrong, in figures
}

// Doubts are the cross-checks that a run fails, and packets that were not counted.
func Doubts(r *result.Run) []doubt {
	var out []doubt
	for _, i := range r.ConsistencyChecks {
		if i.Verdict == result.CheckBroken {
			out = append(out, doubt{i.Marks, "fails cross-check " + i.ID,
				fmt.Sprintf("fails cross-check %s: %s is %+.1f %% off %s, more than %.1f %%", i.ID,
					i.Left.Text, 100*i.Residual, i.Right.Text, 100*i.Limit)})
		}
	}
	if gone := deletedSAs(r); len(gone) > 0 && r.Packets.BySA {
		out = append(out, doubt{
			[]string{metric.RateID, metric.PacketsID, metric.CostID, metric.SpinCostID, metric.WordCostID},
			"SAs were deleted in the window",
			fmt.Sprintf("SA %s was deleted in the window: what it carried until then is not counted, so "+
				"packets/s are at least this and costs at most", strings.Join(gone, ", ")),
		})
	}
	return out
}

// deletedSAs names those that carried packets of the kind that is counted.
func deletedSAs(r *result.Run) []string {
	sends := packets.Sends(r.SAs)
	var out []string
	for _, s := range r.SAs {
		if !s.Deleted || s.Outbound != sends {
			continue
		}
		out = append(out, s.Name())
	}
	return out
}

// doubted is what makes a metric doubtful, in short.
func doubted(r *result.Run, id string) []string {
	var out []string
	for _, d := range Doubts(r) {
		if slices.Contains(d.marks, id) {
			out = append(out, d.short)
		}
	}
	return out
}

// MarkDoubts marks every number of the run that hangs on a doubt, and warns.
func MarkDoubts(r *result.Run) {
	for _, d := range Doubts(r) {
		r.WarnOf(bundle.WarnDoubt, d.marks[0], d.text+"; what hangs on it is marked !")
		r.EachValue(func(v *metric.Value) {
			if v.Measured() && slices.Contains(d.marks, v.ID) {
				v.Doubt = cmp.Or(v.Doubt, d.short)
			}
		})
	}
}
