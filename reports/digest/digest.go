package digest

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

const (
	digestColumns = 72 // a mail quotes it twice within 76
	digestLines   = 30
)

// What begins the first line of a digest and its last ones, by which one is found in
// a mail.
const (
	opening = "xfrmscope: "
	again   = "Again: "
	loaded  = "Load: "
	cut     = "(report.html has "
)

// Write writes the Result as a block of ASCII for a mail: at most 30 lines of
// 72 columns. What was compared comes first, then one sentence that says how it
// ended, the figures, where the time goes, what got worse, what weakens which
// number, and the command that makes it again. What finds no room is counted.
func Write(w io.Writer, r *result.Result) error {
	_, err := io.WriteString(w, strings.Join(fitBlocks(blocksOf(r), digestLines), "\n")+"\n")
	return err
}

func blocksOf(r *result.Result) []block {
	runs := result.RunsPresent(r)
	title := wrapped(opening, "  ", title(r, runs))
	if len(runs) == 0 {
		return []block{{items: [][]string{title}}}
	}
	notes := newFootnotes(r, runs)
	sheet := newSheet(r, sheetRows)
	blocks := []block{
		{items: [][]string{title, wrapped("", "  ", setupText(r, runs))}},
		{items: [][]string{wrapped(foundOf(runs), "", view.Verdict(r))}, gap: true},
		tableBlock(sheet, notes),
		{items: notes.items()},
	}
	blocks = append(blocks, whereBlocks(r)...)
	if worse, ok := worseBlock(r); ok {
		blocks = append(blocks, worse)
	}
	blocks = append(blocks, foundBlock(r), caveatBlock(r, runs))
	return append(blocks, errorBlock(blocks), block{items: repeatItems(r, runs)})
}

// foundOf begins the verdict of a run that stands alone, which is one finding of it.
func foundOf(runs []*result.Run) string {
	if len(runs) == 1 {
		return "found: "
	}
	return ""
}

// errorBlock says what stands after +-, if any does.
func errorBlock(blocks []block) block {
	for _, b := range blocks {
		for _, item := range b.items {
			if strings.Contains(strings.Join(item, ""), "+-") {
				return block{items: lineItems([]string{format.PlusMinus})}
			}
		}
	}
	return block{}
}

// wrapped wraps a sentence: its first line begins with first, the others with rest.
func wrapped(first, rest, text string) []string {
	return format.Wrap(format.ASCII(text, 320), first, rest, digestColumns)
}

// title says what was compared.
func title(r *result.Result, runs []*result.Run) string {
	what := "kernel"
	switch {
	case len(runs) == 0:
		return "no runs"
	case view.OnlyTraffic(runs):
		what = "throughput"
	case slices.ContainsFunc(runs, func(r *result.Run) bool { return len(r.SAs) > 0 || passesXFRM(r) }):
		what = "ESP"
	}
	groups := view.MedianRuns(r)
	modes := modesOf(r, groups)
	switch {
	case r.Comparison != nil:
		c := r.Comparison
		return fmt.Sprintf("%s on %s: before (%s, %s) vs after (%s, %s)", what, nsText(r, runs),
			tail(cmp.Or(c.Before.Name, "unnamed"), 24), format.Counted(len(c.Before.Runs), "run"),
			tail(cmp.Or(c.After.Name, "unnamed"), 24), format.Counted(len(c.After.Runs), "run"))
	case len(runs) == 1 && runs[0].Mode == "":
		return fmt.Sprintf("%s in run %s, %s", what, tail(format.OrDash(runs[0].Name), 32),
			view.CPUsText(runs[0]))
	case len(modes) > 0 && len(modes) <= maxSides:
		var names []string
		for _, m := range modes {
			name, _ := view.ModeText(m)
			names = append(names, name)
		}
		return fmt.Sprintf("%s on %s: %s", what, nsText(r, runs), strings.Join(names, " vs "))
	case len(modes) > 0:
		return fmt.Sprintf("%s on %s: %d modes", what, nsText(r, runs), len(modes))
	}
	return fmt.Sprintf("%s in %s without a mode", what, format.Counted(len(runs), "run"))
}

// passesXFRM reports whether a run's packets went through IPsec, by its samples.
func passesXFRM(r *result.Run) bool {
	return slices.ContainsFunc(view.AllCPUs(r).Functions, func(f result.Share) bool {
		return strings.HasPrefix(f.Name, "xfrm_output") || strings.HasPrefix(f.Name, "xfrm_state_find")
	})
}

// nsText lists what N was: "1, 2, 4 CPUs", or its ends.
func nsText(r *result.Result, runs []*result.Run) string {
	var ns []int
	for _, run := range runs {
		ns = append(ns, run.N)
	}
	slices.Sort(ns)
	ns = slices.Compact(ns)
	what := r.Factor()
	if len(ns) == 1 && ns[0] == 1 {
		what = strings.TrimSuffix(what, "s")
	}
	if len(ns) > 6 {
		return fmt.Sprintf("%d to %d %s", ns[0], ns[len(ns)-1], what)
	}
	list := make([]string, len(ns))
	for i, n := range ns {
		list[i] = fmt.Sprint(n)
	}
	return strings.Join(list, ", ") + " " + what
}

