package analyze

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/analyze/importer"
	"xfrmscope/analyze/metric"
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
func (r *Run) takeTraffic(imports []*importer.Import, names []string) (out []generated) {
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
		byMode[mode] = append(byMode[mode], importer.TrafficFile{Name: path.Base(names[i]), Traffic: im.Traffic})
		sources[mode] = appendNew(sources[mode], string(im.Format))
	}
	for _, mode := range slices.Sorted(maps.Keys(byMode)) {
		t, err := importer.MergeTraffic(byMode[mode])
		if err != nil {
			r.gap(bundle.Gap{What: "traffic of mode " + mode, Why: err.Error()})
			continue
		}
		source := strings.Join(slices.Sorted(slices.Values(sources[mode])), " and ")
		out = append(out, generated{mode, source, t.Runs()})
	}
	return out
}

// eachMeasured returns the runs, those of a whole sweep one by one. Of a run
// with samples the generator's one result stands beside them.
func eachMeasured(runs []analysed) []*Run {
	var out []*Run
	for _, r := range runs {
		out = append(out, r.run.expand(r.generated)...)
	}
	return out
}

func (r *Run) expand(measured []generated) []*Run {
	var out []*Run
	for _, g := range measured {
		for _, points := range g.runs {
			out = append(out, r.ofPoints(g, points))
		}
	}
	switch {
	case len(out) == 0:
		return []*Run{r}
	case len(r.Events) > 0 || len(r.SAs) > 0:
		if len(out) > 1 {
			r.warn(metric.ThroughputID, fmt.Sprintf("the traffic results are those of %d runs, and which is this one is not known: import them into a run of their own", len(out)))
		} else {
			r.Traffic = out[0].Traffic
		}
		return []*Run{r}
	}
	return out
}

// ofPoints is the run of one setting: its points are directions or devices.
func (r *Run) ofPoints(g generated, points []importer.Point) *Run {
	p := points[0]
	run := *r
	run.Mode, run.N = g.mode, p.N
	if p.CPU < 0 {
		run.Factor = p.Factor // else one a CPU
	}
	run.Labels = maps.Clone(r.Labels)
	if run.Labels == nil {
		run.Labels = map[string]string{}
	}
	if g.mode != "" {
		run.Labels[bundle.LabelMode] = g.mode
	}
	run.Labels[bundle.LabelN] = strconv.Itoa(p.N)
	if p.Run > 0 {
		run.Labels[bundle.LabelRepeat] = strconv.Itoa(p.Run)
	}
	run.Traffic = newTraffic(g.source, points)
	if !run.Packets.Rate.Measured() {
		run.Packets = generatorPackets(g.source, points)
	}
	run.Warnings = slices.DeleteFunc(slices.Clone(r.Warnings), func(w bundle.Warning) bool { return !ofRun(w, p) })
	run.Name = runName(&run)
	return &run
}

// ofRun reports whether a warning is about the point, or about all of a file:
// those about one run name its setting.
func ofRun(w bundle.Warning, p importer.Point) bool {
	if !strings.Contains(w.Text, " flows, run ") {
		return true
	}
	return strings.Contains(w.Text, fmt.Sprintf(" %d flows, run %d:", p.N, p.Run))
}

// newTraffic sums the points of one run. Throughput is what came, or what was
// sent if nothing says what came.
func newTraffic(source string, points []importer.Point) *Traffic {
	t := &Traffic{Source: source, Counts: "received", FrameBytes: points[0].FrameBytes}
	of := func(p importer.Point) importer.Rate { return p.Rx.Rate }
	if !points[0].Rx.Rate.Known() {
		t.Counts, of = "sent", func(p importer.Point) importer.Rate { return p.Tx.Rate }
	}
	t.Throughput = metric.Value{ID: metric.ThroughputID, Unit: "bit/s"}
	for _, p := range points {
		rate := of(p)
		if !rate.Known() || t.Layer != "" && string(rate.Layer) != t.Layer {
			t.Throughput = metric.NotMeasured(metric.ThroughputID, "bit/s", bundle.Gap{What: "throughput", Why: "the files tell no rate of the run, or several of different layers"})
			break
		}
		t.Layer = string(rate.Layer)
		t.Throughput.Value += rate.BPS()
	}
	t.Loss = lossOf(points)
	return t
}

// lossOf is the share of packets lost over all points: by packets, or the share
// that the file tells of a single point.
func lossOf(points []importer.Point) metric.Value {
	var lost int64
	var sent uint64
	counted := true
	for _, p := range points {
		if p.LostPackets == nil || p.Tx.Packets == nil {
			counted = false
			continue
		}
		lost += *p.LostPackets
		sent += *p.Tx.Packets
	}
	switch {
	case counted && sent > 0 && lost >= 0:
		return metric.Value{ID: metric.LossID, Value: float64(lost) / float64(sent), Unit: "ratio"}
	case len(points) == 1 && points[0].LossShare != nil:
		return metric.Value{ID: metric.LossID, Value: *points[0].LossShare, Unit: "ratio"}
	}
	return metric.NotMeasured(metric.LossID, "ratio", bundle.Gap{What: "loss", Why: "the files do not tell it", Fix: "import the generator's JSON, or the table of losses, with them"})
}

// generatorPackets are the packets that came, as the generator counted them.
func generatorPackets(source string, points []importer.Point) Packets {
	p := noPackets(bundle.Gap{What: "packets", Why: "the traffic generator's file tells bits, not packets"})
	total, rate := 0.0, 0.0
	for _, q := range points {
		if q.Rx.PPS == nil {
			return p
		}
		rate += *q.Rx.PPS
		if q.Rx.Packets != nil {
			total += float64(*q.Rx.Packets)
		}
	}
	p.Source = source + ", received"
	p.Rate = metric.Value{ID: metric.RateID, Value: rate, Unit: "packets/s"}
	if total > 0 {
		p.Total = metric.Value{ID: metric.PacketsID, Value: total, Unit: "packets"}
	}
	return p
}
