package packets

import (
	"xfrmscope/analyze/importer"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// NewTraffic sums the points of one run. Throughput is what came, or what was
// sent if nothing says what came.
func NewTraffic(source string, points []importer.Point) *result.Traffic {
	t := &result.Traffic{
		Source: source, Counts: bundle.Received,
		FrameBytes: points[0].FrameBytes, OfferedPPS: points[0].RequestedPPS,
	}
	of := func(p importer.Point) importer.Rate { return p.Rx.Rate }
	if !points[0].Rx.Rate.Known() {
		t.Counts, of = bundle.Sent, func(p importer.Point) importer.Rate { return p.Tx.Rate }
	}
	if !of(points[0]).Known() {
		t.Counts, _ = importer.Counted(points)
	}
	t.Throughput = metric.Value{ID: metric.ThroughputID, Unit: "bit/s"}
	for _, p := range points {
		rate := of(p)
		if !rate.Known() || t.Layer != "" && string(rate.Layer) != t.Layer {
			t.Throughput = metric.NotMeasured(metric.ThroughputID, "bit/s", bundle.Gap{What: "throughput",
				Why: "the files tell no rate of the run, or several of different layers"})
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

// OfGenerator are the packets that came, or were sent if that is all the
// generator counted.
func OfGenerator(source string, points []importer.Point) result.Packets {
	if t, ok := importer.SumPackets(points, source); ok {
		return OfTraffic(&t, 0)
	}
	p := None(bundle.Gap{What: "packets", Why: "the traffic generator's file tells bits, not packets"})
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
