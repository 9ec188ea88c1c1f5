package finding

import (
	"fmt"
	"strings"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
)

// A RateCurve is the evidence about how one mode's rate goes with N.
type RateCurve struct {
	Mode    string
	Factor  string // what N counts: "flows", "CPUs"
	Layer   string // of a throughput: "wire"; "" of packets
	Scaling scaling.Scaling
	Ceiling *scaling.Ceiling // nil if there is no mode without IPsec
	Shown   []Shown          // by N
}

// A Shown is the smallest change that two sides of runs like those at one N
// would show.
type Shown struct {
	N, Runs    int
	Detectable compare.Detectable
}

// of says "5 flows", "1 CPU".
func (c *RateCurve) of(n int) string {
	if n == 1 {
		return "1 " + strings.TrimSuffix(c.Factor, "s")
	}
	return fmt.Sprintf("%d %s", n, c.Factor)
}

// rate prints a rate in words. A published "Gbps" may be either of two units,
// so throughput is printed in both.
func (c *RateCurve) rate(v float64) string {
	if c.Scaling.Unit != "bit/s" {
		return fmt.Sprintf("%.0f %s", v, c.Scaling.Unit)
	}
	return fmt.Sprintf("%.1f Gbit/s (%.1f Gibit/s)", v/1e9, v/(1<<30))
}

// layer says what a throughput counts.
func (c *RateCurve) layer() string {
	if c.Layer == "" {
		return ""
	}
	return " of layer " + c.Layer
}

// Linear says up to where each rate rises with N, and what ends it.
func Linear(curves []RateCurve) []result.Finding {
	var out []result.Finding
	for i := range curves {
		if c := &curves[i]; len(c.Scaling.Rows) > 1 {
			out = append(out, linear(c))
		}
	}
	return out
}

func linear(c *RateCurve) result.Finding {
	rows, k := c.Scaling.Rows, c.Scaling.Knee
	last := rows[len(rows)-1]
	f := result.Finding{
		ID:        "linear",
		NotProven: fmt.Sprintf("What ends it: %s in use are not CPUs that are busy, and the generator's table shows no cause.", c.Factor),
		Next:      fmt.Sprintf("record at %s and beyond on the machine that forwards: which CPUs, locks and misses grow", c.of(max(k.LastGood, 1))),
	}
	switch {
	case !k.Found():
		f.Say(c.Mode, "linear to %s, the most measured", c.of(last.N))
	case k.LastGood == 0:
		f.Say(c.Mode, "not linear from the start: at %s %s", c.of(k.N), k.Words())
	default:
		good := rowAt(rows, k.LastGood)
		f.Say(c.Mode, "linear to %s, %s; at %s %s", c.of(k.LastGood), c.rate(good.Rate.Median), c.of(k.N), k.Words())
	}
	lossless := true
	for _, r := range rows {
		lossless = lossless && r.Loss == nil
		line := fmt.Sprintf("%s: %s%s, efficiency %.3f", c.of(r.N), c.rate(r.Rate.Median), c.layer(), r.Efficiency.Value)
		if i := r.Rate.Interval; i.Known() && r.Rate.Median > 0 {
			line += fmt.Sprintf(", runs from %+.2f to %+.2f %%", 100*(r.Rate.Min/r.Rate.Median-1), 100*(r.Rate.Max/r.Rate.Median-1))
		}
		if r.Loss != nil {
			line += fmt.Sprintf(", loss %.2f %%", 100**r.Loss)
		}
		f.Evidence = append(f.Evidence, line)
	}
	f.Evidence = append(f.Evidence, fmt.Sprintf("linear is efficiency of %.2f or more and loss of %.1f %% or less", k.Floor, 100*k.Limit))
	if lossless {
		f.Claim += "; loss is not known, and may end it earlier"
		f.Next = "give the table of losses, or the generator's JSON, with the rates"
	}
	return f
}

func rowAt(rows []scaling.Row, n int) scaling.Row {
	for _, r := range rows {
		if r.N == n {
			return r
		}
	}
	return scaling.Row{}
}

// Ceilings says of each mode whether what ends its scaling ends the plain path
// too.
func Ceilings(curves []RateCurve) []result.Finding {
	var out []result.Finding
	for i := range curves {
		if c := &curves[i]; c.Ceiling != nil && c.Ceiling.Missing == nil {
			out = append(out, ceiling(c))
		}
	}
	return out
}

