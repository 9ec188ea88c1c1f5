package analyze

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

// perturbed is the change of packets/s from which a probe's own effect, or the
// load's drift, must be told beside what it counted.
const perturbed = 0.02

// Perturbed reports whether the waits were counted under another traffic than
// the samples: packets/s changed by 2 % or more.
func (l *Locks) Perturbed() bool {
	return l.Effect.Measured() && math.Abs(l.Effect.Value) >= perturbed
}

// warnEffect says what the probe did to the traffic if it did much.
func (l *Locks) warnEffect() []bundle.Warning {
	if !l.Perturbed() {
		return nil
	}
	return []bundle.Warning{{
		Weakens: metric.WaitsID,
		Text:    fmt.Sprintf("in the probe's window packets/s changed by %+.0f %% against the samples' window: the probe's effect, or the load's own drift", 100*l.Effect.Value),
	}}
}

// newLocks sums what the wait probe counted. A run without the probe has a Gap.
// rate is packets/s in the window of the samples, probed in that of the probe.
func newLocks(m *bundle.Manifest, rows []bundle.LockRow, accounts []bundle.LockAccount, rate, probed metric.Value) Locks {
	probe := waitProbe(m)
	if probe == nil {
		gap := bundle.Gap{What: "lock waits", Why: "no wait probe ran"}
		for _, g := range m.Gaps {
			if g.What == "lock waits" {
				gap = g
			}
		}
		return Locks{
			Gap:    &gap,
			Waits:  metric.NotMeasured(metric.WaitsID, "waits", gap),
			WaitNS: metric.NotMeasured(metric.WaitID, "ns", gap),
			PerPkt: metric.NotMeasured(metric.WaitPacketID, "ns/packet", gap),
			Effect: metric.NotMeasured(metric.EffectID, "ratio", gap),
		}
	}
	l := Locks{Rung: probe.Rung, Blind: probe.Blind, Losses: lockLosses(m)}
	l.CPUs, l.Rows = lockCPUs(rows, accounts), lockRows(rows)
	var waits, ns uint64
	for _, c := range l.CPUs {
		waits += c.Waits
		ns += c.WaitNS
	}
	l.Waits = metric.Value{ID: metric.WaitsID, Value: float64(waits), Unit: "waits", Losses: l.Losses}
	l.WaitNS = metric.Value{ID: metric.WaitID, Value: float64(ns), Unit: "ns", Losses: l.Losses}
	l.Effect = probeEffect(rate, probed)
	l.PerPkt = waitPerPacket(float64(ns), probe.Window.Seconds(), probed)
	l.PerPkt.Losses = l.Losses
	return l
}

func waitProbe(m *bundle.Manifest) *bundle.Probe {
	for i := range m.Probes {
		if m.Probes[i].Name == "wait" {
			return &m.Probes[i]
		}
	}
	return nil
}

func probeEffect(rate, probed metric.Value) metric.Value {
	for _, v := range []metric.Value{rate, probed} {
		if !v.Measured() {
			return metric.NotMeasured(metric.EffectID, "ratio", *v.Missing)
		}
	}
	if rate.Value <= 0 {
		return metric.NotMeasured(metric.EffectID, "ratio", bundle.Gap{What: "effect of the probe", Why: "no packets were sent without it"})
	}
	return metric.Value{ID: metric.EffectID, Value: probed.Value/rate.Value - 1, Unit: "ratio"}
}

func waitPerPacket(ns, window float64, rate metric.Value) metric.Value {
	const unit = "ns/packet"
	if !rate.Measured() {
		return metric.NotMeasured(metric.WaitPacketID, unit, *rate.Missing)
	}
	if window <= 0 || rate.Value <= 0 {
		return metric.NotMeasured(metric.WaitPacketID, unit, bundle.Gap{What: "lock wait per packet", Why: "no packets were sent in the probe's window, or its length is not known"})
	}
	return metric.Value{ID: metric.WaitPacketID, Value: ns / window / rate.Value, Unit: unit}
}

// lockCPUs sums rows by CPU; waits that found no slot are counted too. CPUs
// that the probe watched and that never waited are listed with zeroes.
func lockCPUs(rows []bundle.LockRow, accounts []bundle.LockAccount) []LockCPU {
	byCPU := map[int]*LockCPU{}
	at := func(cpu int) *LockCPU {
		if byCPU[cpu] == nil {
			byCPU[cpu] = &LockCPU{CPU: cpu}
		}
		return byCPU[cpu]
	}
	for _, r := range rows {
		c := at(r.CPU)
		c.Waits += r.Count
		c.WaitNS += r.WaitNS
		c.MaxNS = max(c.MaxNS, r.MaxNS)
	}
	for _, a := range accounts {
		c := at(a.CPU)
		c.Waits += a.Overflow
		c.WaitNS += a.OverflowNS
	}
	var out []LockCPU
	for _, cpu := range slices.Sorted(maps.Keys(byCPU)) {
		out = append(out, *byCPU[cpu])
	}
	return out
}

func lockRows(rows []bundle.LockRow) []Lock {
	byLock := map[string]*Lock{}
	for _, r := range rows {
		l := byLock[r.Lock]
		if l == nil {
			l = &Lock{Lock: r.Lock, Name: r.Name}
			byLock[r.Lock] = l
		}
		l.Waits += r.Count
		l.WaitNS += r.WaitNS
		l.MaxNS = max(l.MaxNS, r.MaxNS)
		l.Hist = addHist(l.Hist, r.Hist)
		l.CPUs = append(l.CPUs, r.CPU)
	}
	var out []Lock
	for _, l := range byLock {
		slices.Sort(l.CPUs)
		l.CPUs = slices.Compact(l.CPUs)
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b Lock) int {
		return cmp.Or(cmp.Compare(b.WaitNS, a.WaitNS), cmp.Compare(a.Lock, b.Lock))
	})
	return out
}

func addHist(sum, h []uint64) []uint64 {
	if len(h) > len(sum) {
		sum = append(sum, make([]uint64, len(h)-len(sum))...)
	}
	for i, n := range h {
		sum[i] += n
	}
	return sum
}

// lockLosses returns what the recorder says the wait probe lost.
func lockLosses(m *bundle.Manifest) []bundle.Loss {
	var losses []bundle.Loss
	for _, l := range m.Losses {
		if isLockLoss(l) {
			losses = append(losses, l)
		}
	}
	return losses
}

func isLockLoss(l bundle.Loss) bool { return l.Source == "probe wait" }
