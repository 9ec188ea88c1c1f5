package analyze

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

// A fastPath is the acquisitions of one lock that did not enter a slow path.
type fastPath struct {
	count     uint64 // timed
	ns        uint64
	hist      []uint64
	perPacket float64 // fast acquisitions per packet of the phase, timed or not; 0 if not known
}

func (f fastPath) mean() float64 { return float64(f.ns) / float64(f.count) }

// fastSteps is the bins an octave of AcquireRow.FastHist.
const fastSteps = 2

// acquired sums the rows of one lock over CPUs.
type acquired struct {
	name               string
	count              uint64 // of the phase of probe count
	timed              uint64 // of the phase of probe time: all acquisitions there
	fast, fastNS, slow uint64
	fastHist           []uint64
	counted, wereTimed bool
}

// addAcquisitions sets what the count and time probes saw of each lock, and
// lists locks that nobody waited for after those waited for.
func (l *Locks) addAcquisitions(s lockSource, wait span) {
	count, time := spanOf(s.manifest, "count"), spanOf(s.manifest, "time")
	gap := noProbe(s.manifest, "count", "lock acquisitions", "acquisitions", "count")
	missing := metric.NotMeasured(metric.AcquireID, "count", gap)
	l.Acquired = missing
	byLock := s.acquisitions()
	var total, other uint64
	for _, a := range s.AcquireAccounts {
		if phaseProbe(s.manifest, a.Phase) == "count" {
			total += a.Count
			other += a.Other
		}
	}
	if count.phases > 0 {
		l.Acquired = metric.Value{ID: metric.AcquireID, Value: float64(total), Unit: "count"}
		l.Acquired = l.Acquired.CountWithLoss(count.skipped, total+count.skipped, float64(total+count.skipped))
	}
	l.listUnwaited(byLock)
	lostWaits, allWaits := waitLoss(s.Accounts, wait)
	for i := range l.Rows {
		r := &l.Rows[i]
		a := byLock[r.Lock]
		r.Acquisitions = missing
		r.Contention = metric.NotMeasured(metric.ContentionID, "ratio", gap)
		r.Bounce = metric.NotMeasured(metric.BounceID, "ns/packet", noProbe(s.manifest, "time", "time of acquisitions", "time"))
		switch {
		case a != nil && a.counted:
			lost := other + count.skipped
			r.Acquisitions = metric.Value{ID: metric.AcquireID, Value: float64(a.count), Unit: "count"}.
				CountWithLoss(lost, total+count.skipped, float64(a.count+lost))
			c := contention(r.Waits, wait.seconds, a.count, count.seconds)
			up := float64(allWaits) / math.Max(1, float64(allWaits-lostWaits))
			down := float64(a.count) / float64(a.count+lost)
			c = c.WithLoss("waits", lostWaits, allWaits, c.Value, c.Value*up)
			r.Contention = c.WithLoss("acquisitions", lost, total+count.skipped, c.Value*down, math.Max(c.Value, c.High))
		case count.phases > 0:
			why := bundle.Gap{What: "acquisitions of this lock", Why: "the count probe saw none: it watches _raw_spin_lock_bh, not every way to take a lock"}
			r.Acquisitions = metric.NotMeasured(metric.AcquireID, "count", why)
			r.Contention = metric.NotMeasured(metric.ContentionID, "ratio", why)
		}
		if a != nil && a.wereTimed {
			r.fast = fastOf(a, time)
		}
	}
}

func (s *lockSource) acquisitions() map[string]*acquired {
	out := map[string]*acquired{}
	for _, row := range s.Acquires {
		a := out[row.Lock]
		if a == nil {
			a = &acquired{}
			out[row.Lock] = a
		}
		a.name = cmp.Or(a.name, row.Name)
		switch phaseProbe(s.manifest, row.Phase) {
		case "count":
			a.counted = true
			a.count += row.Count
		case "time":
			a.wereTimed = true
			a.timed += row.Count
			a.fast += row.Fast
			a.fastNS += row.FastNS
			a.slow += row.Slow
			a.fastHist = addHist(a.fastHist, row.FastHist)
		}
	}
	return out
}

// phaseProbe returns the probe of a phase by the phase's name.
func phaseProbe(m *bundle.Manifest, phase string) string {
	for _, p := range m.Phases {
		if p.Name == phase {
			return p.Probe
		}
	}
	return phase
}

