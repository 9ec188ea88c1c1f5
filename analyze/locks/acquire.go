package locks

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// A fastPath is the acquisitions of one lock that did not enter a slow path.
type fastPath struct {
	count     uint64 // timed
	ns        uint64
	hist      []uint64
	perPacket float64 // fast acquisitions per packet of the phase, timed or not; 0 if not known
}

// FastPaths are those of one run, by address of the lock.
type FastPaths map[string]fastPath

// A Timed is a run with the fast paths of its locks.
type Timed struct {
	Run  *result.Run
	Fast FastPaths
}

func (f fastPath) mean() float64 { return float64(f.ns) / float64(f.count) }

// fastSteps is the bins an octave of AcquireRow.FastHist.
const fastSteps = 2

// acquired sums the rows of one lock over CPUs.
type acquired struct {
	id                 bundle.LockID
	count              uint64 // of the phase of probe count
	measured           uint64 // that, on the CPUs that waits are counted on
	timed              uint64 // of the phase of probe time: all acquisitions there
	fast, fastNS, slow uint64
	fastHist           []uint64
	counted, wereTimed bool
}

// addAcquisitions sets what the count and time probes saw of each lock, and
// lists locks that nobody waited for after those waited for.
func addAcquisitions(l *result.Locks, s Source, wait packets.Span) FastPaths {
	fast := FastPaths{}
	count, time := packets.SpanOf(s.Manifest, bundle.ProbeCount), packets.SpanOf(s.Manifest, bundle.ProbeTime)
	gap := packets.NoProbe(s.Manifest, bundle.ProbeCount, "lock acquisitions", "acquisitions", bundle.ProbeCount)
	missing := metric.NotMeasured(metric.AcquireID, "count", gap)
	l.Acquired = missing
	byLock := s.acquisitions()
	var total, other uint64
	for _, a := range s.AcquireAccounts {
		if phaseProbe(s.Manifest, a.Phase) == bundle.ProbeCount {
			total += a.Count
			other += a.Other
		}
	}
	if count.Phases > 0 {
		l.Acquired = metric.Value{ID: metric.AcquireID, Value: float64(total), Unit: "count"}
		l.Acquired = l.Acquired.CountWithLoss(count.Skipped, total+count.Skipped, float64(total+count.Skipped))
	}
	listUnwaited(l, byLock)
	lostWaits, allWaits := waitLoss(s.Accounts, wait)
	for i := range l.Rows {
		r := &l.Rows[i]
		a := byLock[r.Lock]
		r.Acquisitions = missing
		r.Contention = metric.NotMeasured(metric.ContentionID, "ratio", gap)
		r.Bounce = metric.NotMeasured(metric.BounceID, "ns/packet",
			packets.NoProbe(s.Manifest, bundle.ProbeTime, "time of acquisitions", bundle.ProbeTime))
		switch {
		case a != nil && a.counted:
			lost := other + count.Skipped
			r.Acquisitions = metric.Value{ID: metric.AcquireID, Value: float64(a.count), Unit: "count"}.
				CountWithLoss(lost, total+count.Skipped, float64(a.count+lost))
			c := contention(r.Waits, wait.Seconds, a.measured, count.Seconds)
			up := float64(allWaits) / math.Max(1, float64(allWaits-lostWaits))
			down := float64(a.count) / float64(a.count+lost)
			c = c.WithLoss("waits", lostWaits, allWaits, c.Value, c.Value*up)
			r.Contention = c.WithLoss("acquisitions", lost, total+count.Skipped, c.Value*down,
				math.Max(c.Value, c.High))
		case count.Phases > 0:
			why := bundle.Gap{What: "acquisitions of this lock",
				Why: "the count probe saw none: it watches _raw_spin_lock_bh, not every way to " +
					"take a lock"}
			r.Acquisitions = metric.NotMeasured(metric.AcquireID, "count", why)
			r.Contention = metric.NotMeasured(metric.ContentionID, "ratio", why)
		}
		if a != nil && a.wereTimed {
			fast[r.Lock] = fastOf(a, time)
			r.FastHist = fast[r.Lock].hist
		}
	}
	return fast
}