// setupText is on what was measured: kernel, machine, generator, repeats.
func setupText(r *result.Result, runs []*result.Run) string {
	kernel := view.Common(runs, func(r *result.Run) string { return r.Manifest.Host.Kernel })
	parts := []string{format.ASCII(cmp.Or(kernel, "kernel not recorded"), 60)}
	if cpu := view.CPUModel(runs); cpu != "" {
		parts = append(parts, format.ASCII(cpu, 40))
	}
	if tool := view.Common(runs, generator); tool != "" {
		parts = append(parts, format.ASCII(tool, 30))
	}
	return strings.Join(append(parts, repeatsText(r, runs)), ", ") + "; " + methodText(runs)
}

// repeatsText is the runs of a point and their length: "5 runs of 20 s per point".
func repeatsText(r *result.Result, runs []*result.Run) string {
	least, most := 1, 1
	for i, g := range view.MedianRuns(r) {
		if i == 0 || g.Repeats < least {
			least = g.Repeats
		}
		most = max(most, g.Repeats)
	}
	text := format.Counted(most, "run")
	if least != most {
		text = fmt.Sprintf("%d to %d runs", least, most)
	}
	if seconds := view.WindowText(runs); seconds != "" {
		text += " of " + seconds + " s"
	}
	if len(runs) == 1 {
		return text
	}
	return text + " per point"
}