// listUnwaited adds the locks that were taken and never waited for.
func (l *Locks) listUnwaited(byLock map[string]*acquired) {
	for i := range l.Rows {
		if a := byLock[l.Rows[i].Lock]; a != nil {
			l.Rows[i].Name = cmp.Or(l.Rows[i].Name, a.name)
		}
	}
	why := bundle.Gap{What: "waits", Why: "nobody waited for this lock"}
	if l.Gap != nil {
		why = *l.Gap
	}
	waited := len(l.Rows)
	listed := map[string]bool{}
	for _, r := range l.Rows {
		listed[r.Lock] = true
	}
	for lock, a := range byLock {
		if !listed[lock] {
			l.Rows = append(l.Rows, Lock{
				Lock: lock, Name: a.name,
				P50: metric.NotMeasured(metric.WaitP50ID, "ns", why), P99: metric.NotMeasured(metric.WaitP99ID, "ns", why),
				PerPkt: metric.NotMeasured(metric.WaitPacketID, "ns/packet", why),
			})
		}
	}
	slices.SortFunc(l.Rows[waited:], func(a, b Lock) int {
		x, y := byLock[a.Lock], byLock[b.Lock]
		return cmp.Or(cmp.Compare(y.count+y.timed, x.count+x.timed), cmp.Compare(a.Lock, b.Lock))
	})
}

// contention is waits/s over acquisitions/s, each in its phase. Both are counts:
// their errors are those of Poisson.
func contention(waits uint64, waitSeconds float64, acquired uint64, seconds float64) metric.Value {
	if acquired == 0 || seconds <= 0 || waitSeconds <= 0 {
		return metric.NotMeasured(metric.ContentionID, "ratio", bundle.Gap{What: "contention ratio", Why: "no acquisition was counted, or the length of a phase is not known"})
	}
	ratio := float64(waits) / waitSeconds / (float64(acquired) / seconds)
	if ratio > 1 {
		return metric.NotMeasured(metric.ContentionID, "ratio", bundle.Gap{
			What: "contention ratio",
			Why:  fmt.Sprintf("%.3g waits an acquisition: the lock is also taken in ways the count probe does not watch", ratio),
		})
	}
	w := math.Max(1, float64(waits)) // no wait: the error of one
	se := float64(1) / waitSeconds / (float64(acquired) / seconds) * math.Sqrt(w+w*w/float64(acquired))
	return metric.Value{ID: metric.ContentionID, Value: ratio, Unit: "ratio", SE: se, Samples: acquired}
}

func fastOf(a *acquired, time span) fastPath {
	f := fastPath{count: a.fast, ns: a.fastNS, hist: a.fastHist}
	if timed := a.fast + a.slow; timed > 0 && time.counted && time.packets > 0 {
		f.perPacket = float64(a.timed) * float64(a.fast) / float64(timed) / float64(time.packets)
	}
	return f
}

// setBounces sets what lock lines that come from another CPU cost: fast
// acquisitions above the floor, which is their mean in the run of one CPU of
// the same mode, else of any mode, on the same host and kernel.
func setBounces(runs []*Run) {
	for _, r := range runs {
		floor, why := floorOf(runs, r)
		for i := range r.Locks.Rows {
			if l := &r.Locks.Rows[i]; l.fast.count > 0 {
				l.Bounce = bounce(l.fast, floor, why)
			}
		}
	}
}

func bounce(f, floor fastPath, why string) metric.Value {
	missing := func(why string) metric.Value {
		return metric.NotMeasured(metric.BounceID, "ns/packet", bundle.Gap{What: "bounce of the lock's line", Why: why})
	}
	switch {
	case why != "":
		return missing(why)
	case f.perPacket == 0:
		return missing("packets of the phase were not counted")
	}
	se := math.Sqrt(histVariance(f.hist, fastSteps)/float64(f.count) + histVariance(floor.hist, fastSteps)/float64(floor.count))
	return metric.Value{ID: metric.BounceID, Value: (f.mean() - floor.mean()) * f.perPacket, Unit: "ns/packet", SE: se * f.perPacket, Samples: f.count}
}

// floorOf returns the fast acquisitions of the run of one CPU that r is measured
// against, or why there is none.
func floorOf(runs []*Run, r *Run) (fastPath, string) {
	if r.N == 1 {
		return fastPath{}, "one CPU is the floor that others are measured against"
	}
	var best fastPath
	for _, sameMode := range []bool{true, false} {
		for _, o := range runs {
			if o.N != 1 || o.Side != r.Side || o.Manifest.Host.Name != r.Manifest.Host.Name || o.Manifest.Host.BuildID != r.Manifest.Host.BuildID || sameMode != (o.Mode == r.Mode) {
				continue
			}
			for _, l := range o.Locks.Rows {
				best.count += l.fast.count
				best.ns += l.fast.ns
				best.hist = addHist(best.hist, l.fast.hist)
			}
		}
		if best.count > 0 {
			return best, ""
		}
	}
	return best, "no run of one CPU on this host and kernel was timed: the floor is not known"
}
