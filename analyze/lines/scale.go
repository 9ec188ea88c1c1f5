package lines

import (
	"fmt"
	"math"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// counters are events that count transfers, and where those come from: pmu-events of
// Linux 6.12.
func counters() []counter {
	return []counter{
		{"ls_dmnd_fills_from_sys.near_cache", []place{otherCCX}},      // Zen 4, 5
		{"ls_dmnd_fills_from_sys.ext_cache_local", []place{otherCCX}}, // Zen 3
		{"ls_dmnd_fills_from_sys.far_cache", []place{otherNode}},
		{"ls_dmnd_fills_from_sys.ext_cache_remote", []place{otherNode}},
		{"ls_dmnd_fills_from_sys.remote_cache", []place{otherCCX, otherNode}}, // Zen 5: both
		{"mem_load_l3_hit_retired.xsnp_fwd", []place{near}},
		{"mem_load_l3_hit_retired.xsnp_hitm", []place{near}},
		{"mem_load_l3_miss_retired.remote_hitm", []place{otherNode}},
		{"mem_load_l3_miss_retired.remote_fwd", []place{otherNode}},
	}
}

type counter struct {
	event string
	from  []place
}

// A scaling makes rates of samples. Ops that are sampled alike count themselves: n P
// over the packets. Of others only the share is known, and a rate needs a total that
// was counted.
type scaling struct {
	ops     float64 // packets, if a period counts ops
	total   metric.Value
	covered float64 // samples that the total is of
	missing *bundle.Gap
	doubt   string
	basis   string
}

func (r *reading) scale(run *result.Run) scaling {
	none := func(why string) scaling {
		return scaling{missing: &bundle.Gap{What: "lines per packet", Why: why + ": shares are of samples"}}
	}
	packets := run.Packets.Total
	if !packets.Measured() {
		return none(packets.Missing.Why)
	}
	total, from := counted(run.Counted)
	var covered float64
	open := ""
	for p := near; p < places; p++ {
		switch {
		case from[p]:
			covered += r.from[p]
		case r.from[p] > 0:
			open = p.String()
		}
	}
	if r.ops && packets.Value > 0 {
		s := scaling{ops: packets.Value, basis: "period of the ops sampled"}
		if total.Measured() && total.Value > 0 && covered > 0 {
			s.doubt = disagree(covered*r.period/r.transfers/packets.Value, total.Value)
		}
		return s
	}
	switch {
	case !total.Measured() || total.Value <= 0:
		return none("no event that counts transfers was counted beside the samples")
	case open != "":
		return none("no event counted the transfers from the " + open)
	}
	return scaling{total: total, covered: covered, basis: "share of the samples x transfers counted"}
}

// disagree says that ops sampled and fills counted are too far apart: fills of stores
// are in the count only, so that less than 1 is expected, and is what IBS cannot see.
func disagree(sampled, counted float64) string {
	if ratio := sampled / counted; ratio < 0.8 || ratio > 1.25 {
		return fmt.Sprintf("samples give %.2f of the transfers counted: stores are not sampled with their "+
			"source, ops may be flushed, sampling may have been throttled", ratio)
	}
	return ""
}

// counted adds up what counts transfers: the total per packet, and from where.
func counted(totals []result.Total) (total metric.Value, from [places]bool) {
	total = metric.NotMeasured(metric.CountedID, "", result.MissingReading)
	for _, t := range totals {
		for _, c := range counters() {
			if !strings.Contains(strings.ToLower(t.Event), c.event) || !t.PerPacket.Measured() ||
				from[c.from[0]] {
				continue
			}
			if !total.Measured() {
				total = metric.Value{ID: metric.CountedID}
			}
			total.Value += t.PerPacket.Value
			total.SE = math.Hypot(total.SE, t.PerPacket.SE)
			for _, p := range c.from {
				from[p] = true
			}
		}
	}
	return total, from
}

// of is a field's transfers per packet. Below 10 samples the exact interval of the
// count stands for it.
func (s scaling) of(f *sampled, r *reading) metric.Value {
	if s.missing != nil {
		return metric.NotMeasured(metric.TransferID, "transfers/packet", *s.missing)
	}
	var one, square float64 // what a sample is worth, and the square of the relative error
	if s.ops > 0 {
		one, square = f.period/f.n/s.ops, 1/f.n
	} else {
		relative := s.total.SE / s.total.Value
		one, square = s.total.Value/s.covered, (1-f.n/s.covered)/f.n+relative*relative
	}
	v := metric.Value{ID: metric.TransferID, Unit: "transfers/packet", Value: one * f.n, Samples: uint64(f.n),
		SE: one * f.n * max(math.Sqrt(square), r.spread(f)), Basis: s.basis, Doubt: s.doubt}
	if f.n < 10 {
		low, high := poisson95(f.n)
		v.Low, v.High = one*low, one*high
	}
	return v
}

// whole is all transfers.
func (s scaling) whole(r *reading) metric.Value {
	switch {
	case s.missing != nil:
		return metric.NotMeasured(metric.TransferID, "transfers/packet", *s.missing)
	case s.ops > 0:
		v := metric.Value{ID: metric.TransferID, Unit: "transfers/packet", Value: r.period / s.ops,
			Basis: s.basis, Samples: uint64(r.transfers), Doubt: s.doubt}
		if r.transfers > 0 {
			v.SE = v.Value / math.Sqrt(r.transfers)
		}
		return v
	}
	v := s.total
	v.ID, v.Unit, v.Samples, v.Basis = metric.TransferID, "transfers/packet", uint64(r.transfers), s.basis
	return v
}
