package cost

import (
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
)

// ByOwnPackets takes the costs of a hybrid CPU's PMUs over the packets of each one's own
// CPUs: cycles of some cores per packet of all would fall with every other core that
// joins in. Where the packets are not told by CPU, or a PMU's CPUs sent none and worked
// for the others, the costs stay over all packets and say so.
func ByOwnPackets(r *result.Run) {
	mains := r.Mains()
	for _, e := range r.Events {
		if k, of := ownPackets(r, mains, e.CPUs); of {
			basis := ""
			if k == 1 {
				basis = metric.OfAllPackets
			}
			scaleWhole(e, k, basis)
		}
	}
}

// CountedByOwnPackets does the same to what perf stat counted.
func CountedByOwnPackets(r *result.Run) {
	mains := r.Mains()
	for i := range r.Counted {
		t := &r.Counted[i]
		if e := r.Event(t.Event); e != nil {
			if k, of := ownPackets(r, mains, e.CPUs); of && k != 1 {
				t.PerPacket = t.PerPacket.Scaled(k, t.PerPacket.Basis)
			}
		}
	}
}

// ownPackets is how many times the packets of the PMU that some CPUs belong to the
// packets of all are, 1 if that is not known; of is false if they are of no PMU of
// several.
func ownPackets(r *result.Run, mains []*result.Event, cpus []result.CPU) (k float64, of bool) {
	if len(mains) < 2 || len(cpus) == 0 {
		return 1, false
	}
	all, own := r.Packets.MeasuredRate(), 0.0
	known := all.Measured()
	for _, main := range mains {
		sent := 0.0
		here := !OnCPU(main, cpus[0].CPU).Total.Empty()
		for _, p := range r.Packets.PerCPU {
			if p.Value.Measured() && !OnCPU(main, p.CPU).Total.Empty() {
				sent += p.Value.Value
			}
		}
		known = known && sent > 0
		if here {
			own, of = sent, true
		}
	}
	if !known || !of {
		return 1, of
	}
	return all.Value / own, of
}
