package analyze

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/analyze/importer"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// generated is what traffic generators measured of one mode, run by run.
type generated struct {
	mode   string
	source string // the formats of their files
	runs   [][]importer.Point
}

// takeTraffic keeps what traffic generators measured, mode by mode: a bundle
// of TRex results holds a whole sweep.
func takeTraffic(r *result.Run, imports []*importer.Import, names []string) (out []generated) {
	byMode := map[string][]importer.TrafficFile{}
	sources := map[string][]string{}
	for i, im := range imports {
		if im.Traffic == nil || len(im.Traffic.Points) == 0 {
			continue
		}
		mode := r.Mode
		if mode == "" {
			mode = im.Traffic.Mode
		}
		byMode[mode] = append(byMode[mode],
			importer.TrafficFile{Name: path.Base(names[i]), Traffic: im.Traffic})
		sources[mode] = result.AppendNew(sources[mode], string(im.Format))
	}
	for _, mode := range slices.Sorted(maps.Keys(byMode)) {
		t, err := importer.MergeTraffic(byMode[mode])
		if err != nil {
			r.Gap(bundle.Gap{What: "traffic of mode " + mode, Why: err.Error()})
			continue
		}
		source := strings.Join(slices.Sorted(slices.Values(sources[mode])), " and ")
		out = append(out, generated{mode, source, t.Runs()})
	}
	return out
}

// eachMeasured returns the runs, those of a whole sweep one by one. Of a run
// with samples the generator's one result stands beside them.
func eachMeasured(runs []analysed) []*result.Run {
	var out []*result.Run
	var free []*generated // whose N nothing else tells
	var points [][]importer.Point
	for _, r := range runs {
		for i := range r.generated {
			if r.Run.Labels[bundle.LabelN] == "" && !measuredHere(r.Run) {
				free, points = append(free, &r.generated[i]), append(points, r.generated[i].runs...)
			}
		}
	}
	importer.SetFactor(points)
	if len(free) == 1 && len(points) > 1 && free[0].mode == "" { // the runs of one sweep belong together
		free[0].mode = bundle.DefaultMode
	}
	for _, r := range runs {
		out = append(out, expand(r.Run, r.generated)...)
	}
	return out
}

// measuredHere reports whether a run has more than what a generator says.
func measuredHere(r *result.Run) bool { return len(r.Events) > 0 || len(r.SAs) > 0 }

func expand(r *result.Run, measured []generated) []*result.Run {
	var out []*result.Run
	for _, g := range measured {
		for _, points := range g.runs {
			out = append(out, ofPoints(r, g, points))
		}
	}
	switch {
	case len(out) == 0:
		return []*result.Run{r}
	case measuredHere(r):
		if len(out) > 1 {
			r.Warn(metric.ThroughputID, "the traffic results are those of %d runs, and which is this one "+
				"is not known: import them into a run of their own", len(out))
		} else {
			r.Traffic, r.Warnings = out[0].Traffic, out[0].Warnings
		}
		return []*result.Run{r}
	}
	return out
}

// ofPoints is the run of one setting: its points are directions or devices.
func ofPoints(r *result.Run, g generated, points []importer.Point) *result.Run {
	p := points[0]
	run := *r
	run.Mode = g.mode
	if p.Setting != "" {
		run.Mode = strings.TrimPrefix(g.mode+", "+p.Setting, ", ")
	}
	if r.Labels[bundle.LabelN] == "" {
		run.N = p.N
		if p.CPU < 0 {
			run.Factor = p.Factor // else one a CPU
		}
	}
	run.Labels = maps.Clone(r.Labels)
	if run.Labels == nil {
		run.Labels = map[string]string{}
	}
	if run.Mode != "" {
		run.Labels[bundle.LabelMode] = run.Mode
	}
	run.Labels[bundle.LabelN] = strconv.Itoa(run.N)
	if p.Run > 0 {
		run.Labels[bundle.LabelRepeat] = strconv.Itoa(p.Run)
	}
	run.Traffic = packets.NewTraffic(g.source, points)
	if !run.Packets.Rate.Measured() {
		run.Packets = packets.OfGenerator(g.source, points)
	}
	run.Warnings = slices.Clone(r.Warnings)
	for _, p := range points {
		run.Warnings = append(run.Warnings, p.Warnings...)
	}
	run.Name = runName(&run)
	return &run
}

// importedN is what the caller says N is, or else the number of CPUs that have
// samples; 0 if neither is told.
func importedN(r *result.Run) int {
	if n, err := strconv.Atoi(r.Labels[bundle.LabelN]); err == nil {
		return n
	}
	n := 0
	for _, e := range r.Mains() {
		for _, c := range e.CPUs {
			if c.CPU >= 0 {
				n++
			}
		}
	}
	return n
}
