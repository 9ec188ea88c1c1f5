package checks

import (
	"cmp"
	"slices"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// A doubt is why some numbers of a run are not to be believed, though they were
// measured.
type doubt struct {
	marks   []string // metric ids
	short   string   // "fails cross-check cost-per-packet"
	warning bundle.Warning
}

// Doubts are the cross-checks that a run fails, and packets that were not counted.
func Doubts(r *result.Run) []doubt {
	var out []doubt
	add := func(marks []string, short, format string, args ...any) {
		warning := bundle.Warn("", format+"; what hangs on it is marked !", args...).Of(bundle.WarnDoubt)
		out = append(out, doubt{marks, short, warning})
	}
	for _, i := range r.ConsistencyChecks {
		if i.Verdict == result.CheckBroken {
			add(i.Marks, "fails cross-check "+i.ID,
				"fails cross-check %s: %s is %+.1f %% off %s, more than %.1f %%", i.ID, i.Left.Text,
				100*i.Residual, i.Right.Text, 100*i.Limit)
		}
	}
	if gone := deletedSAs(r); len(gone) > 0 && r.Packets.BySA {
		add([]string{metric.RateID, metric.PacketsID, metric.CostID, metric.SpinCostID, metric.WordCostID},
			"SAs were deleted in the window",
			"SA %s was deleted in the window: what it carried until then is not counted, so packets/s "+
				"are at least this and costs at most", strings.Join(gone, ", "))
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
		d.warning.Weakens = d.marks[0]
		r.Warnings = append(r.Warnings, d.warning)
		r.EachValue(func(v *metric.Value) {
			if v.Measured() && slices.Contains(d.marks, v.ID) {
				v.Doubt = cmp.Or(v.Doubt, d.short)
			}
		})
	}
}

// Caveats are the kinds of what weakens a number without putting it in doubt: "loss",
// and those of warnings on it.
// event is the one whose samples it is of, "" for none.
func Caveats(r *result.Run, event string, v metric.Value) []string {
	var out []string
	if len(v.Losses) > 0 || v.Ranged() {
		out = append(out, "loss")
	}
	warned := func(list []bundle.Warning) {
		for _, w := range list {
			if w.Kind != bundle.WarnDoubt && w.Kind != bundle.WarnUnused &&
				(w.Weakens == bundle.EveryNumber || hangsOn(v.ID, w.Weakens)) {
				out = result.AppendNew(out, cmp.Or(string(w.Kind), "warning"))
			}
		}
	}
	warned(r.Warnings)
	warned(r.Manifest.Warnings)
	if e := r.Event(event); e != nil && event != "" {
		warned(e.Warnings)
	}
	return out
}

// hangsOn reports whether a number is weakened by what weakens another.
func hangsOn(id, on string) bool {
	switch on {
	case id:
		return true
	case metric.CostID:
		return id == metric.SpinCostID || id == metric.WordCostID
	case metric.WaitsID:
		return id == metric.WaitID || id == metric.WaitPacketID || id == metric.WaitP50ID ||
			id == metric.WaitP99ID
	case metric.AcquireID:
		return id == metric.ContentionID
	case metric.FindID:
		return id == metric.FindPacketID || id == metric.FindMeanID || id == metric.FindP50ID ||
			id == metric.FindP99ID || id == metric.WalkID
	}
	return false
}

// Notes are the doubts and the caveats of one number of each run.
func Notes(runs []*result.Run, of func(*result.Run) (event string, v metric.Value)) []compare.Reason {
	var out []compare.Reason
	var kinds []string
	count := map[string]int{}
	id := ""
	for _, r := range runs {
		event, v := of(r)
		id = v.ID
		for _, kind := range Caveats(r, event, v) {
			kinds = result.AppendNew(kinds, kind)
			count[kind]++
		}
	}
	for _, why := range DoubtedIn(runs, id) {
		out = append(out, *compare.Because(compare.InDoubt, "%s", why))
	}
	for _, kind := range kinds {
		out = append(out, *compare.Because(compare.Weakened, "%s (%d of %d runs)", kind, count[kind],
			len(runs)))
	}
	return out
}
