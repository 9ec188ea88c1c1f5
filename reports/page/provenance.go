package page

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// OfRun reports whether a file of a report is of one run: a flame graph, a profile,
// its waits.
func OfRun(file string) bool {
	return strings.HasPrefix(file, "flame-") && strings.HasSuffix(file, ".svg") ||
		strings.HasSuffix(file, ".pb.gz") || strings.HasSuffix(file, ".folded")
}

// provenanceSection is how each run came about, and who says so.
func provenanceSection(r *result.Result, p *page, leftOut string) section {
	s := section{ID: "provenance", Nav: "Provenance", Title: "Provenance"}
	if len(p.Files) > 0 {
		files := slices.DeleteFunc(slices.Clone(p.Files), OfRun)
		for _, file := range p.Files {
			if OfRun(file) {
				files = append(files, file)
			}
		}
		s.add(part{Text: "Beside this page:", Links: files[:min(maxLinks, len(files))]})
		if left := len(files) - maxLinks; left > 0 {
			s.add(part{Text: fmt.Sprintf("and %d files more of the kinds flame-RUN-EVENT.svg (flame "+
				"graph), RUN-EVENT.pb.gz and .folded (profile), RUN-locks.pb.gz (waits).", left)})
		}
	}
	runs := result.RunsPresent(r)
	chosen := view.Pick(len(runs), maxProvenance)
	var facts [][][2]string
	for _, i := range chosen {
		facts = append(facts, runFacts(runs[i]))
	}
	if len(runs) == 1 {
		s.add(part{Facts: facts[0]})
	} else if len(runs) > 1 {
		common := inAll(facts)
		if len(common) > 0 {
			s.add(folded("the same in all runs", part{Facts: common}))
		}
		s.add(folded("what differs from run to run",
			part{Table: factsTable(result.Pick(runs, chosen), facts, common)}))
	}
	for _, i := range chosen {
		parts := runCommands(runs[i])
		if len(runs) <= maxFileTables && len(runs[i].Manifest.Files) > 0 {
			parts = append(parts, part{Table: filesTable(runs[i].Manifest.Files, i)})
		}
		if len(parts) > 0 {
			s.add(folded("commands and files of "+format.Name(format.OrDash(runs[i].Name)), parts...))
		}
	}
	if len(runs) > maxFileTables {
		s.add(part{Text: "The files of each run, with their hashes, are in results.json.", Muted: true})
	}
	if left := len(runs) - maxProvenance; left > 0 {
		s.add(part{Text: fmt.Sprintf("%d runs more are in results.json.", left), Muted: true})
	}
	by := "Analysed by " + format.OrUnknown(format.Name(r.Tool)) + "."
	if leftOut != "" {
		by += " " + leftOut
	}
	if p.Library == "" {
		s.add(part{Text: by, Muted: true})
		return s
	}
	by += " Interactive charts: Apache ECharts " + echartsVersion + " (Apache-2.0) with zrender (BSD-3-Clause)."
	notices := folded("notices of the chart library", part{Command: echartsNotice}, part{Command: zrenderLicense},
		part{Command: d3License})
	notices.Fold.Legal = true
	s.add(part{Text: by, Muted: true}, notices)
	return s
}

// maxLinks bounds the files that are linked.
const maxLinks = 40

// inAll are the facts that every run has.
func inAll(runs [][][2]string) [][2]string {
	if len(runs) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(runs[0]), func(f [2]string) bool {
		return slices.ContainsFunc(runs, func(other [][2]string) bool { return !slices.Contains(other, f) })
	})
}

// factsTable has a row a run and a column for each kind of fact that not all share.
func factsTable(runs []*result.Run, facts [][][2]string, common [][2]string) view.Table {
	t := view.NewTable("facts-table", "What differs from run to run", "run")
	column := map[string]int{}
	for i, list := range facts {
		row := []view.Cell{view.TextCell(format.OrDash(runs[i].Name))}
		for _, f := range list {
			if slices.Contains(common, f) {
				continue
			}
			at, ok := column[f[0]]
			if !ok {
				at = len(t.Head)
				column[f[0]], t.Head = at, append(t.Head, view.Column{Text: f[0]})
			}
			for len(row) <= at {
				row = append(row, view.Cell{})
			}
			row[at].Text = strings.TrimPrefix(row[at].Text+"; "+f[1], "; ")
		}
		t.Add(row...)
	}
	for i := range t.Rows {
		t.Rows[i] = append(t.Rows[i], make([]view.Cell, len(t.Head)-len(t.Rows[i]))...)
	}
	return t
}

// maxProvenance bounds the runs whose provenance is in the page.
const maxProvenance = 64

// maxFileTables is how many runs list their files in the page.
const maxFileTables = 16

func runFacts(r *result.Run) [][2]string {
	m := &r.Manifest
	var facts [][2]string
	add := func(key, value string) {
		if value != "" {
			facts = append(facts, [2]string{key, format.Visible(value, 400)})
		}
	}
	add("bundle", r.Path)
	add("written by", strings.TrimSpace(m.Tool+" "+m.Source))
	add("status", strings.TrimSpace(string(m.Status)+" "+m.Why))
	if !m.Started.IsZero() {
		add("started", m.Started.UTC().Format(time.RFC3339))
	}
	add("window, monotonic", view.Seconds(r)+" s")
	add("CPUs measured", m.Plan.CPUs.String())
	add("sampling frequency", view.Frequency(r))
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
		add("probe", probe.Name+" attached by "+probe.AttachMode)
	}
	for _, k := range slices.Sorted(maps.Keys(m.Plan.Labels)) {
		add("label "+format.Visible(k, 40), m.Plan.Labels[k])
	}
	return facts
}

func runCommands(r *result.Run) []part {
	var parts []part
	for _, c := range r.Manifest.Commands {
		p := part{Command: format.Visible(bundle.ShellLine(c.Argv), 2000)}
		if c.Exit != 0 {
			p.Text, p.Muted = fmt.Sprintf("This ended with exit code %d:", c.Exit), true
		}
		parts = append(parts, p)
	}
	return parts
}

func filesTable(files []bundle.File, i int) view.Table {
	t := view.NewTable(fmt.Sprintf("files-%d", i), "Files of the bundle", "file", "bytes#", "sha256")
	for _, f := range files {
		t.Add(view.TextCell(f.Name), view.CountCell(uint64(max(f.Size, 0))),
			view.Cell{Text: format.Visible(f.SHA256, 64), Code: true})
	}
	return t
}

func eventText(asked, opened, why string) string {
	switch {
	case opened == asked:
		return asked + ": opened"
	case opened == "":
		return asked + ": not opened: " + format.OrDash(why)
	}
	return asked + ": " + opened + " took its place: " + format.OrDash(why)
}
