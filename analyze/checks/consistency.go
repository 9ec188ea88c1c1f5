package checks

import (
	"fmt"
	"math"

	"xfrmscope/analyze/cost"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
)

// NewConsistency checks what two independent ways to measure must agree on.
func NewConsistency(r *result.Run, in packets.Rows) []result.ConsistencyCheck {
	return []result.ConsistencyCheck{
		functionsSum(r),
		costByAccounting(r, in.Deltas),
		SpinByProbe(r, in.Deltas),
		locksByPackets(r, in.SAs),
		findsByPackets(r),
		packetsByTraffic(r, in),
	}
}

// settle sets residual and verdict.
func settle(i result.ConsistencyCheck) result.ConsistencyCheck {
	if i.Right.Value == 0 {
		if i.Left.Value == 0 {
			i.Verdict = result.CheckHolds
			return i
		}
		return unchecked(i, i.Right.Text+" is 0")
	}
	i.Residual = i.Left.Value/i.Right.Value - 1
	i.Verdict = result.CheckHolds
	if !(math.Abs(i.Residual) <= i.Limit) {
		i.Verdict = result.CheckBroken
	}
	return i
}

func unchecked(i result.ConsistencyCheck, why string) result.ConsistencyCheck {
	i.Verdict, i.Why = result.NotMeasured, why
	return i
}

// functionsSum: the self weights of all functions make up the busy weight.
func functionsSum(r *result.Run) result.ConsistencyCheck {
	id := result.ConsistencyCheck{
		ID: "functions-sum", Limit: 1e-9, Marks: []string{metric.ShareID, metric.CostID},
		Left:  result.Side{Text: "self weight of all functions"},
		Right: result.Side{Text: "samples that are not idle"},
	}
	mains := r.Mains()
	if len(mains) == 0 {
		return unchecked(id, "the run has no samples")
	}
	for _, e := range mains { // of a hybrid CPU the first PMU whose sum does not hold, else the last
		id.Left.Value = 0
		for _, s := range e.Self {
			id.Left.Value += s.Weight.Period
		}
		id.Right.Value = e.All.Busy.Period
		id.Left.Unit, id.Right.Unit = e.Unit, e.Unit
		if id = settle(id); id.Verdict == result.CheckBroken {
			break
		}
	}
	return id
}

// accountingLimit is how far the kernel's own accounting, in ticks, may be from
// the samples of a clock.
const accountingLimit = 0.10

// costByAccounting: CPUs x busy / packets is the cost per packet.
func costByAccounting(r *result.Run, deltas []packets.Delta) result.ConsistencyCheck {
	id := result.ConsistencyCheck{
		ID: "cost-per-packet", Limit: accountingLimit,
		Marks: []string{metric.CostID, metric.SpinCostID, metric.WordCostID},
		Left:  result.Side{Text: "cost per packet by samples", Unit: "ns/packet"},
		Right: result.Side{Text: "CPUs x busy (/proc/stat) / packets/s", Unit: "ns/packet"},
	}
	e := r.Main()
	switch {
	case e == nil || !e.All.PerPacket.Measured():
		return unchecked(id, "no cost per packet was measured")
	case e.Unit != "nanoseconds":
		return byCounting(id, r, e)
	}
	if basis := e.All.PerPacket.Basis; basis != "" {
		return unchecked(id, "the cost is "+basis)
	}
	busy, read := accountedPerPacket(r, e, deltas)
	if !read {
		return unchecked(id, notAccounted)
	}
	id.Left.Value, id.Right.Value = e.All.PerPacket.Value, busy
	return settle(id)
}

const notAccounted = "/proc/stat was not read for every CPU measured"

// accountedPerPacket is the ns that the kernel accounted to the CPUs of an event per
// packet, idle time apart; read says whether it did to all of them.
func accountedPerPacket(r *result.Run, e *result.Event, deltas []packets.Delta) (ns float64, read bool) {
	_, busy, read := cost.BusyShares(e, r.Manifest.Plan.CPUs, deltas)
	return busy * 1e9 / r.Packets.MeasuredRate().Value, read
}

// countingLimit is how far a cost by samples may be from that by counting: the
// two are of windows one after the other, and sampling costs.
const countingLimit = 0.05

// byCounting holds the samples against what perf stat counted without them.
func byCounting(i result.ConsistencyCheck, r *result.Run, e *result.Event) result.ConsistencyCheck {
	i.Limit = countingLimit
	i.Left.Unit, i.Right = e.All.PerPacket.Unit,
		result.Side{Text: e.Name + " counted / packets", Unit: e.All.PerPacket.Unit}
	for _, t := range r.Counted {
		if t.Event != e.Name {
			continue
		}
		if !t.PerPacket.Measured() {
			return unchecked(i, t.PerPacket.Missing.Why)
		}
		// Counting knows no idle task: cycles of one that polls are in both.
		i.Left.Value = e.All.PerPacket.Value * e.All.Total.Period / e.All.Busy.Period
		i.Limit += e.All.PerPacket.Half() / e.All.PerPacket.Value
		i.Right.Value = t.PerPacket.Value
		return settle(i)
	}
	return unchecked(i, "the event counts "+e.Unit+", and was not counted beside the samples")
}

// minSpins is how many samples in slow paths a comparison with the probe needs.
const minSpins = 30

