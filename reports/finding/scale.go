package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
	"xfrmscope/reports/format"
)

// scale: does throughput scale with CPUs, and where did the cost go? Of each
// mode, the one that scales worst first, its largest N against its smallest.
func scale(r *result.Result) []result.Finding {
	scaled := slices.DeleteFunc(slices.Clone(r.Curves), func(c result.Curve) bool {
		return c.Scaling == nil || len(c.Scaling.Rows) < 2 || c.Scaling.Unit != "packets/s" ||
			!lastOf(c.Scaling.Rows).Speedup.Known()
	})
	efficiency := func(c result.Curve) float64 {
		last := lastOf(c.Scaling.Rows)
		return last.Speedup.Value / float64(last.N)
	}
	slices.SortStableFunc(scaled, func(a, b result.Curve) int { return cmp.Compare(efficiency(a), efficiency(b)) })
	var out []result.Finding
	for i := range scaled {
		out = append(out, scaleOf(r, &scaled[i]))
	}
	return out
}

func scaleOf(r *result.Result, c *result.Curve) result.Finding {
	base, last := c.Scaling.Base, lastOf(c.Scaling.Rows)
	runs := result.Pick(r.Runs, c.Runs)
	f := result.Finding{
		ID:        result.Scales,
		NotProven: "That the CPUs are the limit: without a run without IPsec the ceiling is not known.",
		Next:      "repeat each N, and add N between and beyond",
	}
	f.Say(c.Mode, "%s send %s times what %s sends (ideal %d)",
		cpus(last.N), format.Places(last.Speedup.Value/float64(base), 1), cpus(base), last.N/base)
	switch {
	case c.Ceiling != nil && c.Ceiling.Missing == nil:
		f.NotProven = "What a CPU could do alone: at N the caches and the memory are shared as well."
	case c.Ceiling != nil:
		f.NotProven = "That the CPUs are the limit: the ceiling is not known, " + c.Ceiling.Missing.Text + "."
	case result.IsPlain(c.Mode):
		f.NotProven = "That the CPUs are the limit: rings, pauses or the generator may end it."
	}
	if slices.ContainsFunc(c.Scaling.Rows, func(row scaling.Row) bool { return row.Rate.N < 2 }) {
		f.NotProven += " One run at an N has no spread: the speed-up has no interval."
	}
	doubt := strings.Join(checks.DoubtedIn(runs, metric.CostID), ", ")
	for _, of := range c.Costs() {
		b := breakdownAt(of, last.N)
		if b == nil {
			continue
		}
		on := "" // which of several PMUs
		if of.Event != "" {
			on = " of " + of.Event
		}
		f.Claim += "; a packet costs " + changed(b, doubt) + on
		if names := addedNames(b); names != "" {
			f.Claim += ", " + names
		}
		cost := fmt.Sprintf("cost per packet%s: %s at %s, %s at %s (%s)", on,
			format.Places(b.Total.Base, 0), cpus(b.Base),
			format.Places(b.Total.Base+b.Total.Delta.Value, 0), cpus(last.N), b.Unit)
		if added := estimate(b.Total.Delta); added != "" {
			cost += ", added" + added
		}
		f.Evidence = append(f.Evidence, cost)
		if doubt != "" {
			f.Evidence = result.AppendNew(f.Evidence, "the cost is in doubt: "+doubt)
		}
	}
	if text := estimate(last.Speedup); text != "" {
		f.Evidence = append(f.Evidence,
			fmt.Sprintf("speed-up %s of %d", format.Places(last.Speedup.Value, 2), last.N)+text)
	}
	for _, run := range runs {
		if rate := run.Packets.Headline(); rate.Measured() {
			f.Evidence = append(f.Evidence,
				fmt.Sprintf("%s: %s packets/s", run.Name, format.Places(rate.Value, 0)))
		}
	}
	if k := c.Scaling.Knee; k.Found() {
		f.Evidence = append(f.Evidence, fmt.Sprintf("knee: at N=%d %s", k.N, k.Words()))
	}
	if u := c.USL; u != nil && u.Missing != nil {
		f.Evidence = append(f.Evidence, "no scaling law: "+u.Missing.Text)
	}
	return f
}

func lastOf[T any](list []T) T { return list[len(list)-1] }

// breakdownAt is the cost of a packet by stage at N, nil if no cost was measured.
func breakdownAt(c *result.CurveCost, n int) *scaling.Breakdown {
	if len(c.StageBreakdowns) == 0 {
		return nil
	}
	if b := lastOf(c.StageBreakdowns); b.N == n && b.Total.Base > 0 {
		return &b
	}
	return nil
}

// estimate says between what an estimate lies over the runs, "" if that is not
// known.
func estimate(e compare.Estimate) string {
	if !e.Known() {
		return ""
	}
	return format.Within(e.Interval, format.FourDigits)
}

// changed is the relative change of the cost: "67 % more ns".
func changed(b *scaling.Breakdown, doubt string) string {
	unit, _, _ := strings.Cut(b.Unit, "/")
	added := b.Total.Delta
	text := fmt.Sprintf("%s more %s", format.InPercent(added.Value/b.Total.Base, 0), unit)
	if added.Value < 0 {
		text = fmt.Sprintf("%s fewer %s", format.InPercent(-added.Value/b.Total.Base, 0), unit)
	}
	if doubt != "" {
		text += " (in doubt)"
	}
	if i := added.Interval; i.Known() && i.Contains(0) {
		text += " (not shown: the interval holds 0)"
	}
	return text
}

// noticed is the least growth of the cost that is laid to stages: of less, single
// stages are many times the whole.
const noticed = 0.02

// addedNames names the stages that make up most of what was added.
func addedNames(b *scaling.Breakdown) string {
	var names []string
	for _, row := range b.Rows[:min(2, len(b.Rows))] {
		if row.Share != nil && b.Total.Delta.Value > noticed*b.Total.Base && *row.Share >= 0.1 {
			names = append(names, fmt.Sprintf("%s of it in %s", format.InPercent(*row.Share, 0), row.Key))
		}
	}
	return strings.Join(names, ", ")
}
