package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/chart"
	"xfrmscope/reports/flame"
	"xfrmscope/reports/format"
	"xfrmscope/reports/svg"
	"xfrmscope/reports/view"
)

// Options says what the page holds.
type Options struct {
	// FlameBytes bounds the flame graphs inside the page together. What finds
	// no room is named. 0 means what is left of PageBytes, a negative value
	// none.
	FlameBytes int
	// Static leaves out the interactive charts and their library.
	Static bool
	// Files are artefacts beside the page, to be linked.
	Files []string
}

// PageBytes is what a page may have, flame graphs included.
const PageBytes = 890_000

// Write writes the Result as one page that needs no network and, to be read, no
// script. Its Content-Security-Policy allows no request; the only scripts that
// may run are the page's own and ECharts, by their hashes.
func Write(w io.Writer, r *result.Result, o Options) error {
	p, err := newPage(r, o)
	if err != nil {
		return err
	}
	t, err := template.New("page").Funcs(template.FuncMap{"lengths": chart.LengthsPicture, "columns": columnClasses,
		"headsTell": headsTell, "headClass": headClass, "attributes": cellAttributes}).Parse(flame.Template +
		pageTemplate)
	if err != nil {
		return fmt.Errorf("reading the page template: %w", err)
	}
	var b bytes.Buffer // the page is written whole or not at all
	if err := t.Execute(&b, p); err != nil {
		return fmt.Errorf("rendering the page: %w", err)
	}
	if err := p.addFlames(r, o, b.Len()); err != nil {
		return err
	}
	b.Reset()
	if err := t.Execute(&b, p); err != nil {
		return fmt.Errorf("rendering the page: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// A page is what the template prints: the first screen, then sections.
type page struct {
	Policy  string
	Style   template.CSS
	Defs    template.HTML // patterns that the figures share
	Library template.HTML
	Results template.HTML // the page's own copy, for ReadHTML
	Charts  template.HTML // their options
	Names   template.HTML // of the files beside it
	Script  template.JS

	Kind, Title, Lead string
	Verdict           string
	PlusMinus         string  // what stands after it
	VerdictMarks      []mark  // of caveats that weaken all of it
	Versus            *versus // of a comparison
	Trust             []count
	Cards             []card
	Sections          []section

	Flames      []flame.Box   // static
	FlamesOut   []string      // not drawn
	FlameTree   template.HTML // all of them, for FlameScript
	FlameScript template.HTML
	Files       []string
}

// A section is a heading of the page with what stands under it. It is folded
// unless it is Open; a browser's search, a link to it and print open it.
type section struct {
	ID, Nav string // of the address, and as the table of contents has it
	Title   string
	Open    bool
	Parts   []part
}

func (s *section) add(parts ...part) { s.Parts = append(s.Parts, parts...) }

// table adds a table that has rows.
func (s *section) table(t view.Table) {
	if len(t.Rows) > 0 {
		s.add(part{Table: t})
	}
}

// A part is one thing under a heading. The fields that are set are printed, in
// this order.
type part struct {
	Heading string
	Text    string
	Muted   bool // of Text
	Claims  []claim
	Caveats *caveats
	Legend  []chart.LegendItem
	Picture template.HTML
	Figure  figureBox
	Heat    *heatBox
	Panels  []panel
	Table   view.Table
	Notes   view.NoteList
	List    []string
	Facts   [][2]string
	Command string
	Links   []string
	Pair    [][]part // beside each other where there is room
	Fold    *fold
}

// A fold is parts that are shown on a click, and in print.
type fold struct {
	Summary, Small string
	Open, Legal    bool // Legal: not printed
	Parts          []part
}

// A figureBox is a static figure with what explains it.
type figureBox struct {
	ID, Title, Caption string
	Picture            template.HTML
	Legend             []chart.LegendItem
	Live               bool // it has an interactive twin
}

// A panel is one small picture of several.
type panel struct {
	Label   string
	Picture template.HTML
}

// missing says why a section is empty.
func missing(why string) []part { return []part{{Text: why, Muted: true}} }

func folded(summary string, parts ...part) part {
	return part{Fold: &fold{Summary: summary, Parts: parts}}
}

// sideBySide bounds the runs that a table puts beside each other.
const sideBySide = 8

// maxChosen bounds the runs that have a figure or rows of their own.
const maxChosen = 24

func newPage(r *result.Result, o Options) (*page, error) {
	runs := result.RunsPresent(r)
	side, chosen := view.PageRuns(r, sideBySide), view.PageRuns(r, maxChosen)
	p := &page{
		Style: template.CSS(pageCSS + columnStyle() +
			flame.Style(flame.KindTable())), Script: template.JS(pageScript),
		Policy: contentPolicy(),
		Kind:   "report", Title: titleOf(r), Lead: leadOf(r),
		Verdict:   format.Sentence(format.Visible(view.Verdict(r), 600)),
		PlusMinus: strings.Replace(format.PlusMinus, "+-", "±", 1), Files: o.Files,
	}
	var defs svg.Writer
	svg.HatchPatterns(&defs)
	p.Defs = template.HTML(defs.String())
	charts, err := p.addCharts(r, side, o)
	if err != nil {
		return nil, err
	}
	results, leftOut := embedded(r)
	p.Results = results
	if p.Names, err = block("files", strings.Join(o.Files, "\n")); err != nil {
		return nil, err
	}
	if p.Versus = versusOf(r); p.Versus != nil {
		p.Kind = "comparison"
	}
	weak, scale := caveatsOf(r), scaleSection(r)
	p.Trust = trustCounts(r, weak, p.Versus)
	p.Cards = cardsOf(r, charts, scale, weak)
	p.VerdictMarks = weak.others()
	p.addSections(findingsSection(r), caveatsSection(weak))
	p.addSections(compareSections(r)...)
	p.addSections(
		scale,
		runsSection(r),
		breakdownSection(r),
		stagesSection(side, charts.stages),
		cpusSection(chosen, view.RepeatsText(r), heatParts(r)),
		locksSection(r, chosen, side, charts.spin),
		sasSection(chosen),
		linesSection(r),
		missesSection(runs, chosen, side, view.LastOfModes(r)),
		functionsSection(side),
		flamesSection(r),
		checksSection(runs),
		layoutSection(chosen),
		limitsSection(r),
		provenanceSection(r, p, leftOut),
	)
	if onlyTraffic(r) { // Limits says that nothing else was measured
		of := []string{"findings", "caveats", "scaling", "runs", "checks", "limits", "provenance"}
		p.Sections = slices.DeleteFunc(p.Sections, func(s section) bool { return !slices.Contains(of, s.ID) })
	}
	return p, nil
}

// addSections adds those that have something to say.
func (p *page) addSections(list ...section) {
	for _, s := range list {
		if len(s.Parts) > 0 || s.ID == "flames" {
			p.Sections = append(p.Sections, s)
		}
	}
}

// A liveFigure is a chart in both of its forms.
type liveFigure interface {
	Render() []byte
	Live(id string) (chart.Live, error)
}

// pageCharts are the figures that have an interactive twin.
type pageCharts struct{ rate, spin, stages figureBox }

// addCharts draws the figures and, unless the page is to be static, adds their
// interactive twins.
func (p *page) addCharts(r *result.Result, side []*result.Run, o Options) (pageCharts, error) {
	var out pageCharts
	var options []chart.Live
	stages := chart.StageChart(view.ByPMU(side...))
	for _, f := range []struct {
		to *figureBox
		livebox
	}{
		{&out.rate, rateFigure(r, side)},
		{&out.spin, spinFigure(r, side)},
		{&out.stages, livebox{figureBox{ID: "chart-stages", Title: "Cost by stage",
			Caption: "The thin bar under each is the part of it spent in locks, whatever the stage.",
			Legend:  stages.LegendItems()}, stages}},
	} {
		f.box.Picture = template.HTML(f.chart.Render())
		f.box.Live = f.box.Picture != "" && !o.Static
		*f.to = f.box
		if !f.box.Live {
			continue
		}
		live, err := f.chart.Live(f.box.ID)
		if err != nil {
			return out, err
		}
		options = append(options, live)
	}
	if len(options) == 0 {
		return out, nil
	}
	text, err := json.Marshal(options)
	if err != nil {
		return out, fmt.Errorf("writing the charts: %w", err)
	}
	p.Library = bytesBlock("echarts", echartsGzip)
	p.Charts, err = block("charts", string(text))
	return out, err
}