// spinByProbe: the slow path takes as long by the probe as by the samples. The
// two are of different windows, so they are taken per packet.
//
// No probe was attached while the samples were taken: this is what tells whether
// the wait probe moves the waits that it measures. Packets/s do not, as a waiter
// who is slowed may make a contended load faster; and a second window with one
// probe more would tell what that one adds, without an error of its own, as waits
// of one load differ from window to window.
func SpinByProbe(r *result.Run, deltas []packets.Delta) result.ConsistencyCheck {
	id := result.ConsistencyCheck{
		ID: "spin-probe-samples", Limit: 0.20,
		Marks: []string{metric.WaitPacketID, metric.SpinID, metric.SpinCostID},
		Left:  result.Side{Text: "slow-path time by probe", Unit: "ns/packet"},
		Right: result.Side{Text: "slow-path time by samples", Unit: "ns/packet"},
	}
	e := r.Main()
	switch {
	case e == nil || !e.All.SpinShare.Measured() || !e.All.PerPacket.Measured():
		return unchecked(id, "no samples, or no packets in their window")
	case e.Unit != "nanoseconds" && e.Unit != "cycles":
		return unchecked(id, "the event counts "+e.Unit+", the probe nanoseconds")
	case len(r.Mains()) > 1:
		return unchecked(id, "the samples are of PMUs with clocks of their own, the waits of all CPUs")
	case !r.Locks.PerPkt.Measured():
		return unchecked(id, r.Locks.PerPkt.Missing.Why)
	}
	spin := ofSpinLocks(e)
	if spin.Samples < minSpins {
		return unchecked(id, fmt.Sprintf("%d samples in slow paths, fewer than %d", spin.Samples, minSpins))
	}
	id.Left.Value = r.Locks.PerPkt.Value
	perPacket := e.All.PerPacket.Value
	if e.Unit == "cycles" { // a share of them is one of the time, at a steady clock
		var read bool
		if perPacket, read = accountedPerPacket(r, e, deltas); !read {
			return unchecked(id, notAccounted)
		}
		id.Right.Text = "share of cycles in slow paths x CPUs x busy (/proc/stat) / packets/s"
	}
	id.Right.Value = spin.Value * perPacket
	id.Limit += spin.Half() / spin.Value
	return settle(id)
}

// ofSpinLocks is the spin share without the part of locks whose waiters sleep, which the
// probe does not count.
func ofSpinLocks(e *result.Event) metric.Value {
	spin := e.All.SpinShare
	for _, f := range e.Self {
		if stage.SpinsForOwner(f.Name) && spin.Value > 0 {
			left := max(spin.Value-f.Weight.Period/e.All.Busy.Period, 0)
			spin.SE *= math.Sqrt(left / spin.Value)
			spin.Value, spin.Samples = left, spin.Samples-min(spin.Samples, f.Weight.Samples)
		}
	}
	return spin
}

// LedgerLimit is how far counts of the same packets may be apart, and
// roughLimit, where it is not known how far the packets may be off: reads at the
// ends of a phase are not at the same instant on every CPU.
const (
	LedgerLimit = 0.01
	RoughLimit  = 0.02
)

// findsByPackets: each packet forwarded looks its SA up once.
func findsByPackets(r *result.Run) result.ConsistencyCheck {
	id := result.ConsistencyCheck{
		ID: "find-packets", Limit: RoughLimit,
		Marks: []string{metric.FindID, metric.FindPacketID, metric.FallbackID, metric.WrongCPUID},
		Left:  result.Side{Text: "calls of xfrm_state_find", Unit: "count"},
		Right: result.Side{Text: "packets of the phase", Unit: "packets"},
	}
	find := packets.SpanOf(&r.Manifest, bundle.ProbeFind)
	switch {
	case r.Lookups == nil || !r.Lookups.Calls.Measured():
		return unchecked(id, "no find probe ran, or it lost too much")
	case !find.Counted:
		return unchecked(id, "packets of the find probe's phase were not counted")
	}
	if find.Edge > 0 {
		id.Limit = LedgerLimit + find.EdgeShare()
	}
	id.Left.Value, id.Right.Value = r.Lookups.Calls.Value, float64(find.Packets)
	return settle(id)
}

// packetsByTraffic: the SAs carried what the load says it sent.
func packetsByTraffic(r *result.Run, in packets.Rows) result.ConsistencyCheck {
	id := result.ConsistencyCheck{
		ID: "sa-traffic", Limit: RoughLimit,
		Marks: []string{metric.RateID, metric.PacketsID, metric.CostID, metric.SpinCostID,
			metric.WordCostID, metric.WaitPacketID, metric.CountedID},
		Left:  result.Side{Text: "packets/s by SA counters", Unit: "packets/s"},
		Right: result.Side{Text: "packets/s by the load", Unit: "packets/s"},
	}
	if in.Traffic == nil {
		return unchecked(id, "the load gave no counts of its own")
	}
	id.Right.Text = "packets/s by " + in.Traffic.Source
	sas := packets.New(r.SAs, in.SAs, nil, 0)
	load := packets.OfTraffic(in.Traffic, r.Manifest.Window.Seconds())
	switch {
	case !sas.Rate.Measured():
		return unchecked(id, "no outbound SA was read")
	case !load.Rate.Measured():
		return unchecked(id, load.Rate.Missing.Why)
	}
	id.Left.Value, id.Right.Value = sas.Rate.Value, load.Rate.Value
	return settle(id)
}
