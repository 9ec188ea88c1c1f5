// Package locks makes of the probes' rows what a packet waits for each lock.
//
//	bundle.LockRow, by address and CPU  -> New        result.Lock: waits, lengths, wait per packet (waits.go)
//	bundle.AcquireRow                   -> New        acquisitions, and contention against waits (acquire.go)
//	their fast paths, of runs of 1 CPU  -> SetBounces what a line from another CPU costs (acquire.go)
//	bundle.StackRow                     -> New        who waited (caller.go)
//	bundle.Finds                        -> NewLookups calls of xfrm_state_find, NewMatrix SA by CPU (lookup.go)
//
// A lock is known by bundle.LockID; its class (class.go) is what locks of other runs
// have in common with it. Each figure is divided by the packets of the phase that
// counted it, not by those of the window of the samples.
package locks

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/symbols"
	"xfrmscope/collect/bundle"
)

// warnEffect says what the probe did to the traffic if it did much.
func warnEffect(l *result.Locks, wait packets.Span) []bundle.Warning {
	if !l.Perturbed() {
		return nil
	}
	against := "the samples' window"
	if wait.Phases > 0 {
		against = "the windows without a probe beside it"
	}
	return []bundle.Warning{bundle.Warn(metric.WaitsID,
		"in the probe's window packets/s changed by %+.0f %% against %s: the probe's effect, or the load's "+
			"own drift", 100*l.Effect.Value, against).Of(bundle.WarnProbe)}
}

// A Source is what the lock figures of a run are made of.
type Source struct {
	Manifest *bundle.Manifest
	bundle.Locks
	Finds  []bundle.FindRow
	SAs    []result.SA
	Kernel *symbols.Table // names the frames of stacks; nil: there are none
	Rate   metric.Value   // packets/s in the window of the samples
	Probed metric.Value   // in that of the probes, of runs without phases
	Sent   *metric.Value  // part of the packets in that window that the CPUs measured sent; nil: all
}

// New sums what the lock probes counted. A run without the wait probe has
// a Gap; its acquisitions are listed all the same. The fast paths are what
// setBounces needs; the warnings are of the probe's effect.
func New(s Source) (result.Locks, FastPaths, []bundle.Warning) {
	l := result.Locks{Losses: lockLosses(s.Manifest)}
	wait := s.waitSpan()
	if probe := packets.ProbeOf(s.Manifest, bundle.ProbeWait); probe == nil || s.lost() {
		gap := packets.NoProbe(s.Manifest, bundle.ProbeWait, "lock waits")
		if probe != nil {
			gap = bundle.Gap{What: "lock waits",
				Why: "the wait probe ran, and the run has no " + bundle.LocksFile}
		}
		l.Gap = &gap
		l.Waits = metric.NotMeasured(metric.WaitsID, "waits", gap)
		l.WaitNS = metric.NotMeasured(metric.WaitID, "ns", gap)
		l.PerPkt = metric.NotMeasured(metric.WaitPacketID, "ns/packet", gap)
		l.Effect = metric.NotMeasured(metric.EffectID, "ratio", gap)
	} else {
		l.AttachMode, l.Blind = probe.AttachMode, probe.Blind
		l.CPUs, l.Rows = lockCPUs(s.Waits, s.Accounts), lockRows(s.Waits)
		sumWaits(&l, s, wait)
		l.CPUs = slices.DeleteFunc(l.CPUs, func(c result.LockCPU) bool { return c.CPU < 0 })
	}
	fast := addAcquisitions(&l, s, wait)
	addCallers(&l, s)
	addSAs(&l, s)
	return l, fast, warnEffect(&l, wait)
}

// lost reports whether what the wait probe counted is not there: it accounts for each CPU, waits or none.
func (s *Source) lost() bool {
	return len(s.Waits) == 0 && len(s.Accounts) == 0 && len(s.Manifest.Files) > 0 &&
		!slices.ContainsFunc(s.Manifest.Files, func(f bundle.File) bool { return f.Name == bundle.LocksFile })
}

// waitSpan is the wait probe's phases; of runs without phases, its window.
func (s *Source) waitSpan() packets.Span {
	w := packets.SpanOf(s.Manifest, bundle.ProbeWait)
	if probe := packets.ProbeOf(s.Manifest, bundle.ProbeWait); w.Phases == 0 && probe != nil {
		w.Seconds = probe.Window.Seconds()
	}
	return w
}

