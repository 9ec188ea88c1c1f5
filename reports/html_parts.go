package reports

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

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
		make1("Throughput", "packets/s", func(r *analyze.Run) metric.Value { return r.Packets.Rate }),
		make1("Cost", costUnit(last), func(r *analyze.Run) metric.Value { return all(r).PerPacket }),
		spin,
		wait,
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
	row := tileRow{Label: visible(runLabel(r), 24)}
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

// A flameBox is one flame graph of the page.
type flameBox struct {
	ID, Title string
	Open      bool
	Picture   template.HTML
}

// addFlames draws flame graphs into the page, the runs at the largest N of
// their mode first, until they would be too large together.
func (p *page) addFlames(r *analyze.Result, o HTMLOptions) {
	budget := o.FlameBytes
	if budget == 0 {
		budget = DefaultPageFlames
	}
	used, full := 0, budget < 0
	for i, f := range flameOrder(r) {
		title := name(fmt.Sprintf("%s, event %s", runLabel(f.run), f.event.Name))
		var picture []byte
		if !full {
			picture = renderFlame(f.event.Profile, FlameOptions{Run: runLabel(f.run)}, true)
			full = used+len(picture) > budget
		}
		if full {
			p.FlamesOut = append(p.FlamesOut, title)
			continue
		}
		used += len(picture)
		p.Flames = append(p.Flames, flameBox{ID: fmt.Sprintf("flame-%d", i), Title: title, Picture: template.HTML(picture)})
	}
	if i := mostSpinning(r, p.Flames); i >= 0 {
		p.Flames[i].Open = true
	}
}

type flameOf struct {
	run   *analyze.Run
	event *analyze.Event
}

// flameOrder lists the profiles: main events of the last runs of each mode,
// main events of the others, then the other events in the same order.
func flameOrder(r *analyze.Result) []flameOf {
	runs := lastOfModes(r)
	for _, run := range present(r) {
		if !slices.Contains(runs, run) {
			runs = append(runs, run)
		}
	}
	var first, then []flameOf
	for _, run := range runs {
		for _, e := range run.Events {
			switch {
			case e.Profile == nil:
			case e == run.Main():
				first = append(first, flameOf{run, e})
			default:
				then = append(then, flameOf{run, e})
			}
		}
	}
	return append(first, then...)
}

// mostSpinning is the flame graph to open: that of the last run of a mode that
// spins most.
func mostSpinning(r *analyze.Result, boxes []flameBox) int {
	best, most := -1, -1.0
	for i, f := range flameOrder(r)[:len(boxes)] {
		if s := shareOf(all(f.run).SpinShare); f.event == f.run.Main() && s > most {
			best, most = i, s
		}
	}
	return best
}

// provenance is how one run came about.
type provenance struct {
	Label    string
	Facts    [][2]string
	Commands []commandLine
	Files    table
}

type commandLine struct {
	Line string
	Exit int
}

func provenanceOf(runs []*analyze.Run) []provenance {
	var out []provenance
	for _, i := range pick(len(runs), 64) {
		out = append(out, provenanceOfRun(runs[i], i))
	}
	return out
}

func provenanceOfRun(r *analyze.Run, i int) provenance {
	m := &r.Manifest
	p := provenance{Label: name(orDash(r.Name))}
	add := func(key, value string) {
		if value != "" {
			p.Facts = append(p.Facts, [2]string{key, visible(value, 400)})
		}
	}
	add("bundle", r.Path)
	add("written by", strings.TrimSpace(m.Tool+" "+m.Source))
	add("status", strings.TrimSpace(string(m.Status)+" "+m.Why))
	if !m.Started.IsZero() {
		add("started", m.Started.UTC().Format(time.RFC3339))
	}
	add("window", seconds(r)+" s on CLOCK_MONOTONIC")
	add("CPUs measured", m.Plan.CPUs.String())
	add("sampling frequency", frequency(r))
	for _, e := range m.Events {
		add("event asked for", eventText(e.Asked, e.Opened, e.Why))
	}
	for _, e := range r.Events {
		add("event recorded", e.Name+" ("+e.Unit+")")
	}
	add("host", m.Host.Name)
	add("kernel", strings.TrimSpace(m.Host.Kernel+" "+m.Host.Version+" "+m.Host.Arch))
	add("kernel build id", m.Host.BuildID)
	add("kernel command line", m.Host.CmdLine)
	add("CPU", m.Host.CPUModel)
	add("CPUs online", m.Host.Online.String())
	if m.Host.Hypervisor {
		add("hypervisor", "yes: a guest; its clocks and caches are not the machine's")
	}
	for _, probe := range m.Probes {
		add("probe", probe.Name+" attached by "+probe.Rung)
	}
	for _, k := range sortedKeys(m.Plan.Labels) {
		add("label "+visible(k, 40), m.Plan.Labels[k])
	}
	for _, c := range m.Commands {
		p.Commands = append(p.Commands, commandLine{visible(shellLine(c.Argv), 2000), c.Exit})
	}
	p.Files = table{ID: fmt.Sprintf("files-%d", i), Caption: "Files of the bundle", Head: []column{{Text: "file"}, {Text: "bytes", Number: true}, {Text: "sha256"}}}
	for _, f := range m.Files {
		p.Files.Rows = append(p.Files.Rows, []cell{textCell(f.Name), countCell(uint64(max(f.Size, 0))), {Text: visible(f.SHA256, 64), Code: true}})
	}
	return p
}

func eventText(asked, opened, why string) string {
	switch {
	case opened == asked:
		return asked + ": opened"
	case opened == "":
		return asked + ": not opened: " + orDash(why)
	}
	return asked + ": " + opened + " took its place: " + orDash(why)
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// shellLine quotes a command line so that it can be pasted into a shell.
func shellLine(argv []string) string {
	var out []string
	for _, a := range argv {
		plain := a != "" && strings.IndexFunc(a, func(r rune) bool {
			return !strings.ContainsRune("%+,-./:=@_", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		}) < 0
		if !plain {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		out = append(out, a)
	}
	return strings.Join(out, " ")
}
