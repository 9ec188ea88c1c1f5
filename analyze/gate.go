package analyze

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/analyze/finding"
	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

// Statuses of a gate.
const (
	GateOK          = "ok"
	GateFailed      = "failed"
	GateNotMeasured = "not measured"
)

// What a run may show before its differences mean nothing.
const (
	dropLimit   = 0.001 // of packets; scaling.Options.LossLimit
	sampleLimit = 0.01  // of samples lost
	idleLimit   = 0.05  // of a CPU's time
)

// newGates checks a run: what failed takes the star from its comparisons.
func newGates(r *Run, in input) []Gate {
	facts := factDeltas(in.facts)
	idle := idleShares(r, in.deltas)
	pause := pauseGate(in.deltas, facts)
	drops := dropGate(r, in.deltas, facts)
	return []Gate{
		pause, drops,
		lostGate(r), throttleGate(r), multiplexGate(r),
		driftGate(r, in.facts),
		idleGate(idle),
		generatorGate(idle, pause, drops),
		coverageGate(r),
	}
}

// A delta is what a running count grew by in the window.
type delta struct {
	*bundle.Counter // as it ended
	Value           uint64
}

// counterDeltas pairs the reads at both ends. A count that went backwards was
// reset: nothing is known of it, and it is left out.
func counterDeltas(rows []bundle.Counter) []delta {
	start := make(map[bundle.CounterKey]uint64, len(rows)/2)
	for i := range rows {
		if c := &rows[i]; c.Phase == bundle.PhaseStart {
			start[c.Key()] = c.Value
		}
	}
	out := make([]delta, 0, len(start))
	for i := range rows {
		c := &rows[i]
		if c.Phase != bundle.PhaseEnd {
			continue
		}
		if before, ok := start[c.Key()]; ok && c.Value >= before {
			out = append(out, delta{c, c.Value - before})
		}
	}
	return out
}

// A factDelta is what a running count among the placement facts grew by.
type factDelta struct {
	factKey
	value uint64
}

func factDeltas(facts []bundle.Fact) []factDelta {
	start, end := map[factKey]uint64{}, map[factKey]uint64{}
	for _, f := range facts {
		n, err := strconv.ParseUint(f.Value, 10, 64)
		switch {
		case !f.Counter || err != nil:
		case f.Phase == bundle.PhaseStart:
			start[keyOf(f)] = n
		case f.Phase == bundle.PhaseEnd:
			end[keyOf(f)] = n
		}
	}
	var out []factDelta
	for k, n := range end {
		if before, ok := start[k]; ok && n >= before {
			out = append(out, factDelta{k, n - before})
		}
	}
	slices.SortFunc(out, func(a, b factDelta) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.subject, b.subject), cmp.Compare(a.name, b.name))
	})
	return out
}

// counts sums what moved and names the largest.
type counts struct {
	read  bool
	total uint64
	top   string
	most  uint64
}

func (c *counts) add(name string, n uint64) {
	c.read = true
	c.total += n
	if n > c.most {
		c.top, c.most = name, n
	}
}

func pauseGate(deltas []delta, facts []factDelta) Gate {
	g := Gate{ID: bundle.GatePause, Next: "ethtool -I -a DEV; ethtool -A DEV rx off tx off"}
	var c counts
	for _, d := range deltas {
		if bundle.IsPause(d.Name) {
			c.add(d.Source+" "+d.Name, d.Value)
		}
	}
	for _, f := range facts {
		if bundle.IsPause(f.name) {
			c.add(f.subject+" "+f.name, f.value)
		}
	}
	switch {
	case !c.read:
		return g.notMeasured("no counter of pause frames was read")
	case c.total > 0:
		who := "this machine held its sender back"
		if g.HeldBack = isReceived(c.top); g.HeldBack {
			who = "the next machine held this one back"
		}
		return g.failed("%d pause frames, most of them %s: %s", c.total, c.top, who)
	}
	return g.ok("no pause frame in the window")
}

// isReceived reports whether a counter is of pause frames that came in: "west/eth0
// rx_pause_ctrl_phy" of mlx5, "rx_pause_frames" of ethtool.
func isReceived(counter string) bool {
	words := strings.Fields(counter)
	return len(words) > 0 && strings.Contains(words[len(words)-1], "rx")
}

