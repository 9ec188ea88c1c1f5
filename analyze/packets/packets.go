// Package packets says how many packets a run sent, and in what time: what every
// cost is divided by.
//
//	SA rows at both ends   -> SADeltas -> New           packets and their rate (packets.go)
//	the load's own count   -> OfTraffic, OfGenerator    in their place, where it has one (generator.go)
//	softirqs by CPU        -> NewSenders, AddSenders    which part the CPUs measured sent (sender.go)
//	the phases of probes   -> NewPhases, PhaseEffect    what perf and each probe changed (phase.go)
//	phases without a probe -> SetUnperturbed            the rate that nothing measured (unperturbed.go)
//
// Counters of /proc are paired here for all rooms (Deltas, rows.go). What was not
// counted is a gap that says why, and becomes the gap of every cost.
package packets

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// SADeltas pairs the reads of each SA at two moments. An SA seen at the second
// alone, or whose counters went backwards, counts from zero and is marked: it was
// made, or rekeyed, in the window. One seen at the first alone was deleted: what
// it carried until then is not known. Larval ones carry nothing.
func SADeltas(rows []bundle.SA, from, to string) []result.SA {
	start, read := map[bundle.SAKey]*bundle.SA{}, map[string]bool{} // read: namespaces at the second moment
	ends := 0
	for i := range rows {
		switch rows[i].Phase {
		case from:
			start[rows[i].Key()] = &rows[i]
		case to:
			read[rows[i].NetNS] = true
			ends++
		}
	}
	sas := slices.Grow([]result.SA(nil), ends)
	for i := range rows {
		if rows[i].Phase != to {
			continue
		}
		end := rows[i]
		s := result.SA{SA: end, DeltaPackets: end.Packets, DeltaBytes: end.Bytes, Reset: true}
		begin := start[end.Key()]
		delete(start, end.Key())
		if begin != nil && begin.Packets <= end.Packets && begin.Bytes <= end.Bytes {
			s.DeltaPackets -= begin.Packets
			s.DeltaBytes -= begin.Bytes
			s.Drops.ReplayWindow -= begin.Drops.ReplayWindow // of 32 bits, which may wrap
			s.Drops.Replay -= begin.Drops.Replay
			s.Drops.Integrity -= begin.Drops.Integrity
			s.Reset = false
		}
		s.Outbound = outbound(end, begin)
		s.Fallback = s.Outbound && end.PCPU == nil
		sas = append(sas, s)
	}
	for _, begin := range start {
		if read[begin.NetNS] && !begin.Larval {
			s := result.SA{SA: *begin, Deleted: true, Outbound: outbound(*begin, nil)}
			s.Drops = bundle.SADrop{}
			s.Fallback = s.Outbound && s.PCPU == nil
			sas = append(sas, s)
		}
	}
	slices.SortFunc(sas, func(a, b result.SA) int {
		return cmp.Or(cmp.Compare(a.NetNS, b.NetNS), cmp.Compare(a.SPI, b.SPI), cmp.Compare(a.Dst, b.Dst),
			cmp.Compare(a.Src, b.Src), cmp.Compare(a.Proto, b.Proto))
	})
	return sas
}

// Sends reports whether packets are those of the outbound SAs: of a host that has
// none they are those of the inbound ones.
func Sends(sas []result.SA) bool {
	return slices.ContainsFunc(sas, func(s result.SA) bool { return s.Outbound })
}

// outbound tells the direction: by attribute XFRMA_SA_DIR (6.10 on), else by
// the sequence number, which only xfrm_replay_overflow of the output path
// raises (net/xfrm/xfrm_replay.c, 6.12).
func outbound(end bundle.SA, begin *bundle.SA) bool {
	if end.Dir != "" {
		return end.Dir == "out"
	}
	if begin == nil {
		return end.OSeq > 0
	}
	return end.OSeq > begin.OSeq
}

// New takes the packets from the load's own count, or from the counters
// of the outbound SAs; of a host that has none, from those of its inbound ones.
func New(sas []result.SA, rows []bundle.SA, traffic *bundle.Traffic, window float64) result.Packets {
	if traffic != nil {
		return OfTraffic(traffic, window)
	}
	seconds := saSeconds(rows, bundle.PhaseStart, bundle.PhaseEnd)
	var total uint64
	perCPU := map[int]uint64{}
	counted, fallback := 0, uint64(0)
	sends := Sends(sas)
	source := "SA counters, outbound"
	if !sends {
		source = "SA counters, inbound: the end that decrypts"
	}
	for _, s := range sas {
		if s.Outbound != sends {
			continue
		}
		counted++
		total += s.DeltaPackets
		if cpu := s.CPU(); cpu >= 0 {
			perCPU[cpu] += s.DeltaPackets
		} else {
			fallback += s.DeltaPackets
		}
	}
	if counted == 0 {
		return None(bundle.Gap{
			What: "packets",
			Why:  "no SA was read and no packet counts were given",
			Fix:  "record with --netns NAME of the gateway's namespace, or with --packets FILE",
		})
	}
	p := result.Packets{Source: source, BySA: true, Total: packetCount(total), Rate: Rate(total, seconds)}
	if float64(fallback) <= fewPackets*float64(total) {
		for _, cpu := range slices.Sorted(maps.Keys(perCPU)) {
			v := Rate(perCPU[cpu], seconds)
			if most := Rate(perCPU[cpu]+fallback, seconds); fallback > 0 && v.Measured() {
				v.Low, v.High = v.Value, most.Value
			}
			p.PerCPU = append(p.PerCPU, result.CPUValue{CPU: cpu, Value: v})
		}
	}
	return p
}