func (s *Source) acquisitions() map[string]*acquired {
	out := map[string]*acquired{}
	for _, row := range s.Acquires {
		a := out[row.Lock]
		if a == nil {
			a = &acquired{}
			out[row.Lock] = a
		}
		if a.id.Kind == "" {
			a.id = row.ID
		}
		switch phaseProbe(s.Manifest, row.Phase) {
		case bundle.ProbeCount:
			a.counted = true
			a.count += row.Count
			if cpus := s.Manifest.Plan.CPUs; len(cpus) == 0 || cpus.Contains(row.CPU) {
				a.measured += row.Count
			}
		case bundle.ProbeTime:
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
func listUnwaited(l *result.Locks, byLock map[string]*acquired) {
	for i := range l.Rows {
		if a := byLock[l.Rows[i].Lock]; a != nil {
			if l.Rows[i].ID.Kind == "" {
				l.Rows[i].ID, l.Rows[i].Name = a.id, a.id.String()
			}
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
			l.Rows = append(l.Rows, result.Lock{
				Lock: lock, ID: a.id, Name: a.id.String(),
				P50:    metric.NotMeasured(metric.WaitP50ID, "ns", why),
				P99:    metric.NotMeasured(metric.WaitP99ID, "ns", why),
				PerPkt: metric.NotMeasured(metric.WaitPacketID, "ns/packet", why),
			})
		}
	}
	slices.SortFunc(l.Rows[waited:], func(a, b result.Lock) int {
		x, y := byLock[a.Lock], byLock[b.Lock]
		return cmp.Or(cmp.Compare(y.count+y.timed, x.count+x.timed), cmp.Compare(a.Lock, b.Lock))
	})
}

// contention is waits/s over acquisitions/s, each in its phase. Both are counts:
// their errors are those of Poisson.
func contention(waits uint64, waitSeconds float64, acquired uint64, seconds float64) metric.Value {
	if acquired == 0 || seconds <= 0 || waitSeconds <= 0 {
		return metric.NotMeasured(metric.ContentionID, "ratio", bundle.Gap{What: "contention ratio",
			Why: "no acquisition was counted, or the length of a phase is not known"})
	}
	ratio := float64(waits) / waitSeconds / (float64(acquired) / seconds)
	if ratio > 1 {
		return metric.NotMeasured(metric.ContentionID, "ratio", bundle.Gap{
			What: "contention ratio",
			Why: fmt.Sprintf("%.3g waits an acquisition: the lock is also taken in ways the count probe "+
				"does not watch", ratio),
		})
	}
	w := math.Max(1, float64(waits)) // no wait: the error of one
	se := float64(1) / waitSeconds / (float64(acquired) / seconds) * math.Sqrt(w+w*w/float64(acquired))
	return metric.Value{ID: metric.ContentionID, Value: ratio, Unit: "ratio", SE: se, Samples: acquired}
}

func fastOf(a *acquired, time packets.Span) fastPath {
	f := fastPath{count: a.fast, ns: a.fastNS, hist: a.fastHist}
	if timed := a.fast + a.slow; timed > 0 && time.Counted && time.Packets > 0 {
		f.perPacket = float64(a.timed) * float64(a.fast) / float64(timed) / float64(time.Packets)
	}
	return f
}

// SetBounces sets what lock lines that come from another CPU may cost: fast
// acquisitions above the floor, their mean in the runs of one CPU on the same
// host and kernel.
func SetBounces(runs []Timed) {
	for _, r := range runs {
		floors, why := floorsOf(runs, r.Run)
		for i := range r.Run.Locks.Rows {
			l := &r.Run.Locks.Rows[i]
			if f := r.Fast[l.Lock]; f.count > 0 {
				setBounce(l, f, floors, why)
			}
		}
	}
}

func setBounce(l *result.Lock, fast fastPath, floors floors, why string) {
	missing := func(why string) {
		l.Bounce = metric.NotMeasured(metric.BounceID, "ns/packet",
			bundle.Gap{What: "bounce of the lock's line", Why: why})
	}
	switch {
	case why != "":
		missing(why)
		return
	case fast.perPacket == 0:
		missing("packets of the phase were not counted")
		return
	}
	of := floors.of(l.Class())
	mean := float64(of.ns) / float64(of.count)
	own, floor, df := fast.variance(), of.variance(), 0.0
	if n := len(of.means); n > 1 { // runs scatter more than their acquisitions say
		if between := variance(of.means); between > own || between/float64(n) > floor {
			own, floor, df = max(own, between), max(floor, between/float64(n)), float64(n-1)
		}
	}
	l.Floor = &result.Floor{Of: of.class, Own: of.class == l.Class() && of.class != result.UnnamedLocks, NS: mean,
		SE: math.Sqrt(floor), DF: df, Runs: len(of.means), Hist: of.hist}
	l.Bounce = metric.Value{
		ID: metric.BounceID, Value: (fast.mean() - mean) * fast.perPacket, Unit: "ns/packet",
		SE: math.Sqrt(own+floor) * fast.perPacket, DF: df, Samples: fast.count,
	}
}

// variance is that of the mean, of sampling within the phase.
func (f fastPath) variance() float64 { return histVariance(f.hist, fastSteps) / float64(f.count) }

func variance(x []float64) float64 {
	mean, sum := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		sum += (v - mean) * (v - mean)
	}
	return sum / float64(len(x)-1)
}

// A floor is the fast acquisitions of one class of locks on one CPU.
type floor struct {
	class string
	fastPath
	means []float64 // ns, of each run
}

// floors are those of the mode, then those of every mode; in each the classes,
// then all locks together.
type floors []map[string]*floor

// of returns the floor of a class, all locks together if it was timed nowhere.
func (f floors) of(class string) *floor {
	for _, class := range []string{class, allLocks} {
		for _, byClass := range f {
			if of := byClass[class]; of != nil {
				return of
			}
		}
	}
	return nil
}

// allLocks is a floor that is no class's own.
const allLocks = "all locks"

// floorsOf returns the floors that r is measured against, or why there is none.
func floorsOf(runs []Timed, r *result.Run) (floors, string) {
	if r.N == 1 {
		return nil, "one CPU is the floor that others are measured against"
	}
	sameMode, anyMode := map[string]*floor{}, map[string]*floor{}
	for _, o := range runs {
		if o.Run.N != 1 || !Like(o.Run, r) {
			continue
		}
		addFloors(anyMode, o)
		if o.Run.Mode == r.Mode {
			addFloors(sameMode, o)
		}
	}
	if len(anyMode) == 0 {
		return nil, "no run of one CPU on this host and kernel was timed: the floor is not known"
	}
	return floors{sameMode, anyMode}, ""
}

// addFloors adds the fast acquisitions of one run.
func addFloors(to map[string]*floor, r Timed) {
	of := map[string]*fastPath{}
	for i := range r.Run.Locks.Rows {
		l := &r.Run.Locks.Rows[i]
		fast := r.Fast[l.Lock]
		if fast.count == 0 {
			continue
		}
		for _, class := range []string{l.Class(), allLocks} {
			if of[class] == nil {
				of[class] = &fastPath{}
			}
			of[class].add(fast)
		}
	}
	for class, f := range of {
		if to[class] == nil {
			to[class] = &floor{class: class}
		}
		to[class].add(*f)
		to[class].means = append(to[class].means, f.mean())
	}
}

func (f *fastPath) add(o fastPath) {
	f.count += o.count
	f.ns += o.ns
	f.hist = addHist(f.hist, o.hist)
}

// Like reports whether a run is of the same side, host and kernel.
func Like(r *result.Run, o *result.Run) bool {
	h, other := &r.Manifest.Host, &o.Manifest.Host
	return r.Side == o.Side && h.Name == other.Name && h.BuildID == other.BuildID
}
