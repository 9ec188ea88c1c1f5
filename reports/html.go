package reports

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
)

// HTMLOptions says what the page holds.
type HTMLOptions struct {
	// FlameBytes bounds the flame graphs inside the page together; those
	// beyond are named. 0 means DefaultPageFlames, a negative value none.
	FlameBytes int
	// Static leaves out the interactive charts and their library.
	Static bool
	// Files are artefacts beside the page, to be linked.
	Files []string
}

// DefaultPageFlames keeps a page with its library under 2 MB.
const DefaultPageFlames = 1_100_000

// HTML writes the Result as one page that needs no network and, to be read, no
// script. Its Content-Security-Policy allows no request; the only scripts that
// may run are the page's own and ECharts, by their hashes.
func HTML(w io.Writer, r *analyze.Result, o HTMLOptions) error {
	p, err := newPage(r, o)
	if err != nil {
		return err
	}
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("reading the page template: %w", err)
	}
	var b bytes.Buffer // the page is written whole or not at all
	if err := t.Execute(&b, p); err != nil {
		return fmt.Errorf("rendering the page: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// A page is what the template prints: text, tables and drawn figures.
type page struct {
	Policy  string
	Style   template.CSS
	Defs    template.HTML // patterns that the figures share
	Library template.HTML
	Results template.HTML // the page's own copy, for ReadHTML
	LeftOut string        // what that leaves out
	Charts  []liveChart
	Script  template.JS
	Legal   []string

	Title, Lead, Tool string
	Claims            []claim
	Tiles             []tile
	Sections          []section

	First   []figureBox // first screen
	Runs    table
	Stages  figureBox
	StageOf table
	Panels  []panel
	PanelOf []legendItem
	CPUs    table

	Probes  []string
	Locks   table
	Callers table
	SAs     table

	Misses, MissCPUs table
	MissOf           []table
	MissGaps         notes

	Functions []eventTables
	Flames    []flameBox
	FlamesOut []string

	Warnings, Losses, Gaps, Blind notes
	Total                         int // runs
	NotProven                     []string
	Formulas                      []metric.Formula
	Provenance                    []provenance
	Files                         []string
}

// A section is an entry of the page's table of contents.
type section struct{ ID, Text string }

// A claim is a finding as the page prints it.
type claim struct {
	Who, Text       string
	Evidence        []string
	NotProven, Next string
	ID              string
}

// A figureBox is a static figure with what explains it.
type figureBox struct {
	ID, Title, Caption string
	Picture            template.HTML
	Legend             []legendItem
}

// A panel is one run's CPUs.
type panel struct {
	Label   string
	Picture template.HTML
}

// eventTables are the functions of one event, runs side by side.
type eventTables struct {
	Event, Unit string
	Open        bool
	Functions   table
	Unmatched   table
}

func newPage(r *analyze.Result, o HTMLOptions) (*page, error) {
	runs := present(r)
	side := pageRuns(r, 8)
	p := &page{
		Style: template.CSS(pageCSS + flameStyle(kindTable())), Script: template.JS(pageScript), Policy: contentPolicy(),
		Title: titleOf(r), Lead: leadOf(runs), Tool: name(r.Tool), Claims: claimsOf(r), Tiles: tilesOf(r),
		Runs: runsTable(r), StageOf: stageTable(side), CPUs: cpuPageTable(runs), PanelOf: spinLegend(),
		Probes: probeLines(runs), Locks: locksTable(runs), SAs: saTable(runs),
		Misses: missTable(runs, false), MissCPUs: missTable(runs, true), MissOf: missFunctions(side), MissGaps: missGaps(runs),
		Callers:   listing{id: "caller-table", caption: "Who entered a lock's slow path, share of busy", what: "function", of: spinCallers, rows: 20, code: true}.table(side),
		Functions: functionTables(side), Warnings: warnings(r), Losses: losses(r), Gaps: gaps(r), Blind: blind(r), Total: len(runs),
		NotProven: notProven(r), Formulas: metric.Catalogue(), Provenance: provenanceOf(runs), Files: o.Files,
	}
	var defs svgWriter
	hatchPatterns(&defs)
	p.Defs = template.HTML(defs.String())
	for _, run := range pick(len(runs), 24) {
		if picture := cpuPanel(runs[run], runs[run].Main()); picture != nil {
			p.Panels = append(p.Panels, panel{name(runLabel(runs[run])), template.HTML(picture)})
		}
	}
	p.addFlames(r, o)
	if err := p.addCharts(r, side, o); err != nil {
		return nil, err
	}
	p.Results, p.LeftOut = embedded(r)
	p.Sections = sectionsOf(p)
	return p, nil
}

// A liveFigure is a chart in both of its forms.
type liveFigure interface {
	render() []byte
	live(id string) (liveChart, error)
}

// addCharts draws the figures and, unless the page is to be static, adds their
// interactive twins.
func (p *page) addCharts(r *analyze.Result, side []*analyze.Run, o HTMLOptions) error {
	add := func(f figureBox, c liveFigure) (figureBox, error) {
		f.Picture = template.HTML(c.render())
		if f.Picture == "" || o.Static {
			return f, nil
		}
		live, err := c.live(f.ID)
		p.Charts = append(p.Charts, live)
		return f, err
	}
	for _, f := range firstFigures(r, side) {
		box, err := add(f.box, f.chart)
		if err != nil {
			return err
		}
		p.First = append(p.First, box)
	}
	stages := stageChart(side)
	box, err := add(figureBox{ID: "chart-stages", Title: "Cost by stage", Caption: "The thin bar under each is the part of it spent in locks, whatever the stage.", Legend: stages.legendItems()}, stages)
	p.Stages = box
	if len(p.Charts) > 0 {
		p.Library, p.Legal = echartsBlock(), []string{echartsNotice, zrenderLicense, d3License}
	}
	return err
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
			{figureBox{ID: "chart-rate", Title: "Does throughput grow with CPUs?", Caption: "Packets/s, each run a dot. Dashed: N times the first run of the mode, as if every CPU added as much."}, rateChart(r)},
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

// cpuCaption explains the bars of CPUs and says how many are left out.
func cpuCaption(r *analyze.Run) string {
	s := "Samples of each CPU that are not idle, per cent of all its samples."
	if e := r.Main(); e != nil && len(e.CPUs) > maxCPUBars {
		s += fmt.Sprintf(" %d of %d CPUs; all are below.", maxCPUBars, len(e.CPUs))
	}
	return s
}

func titleOf(r *analyze.Result) string {
	runs := present(r)
	if len(runs) == 0 {
		return "no runs"
	}
	if len(runs) == 1 {
		return name(orDash(runs[0].Name))
	}
	var modes, ns []string
	for _, c := range r.Curves {
		if c.Mode != "" {
			modes = append(modes, visible(c.Mode, 24))
		}
	}
	for _, run := range runs {
		if n := fmt.Sprint(run.N); !slices.Contains(ns, n) {
			ns = append(ns, n)
		}
	}
	return visible(fmt.Sprintf("%s on %s CPUs, %d runs", orWord(strings.Join(modes, " and "), "runs"), strings.Join(ns, ", "), len(runs)), 100)
}

// leadOf says on what and how was measured.
func leadOf(runs []*analyze.Run) string {
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
	var out []string
	for _, s := range parts {
		if s != "" && s != "kernel" && s != "host" && s != "host unnamed" {
			out = append(out, name(s))
		}
	}
	return strings.Join(out, " · ")
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

func spinCallers(r *analyze.Run) []analyze.Share { return all(r).SpinCallers }

func stageTable(runs []*analyze.Run) table {
	l := listing{id: "stage-table", caption: "Stages, share of busy samples; no packets were counted", what: "stage", of: func(r *analyze.Run) []analyze.Share { return all(r).Stages }, rows: maxRows}
	if unit := costUnit(runs); unit != noCost {
		l.caption, l.cost = "Stages, cost per packet ± one standard error; bars and tips have the share of busy samples", unit
	}
	return l.table(runs)
}

// functionTables has one entry for each event: events are never put together.
func functionTables(side []*analyze.Run) []eventTables {
	var out []eventTables
	seen := map[string]bool{}
	for _, run := range side {
		for _, e := range run.Events {
			if seen[e.Name] || len(out) == 16 {
				continue
			}
			seen[e.Name] = true
			of := func(pick func(*analyze.Event) []analyze.Share) func(*analyze.Run) []analyze.Share {
				return func(r *analyze.Run) []analyze.Share {
					for _, o := range r.Events {
						if o.Name == e.Name {
							return pick(o)
						}
					}
					return nil
				}
			}
			id := fmt.Sprintf("functions-%d", len(out))
			out = append(out, eventTables{
				Event: name(e.Name), Unit: name(e.Unit), Open: e == run.Main(),
				Functions: listing{id: id, caption: "Functions by self share of busy ± one standard error, event " + name(e.Name), what: "function", rows: 40, code: true,
					of: of(func(e *analyze.Event) []analyze.Share { return e.All.Functions })}.table(side),
				Unmatched: listing{id: "un" + id, caption: "Leaf functions that no stage claims, event " + name(e.Name), what: "function", rows: 20, code: true,
					of: of(func(e *analyze.Event) []analyze.Share { return e.Unmatched })}.table(side),
			})
		}
	}
	return out
}

func probeLines(runs []*analyze.Run) []string {
	var n notes
	for _, r := range runs {
		switch {
		case r.Locks.Gap != nil:
			n.add(note{Text: "not measured: " + orDash(r.Locks.Gap.Why), Fix: r.Locks.Gap.Fix}, r)
		case r.Locks.Rung != "":
			n.add(note{Text: "wait probe attached by " + r.Locks.Rung}, r)
		}
		for _, b := range r.Locks.Blind {
			n.add(note{Text: "does not see " + b}, r)
		}
	}
	var out []string
	for _, x := range n {
		out = append(out, visible(x.Text, 300)+" ("+visible(x.runsText(len(runs)), 120)+")")
	}
	return out
}

func sectionsOf(p *page) []section {
	list := []section{{"runs", "Runs"}, {"stages", "Cost by stage"}, {"cpus", "CPUs"}, {"locks", "Locks"}, {"misses", "Cache misses"}}
	if len(p.SAs.Rows) > 0 {
		list = append(list, section{"sas", "SAs"})
	}
	list = append(list, section{"functions", "Functions"})
	if len(p.Flames)+len(p.FlamesOut) > 0 {
		list = append(list, section{"flames", "Flame graphs"})
	}
	return append(list, section{"limits", "Limits"}, section{"provenance", "Provenance"})
}
