package lines

import (
	"context"
	"math"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// Missed names the fields that samples of a miss event fell on, by the instruction
// alone: what a simulated run of the same build of the kernel touches there. Nil if no
// event of the recording counts misses. An instruction that the simulated run did not
// execute has no field.
func Missed(ctx context.Context, f *perfdata.File, n *Names, r *result.Run) (*result.Lines, error) {
	event := missEvent(f.Events)
	if event == nil {
		return nil, nil
	}
	fields := map[string]*field{}
	var all, samples float64
	err := eachSample(ctx, f, func(s *perfdata.Sample) {
		if s.Event != event || s.IP < bundle.KernelHalf {
			return
		}
		place := n.instruction(&perfdata.Access{IP: s.IP})
		name, ok := n.Fields.of(place)
		if !ok {
			name = "not touched in the simulated run"
		}
		at := fields[name]
		if at == nil {
			at = newField()
			fields[name] = at
		}
		at.transfers += float64(s.Period)
		at.apart++ // samples
		at.readers[place.function] += float64(s.Period)
		all += float64(s.Period)
		samples++
	})
	if err != nil {
		return nil, err
	}
	value := func(weight, n float64) metric.Value {
		v := perPacket(metric.MissPacketID, "misses/packet", weight, r.Packets.Total)
		if v.Measured() {
			v.Samples, v.SE = uint64(n), relativeError(n)*v.Value
		}
		return v
	}
	l := &result.Lines{Source: "samples of " + event.Name + " by instruction",
		Counts: "the field is what a simulated run of this build touches at the instruction",
		Lacks: "misses, not transfers; a sample may stand some instructions behind the miss, unless the " +
			"event is precise (:p)", PerPacket: value(all, samples)}
	for name, at := range fields {
		share := ratio(metric.LineShareID, at.transfers, all)
		share.SE = relativeError(at.apart) * share.Value * math.Sqrt(max(1-share.Value, 0))
		share.Samples = uint64(at.apart)
		share = ending(share, samples)
		l.Fields = append(l.Fields,
			result.LineField{Name: name, PerPacket: value(at.transfers, at.apart), Share: share,
				Readers: parts(at.readers, at.transfers),
				Apart: metric.NotMeasured(metric.ApartID, "ratio", bundle.Gap{What: "false sharing",
					Why: "a miss does not say what another CPU wrote"}),
				Cycles: metric.NotMeasured(metric.LineCyclesID, "cycles/packet",
					bundle.Gap{What: "cycles of lines moved", Why: "a miss event has no latency"})})
	}
	sortFields(l.Fields)
	return l, nil
}

func relativeError(n float64) float64 {
	if n <= 0 {
		return 0
	}
	return 1 / math.Sqrt(n)
}

// missEvent is the event that is nearest to what moves between CPUs, nil if none counts
// misses.
func missEvent(events []*perfdata.Event) *perfdata.Event {
	var best *perfdata.Event
	most := 0
	for _, e := range events {
		if rank := missRank(strings.ToLower(e.Name)); rank > most && !e.IsDummy() {
			best, most = e, rank
		}
	}
	return best
}

func missRank(event string) int {
	for _, c := range counters() {
		if strings.Contains(event, c.event) {
			return 4
		}
	}
	switch {
	case !bundle.CountsMisses(event), strings.Contains(event, "icache"), strings.Contains(event, "tlb"):
		return 0
	case strings.Contains(event, "l3_miss"), strings.HasPrefix(event, "llc"):
		return 3
	case strings.HasPrefix(event, "cache-misses"):
		return 2
	}
	return 1
}
