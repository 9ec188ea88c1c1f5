package digest

import (
	"fmt"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// Judgement prints in one line what a condition says of one number:
//
//	cost_per_packet>5%: ok at shared -> pcpu N=4: cost_per_packet 259 727 -> 156 949 ns/packet, -39.6 %
//
// A verdict that rests on a number in doubt says so.
func Judgement(j result.Judgement) string {
	where := fmt.Sprintf("N=%d", j.N)
	if j.Mode != "" {
		where = j.Mode + " " + where
	}
	if j.Of != (result.Subject{}) {
		where += ", " + j.Of.String()
	}
	if j.N == 0 {
		where = "nowhere"
	}
	head := fmt.Sprintf("%s: %s", j.Condition, j.Outcome)
	if j.Why != "" {
		return format.ASCII(fmt.Sprintf("%s at %s: %s", head, where, j.Why), 400)
	}
	if j.Unclear {
		head += " (unclear)"
	}
	line := fmt.Sprintf("%s at %s: %s %s -> %s %s, %s", head, where, j.C.Metric,
		format.MedianText(j.C.Before, 1, 4), format.MedianText(j.C.After, 1, 4), j.C.Unit,
		format.ChangeOf(j.C.Ratio, j.C.Difference, j.C.Unit))
	if why := format.DoubtText(j.C); why != "" {
		line += "; ! " + why
	}
	if why := compare.Noted(j.C.After.Notes, compare.OtherBasis); why != "" {
		line += "; " + why
	}
	return format.ASCII(line, 400)
}
