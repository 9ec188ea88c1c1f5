package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

func titleOf(r *result.Result) string {
	if c := r.Comparison; c != nil {
		return format.Visible(cmp.Or(c.Before.Name, "before")+" → "+cmp.Or(c.After.Name, "after"), 120)
	}
	runs := result.RunsPresent(r)
	if len(runs) == 0 {
		return "no runs"
	}
	if len(runs) == 1 {
		return format.Name(format.OrDash(runs[0].Name))
	}
	var modes []string
	var ns []int
	for _, c := range r.Curves {
		if c.Mode != "" {
			modes = append(modes, format.Visible(c.Mode, 24))
		}
	}
	for _, run := range runs {
		ns = append(ns, run.N)
	}
	return format.Visible(fmt.Sprintf("%s on %s %s, %d runs", cmp.Or(strings.Join(modes, " and "), "runs"),
		nsText(ns), cmp.Or(runs[0].Factor, "CPUs"), len(runs)), 100)
}

// nsText lists numbers, those that follow one another as "1 to 16".
func nsText(ns []int) string {
	ns = slices.Clone(ns)
	slices.Sort(ns)
	ns = slices.Compact(ns)
	if n := len(ns); n > 3 && ns[n-1]-ns[0] == n-1 {
		return fmt.Sprintf("%d to %d", ns[0], ns[n-1])
	}
	var out []string
	for _, n := range ns {
		out = append(out, format.AxisNumber(float64(n)))
	}
	if last := len(out) - 1; last > 5 {
		return out[0] + " to " + out[last]
	}
	return strings.Join(out, ", ")
}

// leadOf says on what and how was measured.
func leadOf(r *result.Result) string {
	runs := result.RunsPresent(r)
	if len(runs) == 0 {
		return "The result holds no runs."
	}
	parts := []string{
		strings.TrimSpace("host " + view.Common(runs, view.HostName)),
		strings.TrimSpace("kernel " + view.Common(runs, func(r *result.Run) string {
			return r.Manifest.Host.Kernel
		})),
		view.CPUModel(runs),
	}
	event := view.EventText(runs, func(e *result.Event) string {
		if e == nil {
			return ""
		}
		return e.Name + " in " + e.Unit
	})
	parts = append(parts, "event "+format.OrUnknown(event))
	if hz := view.Common(runs, view.Frequency); hz != "" {
		parts = append(parts, "-F "+hz)
	}
	if s := view.WindowText(runs); s != "" {
		parts = append(parts, "windows of "+s+" s")
	}
	if s := view.Common(runs, func(r *result.Run) string { return r.Packets.Source }); s != "" {
		parts = append(parts, "packets from "+s)
	}
	if s := view.RepeatsText(r); s != "" {
		parts = append(parts, "figures of the median run of each N; every run is a dot and a row")
	}
	var out []string
	for _, s := range parts {
		if s != "" && s != "kernel" && s != "host" && s != "host unnamed" {
			out = append(out, format.Name(s))
		}
	}
	return strings.Join(out, " · ")
}

// A claim is a finding as the page prints it.
type claim struct {
	Who, Text       string
	Evidence        []string
	NotProven, Next string
	ID              string
}

func claimsOf(r *result.Result) []claim {
	var out []claim
	for _, f := range r.Findings {
		c := claim{ID: format.Name(f.ID), Text: format.Visible(format.Sentence(f.Claim), 400),
			NotProven: format.Visible(f.NotProven, 400), Next: format.Visible(f.Next, 400)}
		if who := format.Visible(format.Sentence(f.Subject), 400); who != "" && len(who) < 40 {
			c.Who, c.Text = who, strings.TrimPrefix(c.Text, who+": ")
		}
		for _, e := range f.Evidence {
			c.Evidence = append(c.Evidence, format.Visible(format.Sentence(e), 400))
		}
		out = append(out, c)
	}
	return out
}