// Evenness is Jain's index of the packets/s of the CPUs measured, those that
// sent nothing included (Jain, Chiu and Hawe, DEC-TR-301, 1984). SAs of other
// CPUs are no part of it: a gateway has them for all, traffic or not.
func Evenness(p result.Packets, cpus bundle.CPUSet) metric.Value {
	missing := func(why string) metric.Value {
		return metric.NotMeasured(metric.JainID, "ratio", bundle.Gap{What: "evenness of the CPUs", Why: why})
	}
	if len(p.PerCPU) == 0 {
		return missing("the packet counters do not tell CPUs apart")
	}
	rates := map[int]float64{}
	for _, cpu := range cpus {
		rates[cpu] = 0
	}
	unknown := 0.0 // of any one CPU
	for _, c := range p.PerCPU {
		if len(cpus) > 0 && !cpus.Contains(c.CPU) {
			continue
		}
		if !c.Value.Measured() {
			return missing(c.Value.Missing.Why)
		}
		rates[c.CPU] = c.Value.Value
		unknown = max(unknown, c.Value.High-c.Value.Low)
	}
	each := slices.Sorted(maps.Values(rates))
	v := metric.Value{ID: metric.JainID, Value: jain(each), Unit: "ratio"}
	if math.IsNaN(v.Value) {
		return missing("the CPUs measured sent no packets")
	}
	if unknown > 0 {
		least, most := slices.Clone(each), slices.Clone(each)
		least[len(each)-1] += unknown
		most[0] += unknown
		v.Low, v.High = min(v.Value, jain(least)), max(v.Value, jain(most))
	}
	return v
}

// jain is NaN if all are 0.
func jain(each []float64) float64 {
	sum, squares := 0.0, 0.0
	for _, x := range each {
		sum += x
		squares += x * x
	}
	return sum * sum / (float64(len(each)) * squares)
}

// ProbeRate is the packet rate in the probes' window: not measured without SA
// reads of its own.
func ProbeRate(rows []bundle.SA) metric.Value {
	var total uint64
	outbound := 0
	probeStart, probeEnd := bundle.Ends(bundle.ProbeWait)
	for _, s := range SADeltas(rows, probeStart, probeEnd) {
		if s.Outbound {
			outbound++
			total += s.DeltaPackets
		}
	}
	if outbound == 0 {
		return metric.NotMeasured(metric.RateID, "packets/s",
			bundle.Gap{What: "packets in the probe's window", Why: "no outbound SA was read"})
	}
	return Rate(total, saSeconds(rows, probeStart, probeEnd))
}

func OfTraffic(t *bundle.Traffic, window float64) result.Packets {
	if s := t.Window.Seconds(); s > 0 {
		window = s
	}
	p := result.Packets{Source: t.Source, Total: packetCount(t.Packets), Rate: Rate(t.Packets, window)}
	for _, c := range t.PerCPU {
		p.PerCPU = append(p.PerCPU, result.CPUValue{CPU: c.CPU, Value: Rate(c.Packets, window)})
	}
	return p
}

// saSeconds returns the time between the two dumps of the SAs: their counters
// run over it, not over the window of the samples, which it encloses.
func saSeconds(rows []bundle.SA, from, to string) float64 {
	first, last := int64(math.MaxInt64), int64(0)
	for _, r := range rows {
		switch r.Phase {
		case from:
			first = min(first, r.TimeNS)
		case to:
			last = max(last, r.TimeNS)
		}
	}
	if last <= first {
		return 0
	}
	return float64(last-first) / 1e9
}

func None(gap bundle.Gap) result.Packets {
	return result.Packets{
		Total: metric.NotMeasured(metric.PacketsID, "packets", gap),
		Rate:  metric.NotMeasured(metric.RateID, "packets/s", gap),
		Jain:  metric.NotMeasured(metric.JainID, "ratio", gap),
	}
}

func packetCount(n uint64) metric.Value {
	return metric.Value{ID: metric.PacketsID, Value: float64(n), Unit: "packets"}
}

func Rate(n uint64, seconds float64) metric.Value {
	if seconds <= 0 {
		return metric.NotMeasured(metric.RateID, "packets/s", bundle.Gap{What: "packet rate",
			Why: "the time between the two reads of the counters is not known"})
	}
	return metric.Value{ID: metric.RateID, Value: float64(n) / seconds, Unit: "packets/s"}
}

// NewDrops returns the xfrm_stat counters that rose, by namespace and name.
func NewDrops(rows []bundle.Counter) []result.Drop {
	type key struct{ netns, name string }
	start := map[key]uint64{}
	for _, r := range rows {
		if r.Source == XfrmStat && r.Phase == bundle.PhaseStart {
			start[key{r.NetNS, r.Name}] = r.Value
		}
	}
	var drops []result.Drop
	for _, r := range rows {
		before, ok := start[key{r.NetNS, r.Name}]
		if r.Source == XfrmStat && r.Phase == bundle.PhaseEnd && ok && r.Value > before {
			drops = append(drops, result.Drop{NetNS: r.NetNS, Name: r.Name, Delta: r.Value - before})
		}
	}
	slices.SortFunc(drops, func(a, b result.Drop) int {
		return cmp.Or(cmp.Compare(a.NetNS, b.NetNS), cmp.Compare(a.Name, b.Name))
	})
	return drops
}

// XfrmStat is the source of error counters (net/xfrm/xfrm_proc.c, 6.12).
const XfrmStat = "/proc/net/xfrm_stat"

// relative is the standard error of a value as a ratio of it.
func relative(v metric.Value) float64 {
	if v.Value == 0 {
		return 0
	}
	return math.Abs(v.SE / v.Value)
}