func dropGate(r *Run, deltas []delta, facts []factDelta) Gate {
	g := Gate{ID: bundle.GateDrops, Next: "ip -s xfrm state; cat /proc/net/xfrm_stat /proc/net/softnet_stat; ethtool -S DEV"}
	var c counts
	for _, d := range deltas {
		if d.Source == xfrmStat || bundle.IsDrop(d.Name) {
			c.add(d.Name, d.Value)
		}
	}
	for _, f := range facts {
		if bundle.IsDrop(f.name) {
			c.add(f.subject+" "+f.name, f.value)
		}
	}
	switch {
	case !c.read:
		return g.notMeasured("no counter of drops was read")
	case c.total == 0:
		return g.ok("no counter of drops rose")
	case !r.Packets.Total.Measured():
		return g.failed("%s rose by %d; how many packets were sent is not known", c.top, c.most)
	}
	// One packet may be in several counters: the largest is what is sure.
	share := float64(c.most) / (r.Packets.Total.Value + float64(c.most))
	if share > dropLimit {
		return g.failed("%s rose by %d (%.2f %% of packets)", c.top, c.most, 100*share)
	}
	return g.ok(fmt.Sprintf("%s rose by %d (%.3f %% of packets)", c.top, c.most, 100*share))
}

func lostGate(r *Run) Gate {
	g := Gate{ID: bundle.GateLostSamples, Next: "record with a larger -m or a lower -F"}
	e := r.Main()
	if e == nil {
		return g.notMeasured("the run has no samples")
	}
	lost := eventLoss(e, bundle.LossSamples)
	share := float64(lost) / float64(max(1, e.All.Total.Samples+lost))
	if share > sampleLimit {
		return g.failed("%d samples (%.1f %%) of %s were lost", lost, 100*share, e.Name)
	}
	return g.ok(fmt.Sprintf("%d of %d samples of %s were lost", lost, e.All.Total.Samples+lost, e.Name))
}

func throttleGate(r *Run) Gate {
	g := Gate{ID: bundle.GateThrottled, Next: "record with a lower -F, or raise kernel.perf_event_max_sample_rate"}
	if len(r.Events) == 0 {
		return g.notMeasured("the run has no samples")
	}
	for _, e := range r.Events {
		if n := eventLoss(e, bundle.LossThrottled); n > 0 {
			return g.failed("%s was off %d times because it took too many samples", e.Name, n)
		}
	}
	return g.ok("no event was throttled")
}

// eventLoss sums the losses of an event that are of one kind.
func eventLoss(e *Event, kind bundle.LossKind) uint64 {
	var n uint64
	for _, l := range e.Losses {
		if l.Kind == kind {
			n += l.Count
		}
	}
	return n
}

// multiplexLimit is the time an event may be off for its count to be one.
const multiplexLimit = 0.01

// multiplexGate: events that share a hardware counter are on for a part of the
// time. Those sampled were counted, too, as they were opened to be sampled.
func multiplexGate(r *Run) Gate {
	g := Gate{ID: bundle.GateMultiplexed, Next: "record fewer events at once; `sysctl kernel.nmi_watchdog` holds a counter where it is 1"}
	if len(r.Events) == 0 {
		return g.notMeasured("the run has no samples")
	}
	counted := map[string]bool{}
	for _, t := range r.Counted {
		counted[t.Event] = true
		if t.Running.Value < 1-multiplexLimit {
			return g.failed("%s was on for %.0f %% of the time: what it shows is of a part of the window", t.Event, 100*t.Running.Value)
		}
	}
	for _, e := range r.Events {
		// Software clocks have no counter to share.
		if e.Unit != "nanoseconds" && !counted[e.Name] {
			return g.notMeasured("how long " + e.Name + " was on was not counted")
		}
	}
	if len(counted) == 0 {
		return g.ok("software clocks share no counter")
	}
	return g.ok("every event was on for all of the time it was enabled")
}

// driftGate looks at what moves packets to other CPUs.
func driftGate(r *Run, facts []bundle.Fact) Gate {
	g := Gate{ID: bundle.GateIRQDrift, Next: "stop irqbalance; pin the queues' interrupts before each run"}
	read := map[string]bool{}
	for _, f := range facts {
		read[f.Phase] = read[f.Phase] || !f.Counter
	}
	switch {
	case !read[bundle.PhaseStart] && !read[bundle.PhaseEnd]:
		return g.notMeasured("placement was not read")
	case !read[bundle.PhaseStart] || !read[bundle.PhaseEnd]:
		return g.notMeasured("placement was read at one end of the window only")
	}
	var moved []string
	for _, d := range r.Drift {
		if slices.Contains([]string{bundle.TopicIRQ, bundle.TopicRSS, bundle.TopicRPS, bundle.TopicXPS, bundle.TopicRule}, d.Topic) {
			moved = append(moved, fmt.Sprintf("%s %s: %s", d.Subject, d.Name, finding.Change(d.Start, d.End)))
		}
	}
	if len(moved) > 0 {
		return g.failed("%d facts of placement moved: %s", len(moved), strings.Join(moved[:min(3, len(moved))], "; "))
	}
	return g.ok("interrupts, queues and flow rules were the same at both ends")
}

