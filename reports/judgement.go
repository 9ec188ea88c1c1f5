package reports

import (
	"fmt"

	"xfrmscope/analyze"
	"xfrmscope/analyze/compare"
)

// Judgement prints in one line what a condition says of one number:
//
//	cost_per_packet>5%: ok, shared -> pcpu N=4: 259 727 -> 156 949 ns/packet, -39.6 % (95 % interval -41.6 to -37.5)
func Judgement(j analyze.Judgement) string {
	where := fmt.Sprintf("N=%d", j.N)
	if j.Mode != "" {
		where = j.Mode + " " + where
	}
	if j.Of != "" {
		where += ", " + j.Of
	}
	if j.N == 0 {
		where = "nowhere"
	}
	head := fmt.Sprintf("%s: %s", j.Condition.Text, j.Outcome)
	if j.Outcome == analyze.Unmeasured || j.Outcome == analyze.LeftOut {
		return ascii(fmt.Sprintf("%s at %s: %s", head, where, j.Why), 400)
	}
	if j.Unclear {
		head += " (unclear)"
	}
	line := fmt.Sprintf("%s at %s: %s %s -> %s %s, %s", head, where, j.C.Metric,
		significant(j.C.Before.Median, 4), significant(j.C.After.Median, 4), j.C.Unit, changeOf(j.C.Ratio, j.C.Difference, j.C.Unit))
	return ascii(line, 400)
}

// changeOf prints the change with its interval: relative, or from nothing in
// the unit.
func changeOf(ratio, difference compare.Estimate, unit string) string {
	if !ratio.Known() {
		return "difference " + significant(difference.Value, 4) + " " + unit + intervalOf(difference.Interval, 0, 1)
	}
	return fmt.Sprintf("%+.1f %%", 100*(ratio.Value-1)) + intervalOf(ratio.Interval, 1, 100)
}

func intervalOf(i compare.Interval, center, scale float64) string {
	switch {
	case !i.Known():
		return " (no interval: " + i.Missing.Text + ")"
	case i.OpenHi:
		return fmt.Sprintf(" (%.0f %% interval from %+.1f)", 100*i.Level, scale*(i.Lo-center))
	}
	return fmt.Sprintf(" (%.0f %% interval %+.1f to %+.1f)", 100*i.Level, scale*(i.Lo-center), scale*(i.Hi-center))
}
