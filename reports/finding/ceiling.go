package finding

import (
	"fmt"

	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
	"xfrmscope/reports/format"
)

// ceilings: does what ends the scaling of a mode end the path without IPsec too?
func ceilings(r *result.Result) []result.Finding {
	var out []result.Finding
	for _, c := range ratedCurves(r) {
		if c.Ceiling != nil && c.Ceiling.Missing == nil {
			out = append(out, ceilingOf(c))
		}
	}
	return out
}

func ceilingOf(c ratedCurve) result.Finding {
	k := c.Ceiling
	f := result.Finding{ID: "ceiling"}
	level, top := c.level(), c.rate(k.Top.Rate)
	i := k.Ratio.Interval
	switch k.Verdict {
	case scaling.AtCeiling:
		f.Say(c.Mode, "%s, is the ceiling without IPsec too: %s has %s", level, k.Ceiling, top)
		f.NotProven = "What IPsec could do beyond it: " +
			"the same path without IPsec is not faster, so the limit is not IPsec's to show."
		f.Next = "raise the ceiling (rings, pauses, generator, a second port), then repeat both"
	case scaling.BelowCeiling:
		f.Say(c.Mode, "%s, is %s of the ceiling: %s has %s", level, format.InPercent(k.Ratio.Value, 0),
			k.Ceiling, top)
		f.NotProven = "Which part of IPsec it is: a rate has no stack."
		f.Next = "record with samples and lock waits at " + c.of(max(c.Scaling.Knee.LastGood, 1))
	default:
		f.Say(c.Mode, "whether %s, is the ceiling is not decided: %s has %s", level, k.Ceiling, top)
		f.NotProven = "Either: the interval of the ratio holds both."
		if !i.Known() {
			f.NotProven = "Either: the ratio has no interval, " + i.Missing.Text + "."
		}
		f.Next = "more runs of both"
	}
	f.Evidence = append(f.Evidence,
		"ratio to the ceiling: "+ratio(k.Ratio.Value)+format.Within(i, ratio),
		fmt.Sprintf("%s is flat from %s to %d", k.Ceiling, c.of(k.Top.From), k.Top.To))
	if k.Reached > 0 {
		f.Evidence = append(f.Evidence, "at the ceiling from "+c.of(k.Reached)+" on")
	}
	for _, r := range k.Rows {
		if r.Ratio.Known() {
			f.Evidence = append(f.Evidence,
				c.of(r.N)+": "+ratio(r.Ratio.Value)+" of the ceiling")
		}
	}
	return f
}

// level names what is set against the ceiling.
func (c ratedCurve) level() string {
	if l := c.Ceiling.Level; l.Known() {
		return fmt.Sprintf("its plateau from %s on, %s", c.of(l.From), c.rate(l.Rate))
	}
	last := lastOf(c.Scaling.Rows)
	return fmt.Sprintf("its rate at %s, %s", c.of(last.N), c.rate(last.Rate.Median))
}

// ratio is an efficiency, or a part of a ceiling.
func ratio(v float64) string { return format.Places(v, 3) }
