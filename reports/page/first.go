package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/curves"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// A tile is one figure of the first screen for each mode.
type tile struct {
	Head, Unit string
	Rows       []tileRow
	More       string // modes that found no room
	Warn       bool
}

type tileRow struct{ Label, Value, Err, N, Why string }

// tilesOf shows each mode at its largest N: throughput, cost, waiting.
func tilesOf(r *result.Result) []tile {
	groups := view.MedianRuns(r)
	last := view.ByPMU(view.Last(groups)...)
	make1 := func(head, unit string, of func(*result.Run) metric.Value) tile {
		t := tile{Head: head, Unit: unit}
		for _, run := range last[:min(3, len(last))] {
			t.Rows = append(t.Rows, tileRowOf(run, view.OverRepeats(groups, run, of)))
		}
		if left := len(last) - 3; left > 0 {
			t.More = fmt.Sprintf("%d more in the table", left)
		}
		return t
	}
	spin := make1("Spin share", "% of "+view.WeighedBy(last...), func(r *result.Run) metric.Value {
		return view.AllCPUs(r).SpinShare
	})
	spin.Warn = slices.ContainsFunc(last, func(r *result.Run) bool {
		return format.ShareOf(view.AllCPUs(r).SpinShare) >= .01
	})
	wait := make1("Lock wait", "ns/packet, by probe", func(r *result.Run) metric.Value { return r.Locks.PerPkt })
	for i := range wait.Rows {
		if wait.Rows[i].Why == "" {
			wait.Rows[i].N = view.EffectNote(last[i])
			wait.Warn = wait.Warn || view.Perturbed(last[i])
		}
	}
	return []tile{
		make1("Throughput", tileUnit(r), tileRate(r)),
		make1("Cost", view.CostUnit(last), func(r *result.Run) metric.Value {
			return view.AllCPUs(r).PerPacket
		}),
		spin,
		wait,
	}
}

// plusMinus says once in the page what stands after the sign.
func plusMinus() string { return strings.Replace(format.PlusMinus, "+-", "±", 1) }

// tileUnit is the unit of the first tile: bit/s have too many digits for it.
func tileUnit(r *result.Result) string {
	if unit := curves.Rated(r).Unit; unit != "bit/s" {
		return unit
	}
	return "Gbit/s"
}

func tileRate(r *result.Result) func(*result.Run) metric.Value {
	by := curves.Rated(r)
	return func(run *result.Run) metric.Value {
		v := by.Of(run)
		if by.Unit == "bit/s" {
			v.Value, v.SE, v.Unit = v.Value/1e9, v.SE/1e9, "Gbit/s"
		}
		return v
	}
}

func tileRowOf(r *result.Run, v metric.Value) tileRow {
	f := format.Of(v)
	row := tileRow{Label: format.Visible(view.GroupLabel(r), 24)}
	if v.Missing != nil {
		row.Value, row.Why = "not measured", format.Visible(cmp.Or(v.Missing.Why, "not measured"), 100)
		return row
	}
	row.Value, row.Err = format.Pretty(f.Value), format.Pretty(f.Err)
	if v.SE > 0 || v.ID == metric.SpinID { // a share's n is what it is a share of
		row.N = "n = " + format.Pretty(format.Count(view.AllCPUs(r).Busy.Samples))
	}
	return row
}

func titleOf(r *result.Result) string {
	if r.Comparison != nil {
		return titleOfComparison(r.Comparison)
	}
	runs := view.Present(r)
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
	return format.Visible(fmt.Sprintf("%s on %s %s, %d runs", format.OrWord(strings.Join(modes, " and "), "runs"),
		nsText(ns), format.OrWord(runs[0].Factor, "CPUs"), len(runs)), 100)
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
		out = append(out, fmt.Sprint(n))
	}
	return strings.Join(out, ", ")
}

// leadOf says on what and how was measured.
func leadOf(r *result.Result) string {
	runs := view.Present(r)
	if len(runs) == 0 {
		return "The result holds no runs."
	}
	parts := []string{
		strings.TrimSpace("host " + view.Common(runs, view.HostName)),
		strings.TrimSpace("kernel " + view.Common(runs, func(r *result.Run) string {
			return r.Manifest.Host.Kernel
		})),
		view.Common(runs, func(r *result.Run) string { return r.Manifest.Host.CPUModel }),
	}
	event := view.Common(runs, func(r *result.Run) string {
		var names []string
		for _, e := range r.Mains() {
			names = append(names, e.Name+" in "+e.Unit)
		}
		return strings.Join(names, " and ")
	})
	parts = append(parts, "event "+format.OrUnknown(event))
	if hz := view.Common(runs, view.Frequency); hz != "" {
		parts = append(parts, "-F "+hz)
	}
	if s := view.Common(runs, view.Seconds); s != "" {
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
