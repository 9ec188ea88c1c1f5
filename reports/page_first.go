package reports

import (
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
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
func tilesOf(r *analyze.Result) []tile {
	last := lastOfModes(r)
	make1 := func(head, unit string, of func(*analyze.Run) metric.Value) tile {
		t := tile{Head: head, Unit: unit}
		for _, run := range last[:min(3, len(last))] {
			t.Rows = append(t.Rows, tileRowOf(run, of(run)))
		}
		if left := len(last) - 3; left > 0 {
			t.More = fmt.Sprintf("%d more in the table", left)
		}
		return t
	}
	spin := make1("Spin share", "% of busy", func(r *analyze.Run) metric.Value { return all(r).SpinShare })
	spin.Warn = slices.ContainsFunc(last, func(r *analyze.Run) bool { return shareOf(all(r).SpinShare) >= .01 })
	wait := make1("Lock wait", "ns/packet, by probe", func(r *analyze.Run) metric.Value { return r.Locks.PerPkt })
	for i := range wait.Rows {
		if wait.Rows[i].Why == "" {
			wait.Rows[i].N = effectNote(last[i])
			wait.Warn = wait.Warn || perturbed(last[i])
		}
	}
	return []tile{
		make1("Throughput", tileUnit(r), tileRate(r)),
		make1("Cost", costUnit(last), func(r *analyze.Run) metric.Value { return all(r).PerPacket }),
		spin,
		wait,
	}
}

// tileUnit is the unit of the first tile: bit/s have too many digits for it.
func tileUnit(r *analyze.Result) string {
	if unit := r.Rating().Unit; unit != "bit/s" {
		return unit
	}
	return "Gbit/s"
}

func tileRate(r *analyze.Result) func(*analyze.Run) metric.Value {
	by := r.Rating()
	return func(run *analyze.Run) metric.Value {
		v := by.Of(run)
		if by.Unit == "bit/s" {
			v.Value, v.SE, v.Unit = v.Value/1e9, v.SE/1e9, "Gbit/s"
		}
		return v
	}
}

// lastOfModes returns each mode's run at its largest N.
func lastOfModes(r *analyze.Result) []*analyze.Run {
	var last []*analyze.Run
	groups := medianRuns(r)
	for i, g := range groups {
		if lastOfMode(groups, i) {
			last = append(last, g.chosen)
		}
	}
	return last
}

func tileRowOf(r *analyze.Run, v metric.Value) tileRow {
	f := figureOf(v)
	row := tileRow{Label: visible(groupLabel(r), 24)}
	if f.Missing != "" {
		row.Value, row.Why = "not measured", visible(strings.TrimPrefix(f.Missing, "not measured: "), 100)
		return row
	}
	row.Value, row.Err = pretty(f.Value), pretty(f.Err)
	if v.SE > 0 || v.ID == metric.SpinID { // a share's n is what it is a share of
		row.N = "n = " + pretty(count(all(r).Busy.Samples))
	}
	return row
}

// A livebox is a figure and the chart it shows.
type livebox struct {
	box   figureBox
	chart liveFigure
}

// firstFigures are the two figures of the first screen: curves over N; bars
// where several runs have the same N; stages and CPUs of a single run.
func firstFigures(r *analyze.Result, side []*analyze.Run) [2]livebox {
	switch {
	case overN(r):
		return [2]livebox{
			{figureBox{ID: "chart-rate", Title: "Does throughput grow with " + name(r.Factor()) + "?", Caption: rateCaption(r)}, rateChart(r)},
			{figureBox{ID: "chart-spin", Title: "Is time lost spinning on locks?", Caption: "Spin share of busy samples, each run a dot ± one standard error of sampling."}, spinChart(r)},
		}
	case len(present(r)) == 1:
		stages, cpus := stageRows(side[0]), cpuRows(side[0])
		title := "Where does a packet's time go?"
		if !finite(all(side[0]).PerPacket) {
			title = "Where does the time go?"
		}
		return [2]livebox{
			{figureBox{ID: "chart-rate", Title: title, Caption: "The heaviest stages ± one standard error of sampling. Locks are charged to the stage that takes them."}, stages},
			{figureBox{ID: "chart-spin", Title: "Is time lost spinning on locks, and on which CPUs?", Caption: cpuCaption(side[0]), Legend: cpus.legendItems()}, cpus},
		}
	}
	rate := runBars(side, "Packets per second of each run", "packets/s", "s0", "", func(r *analyze.Run) metric.Value { return r.Packets.Rate })
	spin := runBars(side, "Spin share of each run", "% of busy", "spin", "d", func(r *analyze.Run) metric.Value { return all(r).SpinShare })
	return [2]livebox{
		{figureBox{ID: "chart-rate", Title: "Packets/s", Caption: "One bar a run; no error is known from a single run."}, rate},
		{figureBox{ID: "chart-spin", Title: "Is time lost spinning on locks?", Caption: "Spin share of busy samples ± one standard error of sampling."}, spin},
	}
}

// rateCaption explains the lines of the first figure that are there.
func rateCaption(r *analyze.Result) string {
	s := fmt.Sprintf("%s, each run a dot. Dashed: N times the first run of the mode, as if all added as much.", r.Rating().Unit)
	if r.Rating().Unit == "packets/s" {
		s = "Packets/s, each run a dot. Dashed: N times the first run of the mode, as if every CPU added as much."
	}
	law, knee, band := false, false, false
	for _, c := range rateChart(r).series {
		law, knee, band = law || len(c.law) > 0, knee || c.knee > 0, band || len(c.band) > 0
	}
	if band {
		s += " Band: interval of the median."
	}
	if law {
		s += " Dotted: the law fitted (USL)."
	}
	if knee {
		s += " Thin vertical line: where a mode stops scaling, its knee."
	}
	return s
}

// cpuCaption explains the bars of CPUs and says how many are left out.
func cpuCaption(r *analyze.Run) string {
	s := "Samples of each CPU that are not idle, per cent of all its samples."
	if e := r.Main(); e != nil && len(e.CPUs) > maxCPUBars {
		s += fmt.Sprintf(" %d of %d CPUs; all are below.", maxCPUBars, len(e.CPUs))
	}
	return s
}

func titleOf(r *analyze.Result) string {
	if r.Comparison != nil {
		return titleOfComparison(r.Comparison)
	}
	runs := present(r)
	if len(runs) == 0 {
		return "no runs"
	}
	if len(runs) == 1 {
		return name(orDash(runs[0].Name))
	}
	var modes []string
	var ns []int
	for _, c := range r.Curves {
		if c.Mode != "" {
			modes = append(modes, visible(c.Mode, 24))
		}
	}
	for _, run := range runs {
		ns = append(ns, run.N)
	}
	return visible(fmt.Sprintf("%s on %s %s, %d runs", orWord(strings.Join(modes, " and "), "runs"), nsText(ns), orWord(runs[0].Factor, "CPUs"), len(runs)), 100)
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
func leadOf(r *analyze.Result) string {
	runs := present(r)
	if len(runs) == 0 {
		return "The result holds no runs."
	}
	parts := []string{
		strings.TrimSpace("host " + common(runs, hostName)),
		strings.TrimSpace("kernel " + common(runs, func(r *analyze.Run) string { return r.Manifest.Host.Kernel })),
		common(runs, func(r *analyze.Run) string { return r.Manifest.Host.CPUModel }),
	}
	event := common(runs, func(r *analyze.Run) string {
		if e := r.Main(); e != nil {
			return e.Name + " in " + e.Unit
		}
		return ""
	})
	parts = append(parts, "event "+orUnknown(event))
	if hz := common(runs, frequency); hz != "" {
		parts = append(parts, "-F "+hz)
	}
	if s := common(runs, seconds); s != "" {
		parts = append(parts, "windows of "+s+" s")
	}
	if s := common(runs, func(r *analyze.Run) string { return r.Packets.Source }); s != "" {
		parts = append(parts, "packets from "+s)
	}
	if s := repeatsText(r); s != "" {
		parts = append(parts, "figures of the median run of each N; every run is a dot and a row")
	}
	var out []string
	for _, s := range parts {
		if s != "" && s != "kernel" && s != "host" && s != "host unnamed" {
			out = append(out, name(s))
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

func claimsOf(r *analyze.Result) []claim {
	var out []claim
	for _, f := range r.Findings {
		c := claim{ID: name(f.ID), Text: visible(sentence(f.Claim), 400), NotProven: visible(f.NotProven, 400), Next: visible(f.Next, 400)}
		if who, rest, ok := strings.Cut(c.Text, ": "); ok && len(who) < 40 {
			c.Who, c.Text = who, rest
		}
		for _, e := range f.Evidence {
			c.Evidence = append(c.Evidence, visible(sentence(e), 400))
		}
		out = append(out, c)
	}
	return out
}

// sentence writes the signs of a sentence as typography has them, and keeps a
// number beside its per cent sign.
func sentence(s string) string {
	return strings.NewReplacer(" +- ", thin+"±"+thin, " %", thin+"%").Replace(s)
}
