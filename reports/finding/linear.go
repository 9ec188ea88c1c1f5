package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
	"xfrmscope/reports/format"
)

// A ratedCurve is how one mode's rate goes with N.
type ratedCurve struct {
	*result.Curve
	factor string        // what N counts: "flows", "CPUs"
	runs   []*result.Run // of the curve, one at least
}

func ratedCurves(r *result.Result) []ratedCurve {
	var out []ratedCurve
	for i := range r.Curves {
		c := &r.Curves[i]
		if c.Scaling != nil && len(c.Runs) > 0 {
			runs := result.Pick(r.Runs, c.Runs)
			out = append(out, ratedCurve{c, cmp.Or(runs[0].Factor, "CPUs"), runs})
		}
	}
	return out
}

// generated reports whether the rate is the throughput of a traffic generator.
func (c ratedCurve) generated() bool { return c.Scaling.Unit == "bit/s" }

// of says "5 flows", "1 CPU".
func (c ratedCurve) of(n int) string {
	return format.Counted(n, strings.TrimSuffix(c.factor, "s"))
}

// rate prints a rate in words. A published "Gbps" may be either of two units,
// so throughput is printed in both.
func (c ratedCurve) rate(v float64) string {
	if !c.generated() {
		return format.Places(v, 0) + " " + c.Scaling.Unit
	}
	return fmt.Sprintf("%s Gbit/s (%s Gibit/s)", format.Places(v/1e9, 1), format.Places(v/(1<<30), 1))
}

// linear: up to where does each rate of a traffic generator rise with N, and
// what ends it? What ends a curve of runs with samples, scale says.
func linear(r *result.Result) []result.Finding {
	var out []result.Finding
	for _, c := range ratedCurves(r) {
		if c.generated() && !result.IsPlain(c.Mode) && len(c.Scaling.Rows) > 1 &&
			lastOf(c.Scaling.Rows).Speedup.Known() {
			out = append(out, linearOf(c))
		}
	}
	return out
}

func linearOf(c ratedCurve) result.Finding {
	rows, k := c.Scaling.Rows, c.Scaling.Knee
	f := result.Finding{
		ID: "linear",
		NotProven: fmt.Sprintf("What ends it: %s in use are not CPUs that are busy, "+
			"and the generator's table shows no cause.", c.factor),
		Next: fmt.Sprintf(
			"record at %s and beyond on the machine that forwards: which CPUs, locks and misses grow",
			c.of(max(k.LastGood, 1))),
	}
	switch {
	case !k.Found():
		f.Say(c.Mode, "linear to %s, the most measured", c.of(lastOf(rows).N))
	case k.LastGood == 0:
		f.Say(c.Mode, "not linear from the start: at %s %s", c.of(k.N), k.Words())
	default:
		good := slices.IndexFunc(rows, func(r scaling.Row) bool { return r.N == k.LastGood })
		f.Say(c.Mode, "linear to %s, %s; at %s %s", c.of(k.LastGood), c.rate(rows[good].Rate.Median), c.of(k.N),
			k.Words())
	}
	layer := ""
	if l := c.runs[0].Traffic.Layer; l != "" {
		layer = " of layer " + l
	}
	lossless := true
	for _, r := range rows {
		lossless = lossless && r.Loss == nil
		line := fmt.Sprintf("%s: %s%s, efficiency %s", c.of(r.N), c.rate(r.Rate.Median), layer,
			ratio(r.Efficiency.Value))
		if i := r.Rate.Interval; i.Known() && r.Rate.Median > 0 {
			off := func(rate float64) string { return format.SignedPlaces(100*(rate/r.Rate.Median-1), 2) }
			line += fmt.Sprintf(", runs from %s to %s %%", off(r.Rate.Min), off(r.Rate.Max))
		}
		if r.Loss != nil {
			line += ", loss " + format.InPercent(*r.Loss, 2)
		}
		f.Evidence = append(f.Evidence, line)
	}
	f.Evidence = append(f.Evidence,
		fmt.Sprintf("linear is efficiency of %s or more and loss of %s or less", format.Places(k.Floor, 2),
			format.InPercent(k.Limit, 1)))
	if lossless {
		f.Claim += "; loss is not known, and may end it earlier"
		f.Next = "give the table of losses, or the generator's JSON, with the rates"
	}
	return f
}
