package analyze

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/symbols"
	"xfrmscope/collect/bundle"
)

// Perturbed reports whether the waits were counted under another traffic than
// the samples: packets/s changed by 2 % or more.
func (l *Locks) Perturbed() bool {
	return l.Effect.Measured() && math.Abs(l.Effect.Value) >= perturbed
}

// warnEffect says what the probe did to the traffic if it did much.
func (l *Locks) warnEffect(wait span) []bundle.Warning {
	if !l.Perturbed() {
		return nil
	}
	against := "the samples' window"
	if wait.phases > 0 {
		against = "the windows without a probe beside it"
	}
	return []bundle.Warning{{
		Weakens: metric.WaitsID,
		Text:    fmt.Sprintf("in the probe's window packets/s changed by %+.0f %% against %s: the probe's effect, or the load's own drift", 100*l.Effect.Value, against),
	}}
}

// A lockSource is what the lock figures of a run are made of.
type lockSource struct {
	manifest *bundle.Manifest
	bundle.Locks
	finds  []bundle.FindRow
	sas    []SA
	kernel *symbols.Table // names the frames of stacks; nil: there are none
	rate   metric.Value   // packets/s in the window of the samples
	probed metric.Value   // in that of the probes, of runs without phases
	sent   *metric.Value  // part of the packets in that window that the CPUs measured sent; nil: all
}

// newLocks sums what the lock probes counted. A run without the wait probe has
// a Gap; its acquisitions are listed all the same. The fast paths are what
// setBounces needs; the warnings are of the probe's effect.
func newLocks(s lockSource) (Locks, fastPaths, []bundle.Warning) {
	l := Locks{Losses: lockLosses(s.manifest)}
	wait := s.waitSpan()
	if probe := probeOf(s.manifest, bundle.ProbeWait); probe == nil {
		gap := noProbe(s.manifest, bundle.ProbeWait, "lock waits")
		l.Gap = &gap
		l.Waits = metric.NotMeasured(metric.WaitsID, "waits", gap)
		l.WaitNS = metric.NotMeasured(metric.WaitID, "ns", gap)
		l.PerPkt = metric.NotMeasured(metric.WaitPacketID, "ns/packet", gap)
		l.Effect = metric.NotMeasured(metric.EffectID, "ratio", gap)
	} else {
		l.Rung, l.Blind = probe.Rung, probe.Blind
		l.CPUs, l.Rows = lockCPUs(s.Waits, s.Accounts), lockRows(s.Waits)
		l.sumWaits(s, wait)
		l.CPUs = slices.DeleteFunc(l.CPUs, func(c LockCPU) bool { return c.CPU < 0 })
	}
	fast := l.addAcquisitions(s, wait)
	l.addCallers(s)
	l.addSAs(s)
	return l, fast, l.warnEffect(wait)
}

// waitSpan is the wait probe's phases; of runs without phases, its window.
func (s *lockSource) waitSpan() span {
	w := spanOf(s.manifest, bundle.ProbeWait)
	if probe := probeOf(s.manifest, bundle.ProbeWait); w.phases == 0 && probe != nil {
		w.seconds = probe.Window.Seconds()
	}
	return w
}

func (l *Locks) sumWaits(s lockSource, w span) {
	var waits, ns uint64
	for _, c := range l.CPUs {
		waits += c.Waits
		ns += c.WaitNS
	}
	lost, all := waitLoss(s.Accounts, w)
	top := float64(all) / math.Max(1, float64(all-lost)) // each lost wait as long as the others
	count, sum := float64(waits), float64(ns)
	l.Waits = metric.Value{ID: metric.WaitsID, Value: count, Unit: "waits", Losses: l.Losses}.CountWithLoss(lost, all, count*top)
	l.WaitNS = metric.Value{ID: metric.WaitID, Value: sum, Unit: "ns", Losses: l.Losses}.CountWithLoss(lost, all, sum*top)
	probed := s.probed
	l.Effect = probeEffect(s.rate, s.probed)
	if w.phases > 0 {
		probed = w.rate(bundle.ProbeWait)
		l.Effect = waitEffect(s.manifest)
	}
	probed = partOfRate(probed, s.sent)
	l.PerPkt = waitPerPacket(sum, w.seconds, probed)
	l.PerPkt.Losses = l.Losses
	l.PerPkt = l.PerPkt.WithLoss("waits", lost, all, l.PerPkt.Value, l.PerPkt.Value*top)
	for i := range l.Rows {
		r := &l.Rows[i]
		r.P50 = quantile(metric.WaitP50ID, r.Hist, 0.50, float64(r.MaxNS))
		r.P99 = quantile(metric.WaitP99ID, r.Hist, 0.99, float64(r.MaxNS))
		r.PerPkt = waitPerPacket(float64(r.WaitNS), w.seconds, probed)
	}
}

// waitEffect is the effect of the wait probe's first phase that has one.
func waitEffect(m *bundle.Manifest) metric.Value {
	first := metric.NotMeasured(metric.EffectID, "ratio", bundle.Gap{What: "effect of the probe", Why: "it had no phase"})
	for i, p := range m.Phases {
		if p.Probe != bundle.ProbeWait {
			continue
		}
		v := phaseEffect(m.Phases, i)
		if v.Measured() {
			return v
		}
		first = v
	}
	return first
}

// waitLoss is how many waits were lost out of how many: given up, or without
// their begin. Those whose begin the kernel skipped are without it where their
// end was seen. Waits without a slot are counted.
func waitLoss(accounts []bundle.LockAccount, w span) (lost, all uint64) {
	var begun, givenUp, late uint64
	for _, a := range accounts {
		begun += a.Begun
		givenUp += a.Mismatched
		late += a.Late
	}
	unseen := max(late, w.skipped)
	return givenUp + unseen, begun + unseen
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
	return weakenedBy(metric.Value{ID: metric.WaitPacketID, Value: ns / window / rate.Value, Unit: unit}, rate)
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
		key := cmp.Or(r.Lock, r.ID.String()) // an import may know callers alone
		l := byLock[key]
		if l == nil {
			l = &Lock{Lock: r.Lock, ID: r.ID, Name: r.ID.String()}
			byLock[key] = l
		}
		l.Waits += r.Count
		l.WaitNS += r.WaitNS
		l.MaxNS = max(l.MaxNS, r.MaxNS)
		l.Hist = addHist(l.Hist, r.Hist)
		if r.CPU >= 0 {
			l.CPUs = append(l.CPUs, r.CPU)
		}
	}
	var out []Lock
	for _, l := range byLock {
		slices.Sort(l.CPUs)
		l.CPUs = slices.Compact(l.CPUs)
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b Lock) int {
		return cmp.Or(cmp.Compare(b.WaitNS, a.WaitNS), cmp.Compare(a.Lock, b.Lock), cmp.Compare(a.Name, b.Name))
	})
	return out
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
