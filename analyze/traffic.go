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
			r.Traffic, r.Warnings = out[0].Traffic, out[0].Warnings
		}
		return []*Run{r}
	}
	return out
}

// ofPoints is the run of one setting: its points are directions or devices.
func (r *Run) ofPoints(g generated, points []importer.Point) *Run {
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
	run.Traffic = newTraffic(g.source, points)
	if !run.Packets.Rate.Measured() {
		run.Packets = generatorPackets(g.source, points)
	}
	run.Warnings = slices.Clone(r.Warnings)
	for _, p := range points {
		run.Warnings = append(run.Warnings, p.Warnings...)
	}
	run.Name = runName(&run)
	return &run
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
// that the file tells of a single point. Where more came than was sent, none was
// lost.
func lossOf(points []importer.Point) metric.Value {
	var lost, sent uint64
	counted := true
	for _, p := range points {
		switch {
		case p.LostPackets == nil || p.Tx.Packets == nil && p.Rx.Packets == nil:
			counted = false
			continue
		case p.Tx.Packets != nil:
			sent += *p.Tx.Packets
		default:
			sent += *p.Rx.Packets + uint64(max(*p.LostPackets, 0))
		}
		lost += uint64(max(*p.LostPackets, 0))
	}
	switch {
	case counted && sent > 0:
		return metric.Value{ID: metric.LossID, Value: float64(lost) / float64(sent), Unit: "ratio"}
	case len(points) == 1 && points[0].LossShare != nil:
		return metric.Value{ID: metric.LossID, Value: *points[0].LossShare, Unit: "ratio"}
	}
	return metric.NotMeasured(metric.LossID, "ratio", bundle.Gap{
		What: "loss", Why: "the files do not tell it",
		Fix: "import the generator's JSON, or the table of losses, with them",
	})
}

// generatorPackets are the packets that came, or were sent if that is all the
// generator counted.
func generatorPackets(source string, points []importer.Point) Packets {
	if t, ok := importer.SumPackets(points, source); ok {
		return trafficPackets(&t, 0)
	}
	p := noPackets(bundle.Gap{What: "packets", Why: "the traffic generator's file tells bits, not packets"})
	counts, packets := importer.Counted(points)
	total, rate := 0.0, 0.0
	for i := range points {
		pps := points[i].Side(counts).PPS
		if counts == "" || pps == nil {
			return p
		}
		rate += *pps
		total += float64(packets[i])
	}
	p.Source = source + ", " + counts
	p.Rate = metric.Value{ID: metric.RateID, Value: rate, Unit: "packets/s"}
	p.Total = metric.Value{ID: metric.PacketsID, Value: total, Unit: "packets"}
	return p
}

// importedN is what the caller says N is, or else the number of CPUs that have
// samples; 0 if neither is told.
func importedN(r *Run) int {
	if n, err := strconv.Atoi(r.Labels[bundle.LabelN]); err == nil {
		return n
	}
	n := 0
	if e := r.Main(); e != nil {
		for _, c := range e.CPUs {
			if c.CPU >= 0 {
				n++
			}
		}
	}
	return n
}