// queues are the network devices by driver and queues: "veth rx 1 of 5, tx 1".
func queues(r *result.Run) string {
	var out []string
	for key, driver := range r.Config {
		words := strings.Fields(key)
		if len(words) != 3 || words[0] != "nic" || words[2] != "driver" {
			continue
		}
		text := driver
		channels := strings.TrimPrefix(r.Config["nic "+words[1]+" channels"], "combined 0 of 0, ")
		if channels != "" {
			text += " " + channels
		}
		out = result.AppendNew(out, text)
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

// generator is who made the traffic.
func generator(r *result.Run) string {
	if r.Traffic != nil {
		return r.Traffic.Source
	}
	if l := r.Manifest.Plan.Load; l != nil {
		text := strings.Join(l.Argv, " ")
		for _, known := range []string{"pktgen", "iperf3", "trex", "netperf", "neper", "perf bench"} {
			if strings.Contains(text, known) {
				return known
			}
		}
	}
	return ""
}

// methodText is how it was measured.
func methodText(runs []*result.Run) string {
	event := view.EventText(runs, func(e *result.Event) string {
		if e == nil {
			return ""
		}
		return e.Name
	})
	if event == "" {
		return "no samples were taken" + sideText(runs)
	}
	s := "perf " + format.ASCII(event, 60)
	if hz := view.Common(runs, view.Frequency); hz != "" {
		s += " at " + hz + " Hz"
	}
	if nics := view.Common(runs, queues); nics != "" {
		s += "; " + format.ASCII(nics, 60)
	}
	source := view.Common(runs, func(r *result.Run) string { return r.Packets.Source })
	if source != "" && !slices.ContainsFunc(runs, func(r *result.Run) bool { return r.Packets.BySA }) {
		s += "; packets by " + format.ASCII(source, 40)
	}
	return s
}

// sideText says at which end a generator counted what the table holds.
func sideText(runs []*result.Run) string {
	each := func(side string) int {
		return len(slices.DeleteFunc(slices.Clone(runs), func(r *result.Run) bool {
			return r.Traffic == nil || r.Traffic.Counts != side
		}))
	}
	switch received, sent := each(bundle.Received), each(bundle.Sent); {
	case sent > 0 && received > 0:
		return fmt.Sprintf("; rates of what was received, of what was sent in %d of %d runs", sent, len(runs))
	case sent > 0:
		return "; rates of what was sent"
	case received > 0:
		return "; rates of what was received"
	}
	return ""
}

func tableBlock(s *sheet, notes *footnotes) block {
	b := block{gap: true, keep: sheetRows, least: 5, rank: 1, noun: "row"}
	groups := s.groups(notes)
	if len(groups) == 0 || len(s.rows) == 0 {
		b.items = [][]string{wrapped("  ", "  ", "neither packets nor samples: nothing to put in a table")}
		return b
	}
	var labels []string
	for _, row := range s.rows {
		labels = append(labels, row.label)
	}
	top, rows := lines(format.ASCII(s.head, 14), labels, groups)
	notes.keep(strings.Join(top, " "))
	b.items = append([][]string{append(top, rows[0])}, lineItems(rows[1:])...)
	b.more = s.cut
	return b
}

// footnotes are what the heads of columns hang on, in the order of their marks.
type footnotes struct {
	rate, cost, share, costTitle, spinTitle string

	used  []string
	marks string // what "!" and "*" mean, "" if there are none
}

func newFootnotes(r *result.Result, runs []*result.Run) *footnotes {
	n := &footnotes{costTitle: costTitle(runs), spinTitle: "spinning"}
	n.share = "of " + view.SamplesBy(runs...)
	if slices.ContainsFunc(runs, func(r *result.Run) bool { return r.Packets.Unperturbed != nil }) {
		n.rate = "without perf or probes"
	}
	n.cost = costBasis(runs)
	var marks []string
	if slices.ContainsFunc(runs, view.HasDoubt) {
		marks = append(marks, "! fails a cross-check")
	}
	if len(view.Contrasted(r)) == 0 && slices.ContainsFunc(runs, view.Perturbed) {
		marks = append(marks, "* counted at other packets/s")
	}
	for _, c := range view.Contrasted(r) {
		for _, f := range c.Rates {
			if len(view.Contrasted(r)) == 1 && f.Family.Significant > 0 {
				marks = append(marks, "* significant (Mann-Whitney U)")
			}
		}
	}
	n.marks = strings.Join(slices.Compact(marks), "; ")
	return n
}

// costBasis says where the cost is not that of the samples, as they cover too
// little of the time.
func costBasis(runs []*result.Run) string {
	var out []string
	for _, basis := range []string{metric.ByAccounting, metric.OfAllPackets} {
		n := len(slices.DeleteFunc(slices.Clone(runs), func(r *result.Run) bool {
			return !strings.HasPrefix(view.AllCPUs(r).PerPacket.Basis, basis)
		}))
		switch n {
		case 0:
		case len(runs):
			out = append(out, basis)
		default:
			out = append(out, fmt.Sprintf("%s in %d of %d runs", basis, n, len(runs)))
		}
	}
	return strings.Join(out, "; ")
}

// mark uses a note and returns its mark.
func (n *footnotes) mark(note string) string {
	if note == "" {
		return ""
	}
	n.used = result.AppendNew(n.used, note)
	return fmt.Sprintf(" [%d]", slices.Index(n.used, note)+1)
}

// keep drops the last notes whose mark stands on no head: their columns found no room.
func (n *footnotes) keep(heads string) {
	for len(n.used) > 0 && !strings.Contains(heads, fmt.Sprintf("[%d]", len(n.used))) {
		n.used = n.used[:len(n.used)-1]
	}
}

func (n *footnotes) items() [][]string {
	var out []string
	for i, note := range n.used {
		out = append(out, fmt.Sprintf("[%d] %s", i+1, note))
	}
	if n.marks != "" {
		out = append(out, n.marks)
	}
	if len(out) == 0 {
		return nil
	}
	return [][]string{wrapped("", "    ", strings.Join(out, "; "))}
}

// costTitle is the head of the cost per packet: "CPU ns/packet".
func costTitle(runs []*result.Run) string {
	unit := view.CostUnit(runs)
	if unit == view.NoCost {
		return unit
	}
	return "CPU " + format.ASCII(unit, 16)
}

// repeatItems are what makes the digest again, and what made the load.
func repeatItems(r *result.Result, runs []*result.Run) [][]string {
	command := "xfrmscope report " + pathsText(runs)
	if !slices.ContainsFunc(runs, func(r *result.Run) bool { return r.Manifest.Source != "import" }) {
		command = "xfrmscope report FILE..., of the files that were imported"
	}
	if c := r.Comparison; c != nil {
		command = "xfrmscope compare " + bundle.ShellLine([]string{c.Before.Name, c.After.Name})
	}
	items := [][]string{wrapped(again, "  ", command)}
	load := view.Common(runs, func(r *result.Run) string {
		if l := r.Manifest.Plan.Load; l != nil {
			return loadText(l.Argv)
		}
		return ""
	})
	if load != "" {
		items = append(items, wrapped(loaded, "  ", format.ASCII(load, 130)))
	}
	return items
}

// loadText is a command; what a shell was given goes without the shell.
func loadText(argv []string) string {
	if len(argv) == 3 && argv[0] == "sh" && argv[1] == "-c" {
		return argv[2]
	}
	return strings.Join(argv, " ")
}

// pathsText names the sweeps that the runs are of, or the runs.
func pathsText(runs []*result.Run) string {
	var paths []string
	for _, r := range runs {
		path := r.Path
		if i := strings.LastIndexByte(path, '/'); i > 0 && r.Mode != "" && len(runs) > 1 {
			path = path[:i]
		}
		paths = result.AppendNew(paths, bundle.ShellLine([]string{path}))
	}
	if len(paths) > 4 {
		paths = append(paths[:4:4], "...")
	}
	return strings.Join(paths, " ")
}
