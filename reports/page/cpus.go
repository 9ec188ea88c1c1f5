package page

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"math"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/chart"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

func cpusSection(runs []*result.Run, repeats string, heats []part) section {
	s := section{ID: "cpus", Nav: "CPUs", Title: "CPU by CPU"}
	var panels []panel
	for _, r := range runs {
		if picture := chart.CPUPanel(r); picture != nil {
			panels = append(panels, panel{view.GroupLabel(r), template.HTML(picture)})
		}
	}
	if len(panels) == 0 {
		s.Parts = missing("not measured: the runs have no samples")
		return s
	}
	height := "share of a CPU's samples that are not idle"
	if view.WeighedBy(runs...) != "busy" {
		height = "share of " + view.SamplesBy(runs...) + " that fell on a CPU"
	}
	s.Parts = []part{
		{Text: strings.TrimSpace("Height: " + height + ", per cent. " + repeats),
			Legend: chart.SpinLegend(runs), Panels: panels},
		{Facts: view.Evenness(runs)},
		folded("table of every CPU", part{Table: view.CPUsTable(runs)}, part{Table: view.TimeTable(runs)}),
	}
	s.add(heats...)
	return s
}

// A brush is what the page's script needs to say the figures of a rectangle: the
// two maps, a byte a cell (per cent, 255 for none), row after row.
type brush struct {
	Run     string   `json:"run"`
	CPUs    []string `json:"cpus"`
	Columns int      `json:"columns"`
	Seconds float64  `json:"seconds"`
	Busy    string   `json:"busy"`
	Spin    string   `json:"spin"`
}

func cellBytes(m *chart.HeatMap) string {
	var out []byte
	for _, row := range m.Shares {
		for x := range m.Columns {
			v := byte(255)
			if x < len(row) && chart.Level(row[x]) > 0 {
				v = byte(math.Round(100 * min(row[x], 1)))
			}
			out = append(out, v)
		}
	}
	return base64.StdEncoding.EncodeToString(out)
}

// heatPart is both maps of a run, nothing if it has none or its event is no time.
func heatPart(r *result.Run, id string) (part, bool) {
	h := r.Heat
	if h == nil || view.WeighedBy(r) != "busy" {
		return part{}, false
	}
	busy := chart.NewHeatMap(h, view.RunLabel(r)+": share of samples that are busy, by CPU and time", h.Busy)
	spin := chart.NewHeatMap(h, view.RunLabel(r)+": share of busy time spinning on locks, by CPU and time", h.Spin)
	if busy == nil || spin == nil || busy.Columns != spin.Columns {
		return part{}, false
	}
	b := &brush{Run: view.RunLabel(r), CPUs: busy.Rows, Columns: busy.Columns, Seconds: busy.Seconds,
		Busy: cellBytes(busy), Spin: cellBytes(spin)}
	return part{Heat: &heatBox{ID: id, Label: view.RunLabel(r), Event: format.Name(h.Event),
		Slice: format.Pretty(format.Significant(1000*busy.Seconds/float64(busy.Columns), 3)),
		Busy:  template.HTML(busy.Render()), Spin: template.HTML(spin.Render()), Brush: b}}, true
}

// A heatBox is the two maps of one run.
type heatBox struct {
	ID, Label, Event, Slice string
	Busy, Spin              template.HTML
	Brush                   *brush
}

// maxHeats bounds the runs whose heat maps are drawn.
const maxHeats = 8

// heatParts are the heat maps of the largest N of each mode, then of others;
// the one that spins most is open.
func heatParts(r *result.Result) []part {
	runs := view.LastOfModes(r)
	for _, run := range view.PageRuns(r, sideBySide) {
		runs = result.AppendNew(runs, run)
	}
	var out []part
	open, most := -1, -1.0
	for i, run := range runs[:min(maxHeats, len(runs))] {
		p, ok := heatPart(run, fmt.Sprintf("heat-%d", i))
		if !ok {
			continue
		}
		if spin := format.ShareOf(view.AllCPUs(run).SpinShare); spin > most {
			open, most = len(out), spin
		}
		f := folded(view.GroupLabel(run)+": CPU by time", p)
		if picture := chart.TimesPicture(run.CPUTimes, run.Manifest.Window.Seconds(), view.RunLabel(run)+
			": what the kernel accounted to the CPUs, over time"); picture != nil {
			f.Fold.Parts = append(f.Fold.Parts, part{Text: "What the kernel accounted to the measured " +
				"CPUs together, second by second:", Muted: true, Picture: template.HTML(picture)})
		}
		out = append(out, f)
	}
	if open >= 0 {
		out[open].Fold.Open = true
	}
	if len(out) > 0 {
		out = append([]part{{Heading: "When, and on which CPU?", Picture: template.HTML(chart.HeatScale())}},
			out...)
	}
	return out
}