// An idleShare is the idle part of one measured CPU's time.
type idleShare struct {
	cpu   int
	share float64
}

// idleShares are those of the kernel's accounting, else of the samples of a
// clock: cycles do not count in a sleeping CPU.
func idleShares(r *Run, deltas []delta) []idleShare {
	var out []idleShare
	for _, c := range cpuTimes(deltas) {
		if slices.Contains(r.Manifest.Plan.CPUs, c.cpu) && c.sum() > 0 {
			out = append(out, idleShare{c.cpu, float64(c.idle) / 1e9 / c.sum()})
		}
	}
	if e := r.Main(); len(out) == 0 && e != nil && e.Unit == "nanoseconds" && len(e.CPUs) > 0 && e.CPUs[0].CPU >= 0 {
		for _, c := range e.CPUs {
			idle, _ := metric.Share(c.Idle, c.Total)
			out = append(out, idleShare{c.CPU, idle})
		}
	}
	return out
}

func idleGate(idle []idleShare) Gate {
	g := Gate{ID: bundle.GateIdleCPUs, Next: "offer more traffic, or spread it: see the SA and queue of the CPU"}
	if len(idle) == 0 {
		return g.notMeasured("idle time was not read")
	}
	most := slices.MaxFunc(idle, func(a, b idleShare) int { return cmp.Compare(a.share, b.share) })
	spare := 0
	for _, c := range idle {
		if c.share > idleLimit {
			spare++
		}
	}
	if spare > 0 {
		return g.failed("%d of %d CPUs were idle for more than %.0f %% (CPU %d: %.0f %%): they were not the limit", spare, len(idle), 100*idleLimit, most.cpu, 100*most.share)
	}
	return g.ok(fmt.Sprintf("every CPU was busy; the least busy, CPU %d, was idle for %.1f %%", most.cpu, 100*most.share))
}

// generatorGate: CPUs that all had time to spare, with nothing dropped and
// nobody paused, got less than they could send.
func generatorGate(idle []idleShare, pause, drops Gate) Gate {
	g := Gate{ID: bundle.GateGenerator, Next: "offer more traffic; run the generator on CPUs and hosts of its own"}
	if len(idle) == 0 {
		return g.notMeasured("idle time was not read")
	}
	for _, c := range idle {
		if c.share <= idleLimit {
			return g.ok(fmt.Sprintf("CPU %d was idle for %.1f %%: there was more to send than it could", c.cpu, 100*c.share))
		}
	}
	if pause.Status == GateFailed || drops.Status == GateFailed {
		return g.notMeasured("every CPU had time to spare, but packets were dropped or paused: what limits is not the generator alone")
	}
	return g.failed("every CPU had time to spare and nothing was dropped: no more was offered, or the link was full")
}

func coverageGate(r *Run) Gate {
	g := Gate{ID: bundle.GateCoverage, Next: "see /proc/sys/kernel/perf_cpu_time_max_percent; on a virtual machine, steal in /proc/stat"}
	e := r.Main()
	if e == nil {
		return g.notMeasured("the run has no samples")
	}
	whole, low, cpu, ok := e.coverage(r.Manifest.Plan.CPUs, r.Manifest.Window.Seconds())
	switch {
	case !ok:
		return g.notMeasured("only a clock that samples idle and user time, too, must sum to the time that passed")
	case low < minCoverage:
		return g.failed("samples make up %.0f %% of the CPUs' time (CPU %d: %.0f %%)", 100*whole, cpu, 100*low)
	}
	return g.ok(fmt.Sprintf("samples make up %.1f %% of the CPUs' time", 100*whole))
}

func (g Gate) ok(evidence string) Gate {
	g.Status, g.Evidence, g.Next = GateOK, evidence, ""
	return g
}

func (g Gate) failed(format string, args ...any) Gate {
	g.Status, g.Evidence = GateFailed, fmt.Sprintf(format, args...)
	return g
}

func (g Gate) notMeasured(why string) Gate {
	g.Status, g.Evidence, g.Next = GateNotMeasured, why, ""
	return g
}