func sumWaits(l *result.Locks, s Source, w packets.Span) {
	var waits, ns uint64
	for _, c := range l.CPUs {
		waits += c.Waits
		ns += c.WaitNS
	}
	lost, all := waitLoss(s.Accounts, w)
	top := float64(all) / math.Max(1, float64(all-lost)) // each lost wait as long as the others
	count, sum := float64(waits), float64(ns)
	l.Waits = metric.Value{ID: metric.WaitsID, Value: count, Unit: "waits", Losses: l.Losses}.CountWithLoss(lost,
		all, count*top)
	l.WaitNS = metric.Value{ID: metric.WaitID, Value: sum, Unit: "ns", Losses: l.Losses}.CountWithLoss(lost, all,
		sum*top)
	probed := s.Probed
	l.Effect = probeEffect(s.Rate, s.Probed)
	if w.Phases > 0 {
		probed = w.Rate(bundle.ProbeWait)
		l.Effect = waitEffect(s.Manifest)
	}
	probed = packets.PartOfRate(probed, s.Sent)
	l.PerPkt = waitPerPacket(sum, w.Seconds, probed)
	l.PerPkt.Losses = l.Losses
	l.PerPkt = l.PerPkt.WithLoss("waits", lost, all, l.PerPkt.Value, l.PerPkt.Value*top)
	for i := range l.Rows {
		r := &l.Rows[i]
		r.P50 = quantile(metric.WaitP50ID, r.Hist, 0.50, float64(r.MaxNS))
		r.P99 = quantile(metric.WaitP99ID, r.Hist, 0.99, float64(r.MaxNS))
		r.PerPkt = waitPerPacket(float64(r.WaitNS), w.Seconds, probed)
	}
}

// waitEffect is the effect of the wait probe's first phase that has one.
func waitEffect(m *bundle.Manifest) metric.Value {
	first := metric.NotMeasured(metric.EffectID, "ratio",
		bundle.Gap{What: "effect of the probe", Why: "it had no phase"})
	for i, p := range m.Phases {
		if p.Probe != bundle.ProbeWait {
			continue
		}
		v := packets.PhaseEffect(m.Phases, i)
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
func waitLoss(accounts []bundle.LockAccount, w packets.Span) (lost, all uint64) {
	var begun, givenUp, late uint64
	for _, a := range accounts {
		begun += a.Begun
		givenUp += a.Mismatched
		late += a.Late
	}
	unseen := max(late, w.Skipped)
	return givenUp + unseen, begun + unseen
}

func probeEffect(rate, probed metric.Value) metric.Value {
	for _, v := range []metric.Value{rate, probed} {
		if !v.Measured() {
			return metric.NotMeasured(metric.EffectID, "ratio", *v.Missing)
		}
	}
	if rate.Value <= 0 {
		return metric.NotMeasured(metric.EffectID, "ratio",
			bundle.Gap{What: "effect of the probe", Why: "no packets were sent without it"})
	}
	return metric.Value{ID: metric.EffectID, Value: probed.Value/rate.Value - 1, Unit: "ratio"}
}

func waitPerPacket(ns, window float64, rate metric.Value) metric.Value {
	const unit = "ns/packet"
	if !rate.Measured() {
		return metric.NotMeasured(metric.WaitPacketID, unit, *rate.Missing)
	}
	if window <= 0 || rate.Value <= 0 {
		return metric.NotMeasured(metric.WaitPacketID, unit, bundle.Gap{What: "lock wait per packet",
			Why: "no packets were sent in the probe's window, or its length is not known"})
	}
	return packets.WeakenedBy(metric.Value{ID: metric.WaitPacketID, Value: ns / window / rate.Value, Unit: unit},
		rate)
}

// lockCPUs sums rows by CPU; waits that found no slot are counted too. CPUs
// that the probe watched and that never waited are listed with zeroes.
func lockCPUs(rows []bundle.LockRow, accounts []bundle.LockAccount) []result.LockCPU {
	byCPU := map[int]*result.LockCPU{}
	at := func(cpu int) *result.LockCPU {
		if byCPU[cpu] == nil {
			byCPU[cpu] = &result.LockCPU{CPU: cpu}
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
	var out []result.LockCPU
	for _, cpu := range slices.Sorted(maps.Keys(byCPU)) {
		out = append(out, *byCPU[cpu])
	}
	return out
}

func lockRows(rows []bundle.LockRow) []result.Lock {
	byLock := map[string]*result.Lock{}
	for _, r := range rows {
		key := cmp.Or(r.Lock, r.ID.String()) // an import may know callers alone
		l := byLock[key]
		if l == nil {
			l = &result.Lock{Lock: r.Lock, ID: r.ID, Name: r.ID.String()}
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
	var out []result.Lock
	for _, l := range byLock {
		slices.Sort(l.CPUs)
		l.CPUs = slices.Compact(l.CPUs)
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b result.Lock) int {
		return cmp.Or(cmp.Compare(b.WaitNS, a.WaitNS), cmp.Compare(a.Lock, b.Lock), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// lockLosses returns what the recorder says the wait probe lost.
func lockLosses(m *bundle.Manifest) []bundle.Loss {
	var losses []bundle.Loss
	for _, l := range m.Losses {
		if IsLockLoss(l) {
			losses = append(losses, l)
		}
	}
	return losses
}

func IsLockLoss(l bundle.Loss) bool { return l.Source == "probe wait" }