func ceiling(c *RateCurve) result.Finding {
	k := c.Ceiling
	f := result.Finding{ID: "ceiling"}
	level := c.level()
	top := c.rate(k.Top.Rate)
	ratio := fmt.Sprintf("%.3f", k.Ratio.Value)
	if i := k.Ratio.Interval; i.Known() && !i.OpenHi {
		ratio += fmt.Sprintf(" (%.0f %% interval %.3f to %.3f)", 100*i.Level, i.Lo, i.Hi)
	}
	switch k.Verdict {
	case scaling.AtCeiling:
		f.Say(c.Mode, "%s, is the ceiling without IPsec too: %s has %s", level, k.Ceiling, top)
		f.NotProven = "What IPsec could do beyond it: the same path without IPsec is not faster, so the limit is not IPsec's to show."
		f.Next = "raise the ceiling (rings, pauses, generator, a second port), then repeat both"
	case scaling.BelowCeiling:
		f.Say(c.Mode, "%s, is %.0f %% of the ceiling: %s has %s", level, 100*k.Ratio.Value, k.Ceiling, top)
		f.NotProven = "Which part of IPsec it is: a rate has no stack."
		f.Next = fmt.Sprintf("record with samples and lock waits at %s", c.of(max(c.Scaling.Knee.LastGood, 1)))
	default:
		f.Say(c.Mode, "whether %s, is the ceiling is not decided: %s has %s", level, k.Ceiling, top)
		f.NotProven = "Either: the interval of the ratio holds both."
		if i := k.Ratio.Interval; !i.Known() {
			f.NotProven = "Either: the ratio has no interval, " + i.Missing.Text + "."
		}
		f.Next = "more runs of both"
	}
	f.Evidence = append(f.Evidence, "ratio to the ceiling: "+ratio, fmt.Sprintf("%s is flat from %s to %d", k.Ceiling, c.of(k.Top.From), k.Top.To))
	if k.Reached > 0 {
		f.Evidence = append(f.Evidence, "at the ceiling from "+c.of(k.Reached)+" on")
	}
	for _, r := range k.Rows {
		if r.Ratio.Known() {
			f.Evidence = append(f.Evidence, fmt.Sprintf("%s: %.3f of the ceiling", c.of(r.N), r.Ratio.Value))
		}
	}
	return f
}

// level names what is set against the ceiling.
func (c *RateCurve) level() string {
	if l := c.Ceiling.Level; l.Known() {
		return fmt.Sprintf("its plateau from %s on, %s", c.of(l.From), c.rate(l.Rate))
	}
	last := c.Scaling.Rows[len(c.Scaling.Rows)-1]
	return fmt.Sprintf("its rate at %s, %s", c.of(last.N), c.rate(last.Rate.Median))
}

// Support says what the number of runs can show, before anybody reads a
// difference into two curves.
func Support(curves []RateCurve) []result.Finding {
	least, most := 0, 0
	var low, high, first place
	var lines []string
	for i := range curves {
		c := &curves[i]
		for j := range c.Shown {
			s := place{c, &c.Shown[j]}
			if least == 0 || s.Runs < least {
				least, first = s.Runs, s
			}
			most = max(most, s.Runs)
			lines = append(lines, s.text())
			if !s.Detectable.Known() {
				continue
			}
			if low.Shown == nil || s.Detectable.Change < low.Detectable.Change {
				low = s
			}
			if high.Shown == nil || s.Detectable.Change > high.Detectable.Change {
				high = s
			}
		}
	}
	if least == 0 {
		return nil
	}
	runs := fmt.Sprintf("%d runs", least)
	if most > least {
		runs = fmt.Sprintf("%d to %d runs", least, most)
	}
	f := result.Finding{
		ID:        "support",
		NotProven: "The error between boots, RSS hashes and days: the runs followed one another on one set-up.",
		Next:      "10 runs a side and more, in blocks of A B B A with a boot or a set-up each",
	}
	if low.Shown == nil {
		f.Claim = fmt.Sprintf("%s a point support no claim of a change: %d a side are needed", runs, compare.MinRuns)
		return []result.Finding{f}
	}
	p := compare.PText(compare.UTest(ascending(least, 0), ascending(least, least)).Smallest)
	f.Claim = fmt.Sprintf("%s a point support claims of a change of %.1f %% (%s, %s) to %.1f %% (%s, %s), none of less", runs,
		100*low.Detectable.Change, low.Mode, low.of(low.Shown.N), 100*high.Detectable.Change, high.Mode, high.of(high.Shown.N))
	f.Evidence = append([]string{
		fmt.Sprintf("smallest p of %d and %d runs: %s; a 95 %% interval of a median needs 6 runs", least, least, p),
		fmt.Sprintf("change that two sides of such runs would show with probability %.1f, at level %.2g, by mode and %s:", low.Detectable.Power, low.Detectable.Alpha, first.Factor),
	}, lines...)
	return []result.Finding{f}
}

// A place is what can be shown of one curve at one N.
type place struct {
	*RateCurve
	*Shown
}

func (p place) text() string {
	if !p.Detectable.Known() {
		return fmt.Sprintf("%s, %s: none, %s", p.Mode, p.of(p.Shown.N), p.Detectable.Missing.Text)
	}
	return fmt.Sprintf("%s, %s: %.2f %%", p.Mode, p.of(p.Shown.N), 100*p.Detectable.Change)
}

// ascending returns n values from first on.
func ascending(n, first int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(first + i)
	}
	return out
}
