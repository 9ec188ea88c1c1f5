// Package checks says what must hold for a run's numbers to mean anything.
//
//	counters, facts -> NewGates         conditions: pause, drops, lost samples ... (gates.go)
//	two measurements of one thing -> NewConsistency   sums that must agree (consistency.go, ledger.go)
//	facts at both ends -> NewDrift      placement that moved meanwhile (drift.go)
//	        -> Doubts, MarkDoubts       the numbers that hang on what failed (doubt.go)
//	runs    -> WorstGates, BlameOf      what takes the significance of a difference (gating.go)
//
// A failed gate or check marks a number and never removes it.
package checks

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/analyze/cost"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// What a run may show before its differences mean nothing.
const (
	dropLimit   = 0.001 // of packets; scaling.Options.LossLimit
	sampleLimit = 0.01  // of samples lost
	idleLimit   = 0.05  // of a CPU's time
)

// NewGates checks a run: what failed takes the significance of its comparisons.
func NewGates(r *result.Run, in packets.Rows) []result.Gate {
	facts := factDeltas(in.Facts)
	idle := idleShares(r, in.Deltas)
	pause := PauseGate(in.Deltas, facts)
	drops := dropGate(r, in.Deltas, facts)
	return []result.Gate{
		pause, drops,
		LostGate(r), ThrottleGate(r), multiplexGate(r),
		driftGate(r, in.Facts),
		idleGate(idle),
		generatorGate(idle, pause, drops),
		coverageGate(r),
	}
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
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.subject, b.subject),
			cmp.Compare(a.name, b.name))
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

func PauseGate(deltas []packets.Delta, facts []factDelta) result.Gate {
	g := result.Gate{ID: bundle.GatePause, Next: "ethtool -I -a DEV; ethtool -A DEV rx off tx off"}
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
		return notMeasured(g, "no counter of pause frames was read")
	case c.total > 0:
		who := "this machine held its sender back"
		if g.HeldBack = isReceived(c.top); g.HeldBack {
			who = "the next machine held this one back"
		}
		g.Severity = float64(c.total)
		return failed(g, "%d pause frames, most of them %s: %s", c.total, c.top, who)
	}
	return passed(g, "no pause frame in the window")
}

// isReceived reports whether a counter is of pause frames that came in: "west/eth0
// rx_pause_ctrl_phy" of mlx5, "rx_pause_frames" of ethtool.
func isReceived(counter string) bool {
	words := strings.Fields(counter)
	return len(words) > 0 && strings.Contains(words[len(words)-1], "rx")
}

func dropGate(r *result.Run, deltas []packets.Delta, facts []factDelta) result.Gate {
	g := result.Gate{ID: bundle.GateDrops,
		Next: "ip -s xfrm state; cat /proc/net/xfrm_stat /proc/net/softnet_stat; ethtool -S DEV"}
	var c counts
	for _, d := range deltas {
		if d.Source == packets.XfrmStat || bundle.IsDrop(d.Name) {
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
		return notMeasured(g, "no counter of drops was read")
	case c.total == 0:
		return passed(g, "no counter of drops rose")
	case !r.Packets.Total.Measured():
		return failed(g, "%s rose by %d; how many packets were sent is not known", c.top, c.most)
	}
	// One packet may be in several counters: the largest is what is sure.
	share := float64(c.most) / (r.Packets.Total.Value + float64(c.most))
	if share > dropLimit {
		g.Severity = share
		return failed(g, "%s rose by %d (%.2f %% of packets)", c.top, c.most, 100*share)
	}
	return passed(g, fmt.Sprintf("%s rose by %d (%.3f %% of packets)", c.top, c.most, 100*share))
}

func LostGate(r *result.Run) result.Gate {
	g := result.Gate{ID: bundle.GateLostSamples, Next: "record with a larger -m or a lower -F"}
	mains := r.Mains()
	if len(mains) == 0 {
		return notMeasured(g, "the run has no samples")
	}
	var told []string
	for _, e := range mains {
		lost := eventLoss(e, bundle.LossSamples)
		share := float64(lost) / float64(max(1, e.All.Total.Samples+lost))
		if share > sampleLimit {
			g.Severity = share
			return failed(g, "%d samples (%.1f %%) of %s were lost", lost, 100*share, e.Name)
		}
		told = append(told, fmt.Sprintf("%d of %d samples of %s were lost", lost, e.All.Total.Samples+lost,
			e.Name))
	}
	return passed(g, strings.Join(told, "; "))
}

func ThrottleGate(r *result.Run) result.Gate {
	g := result.Gate{ID: bundle.GateThrottled,
		Next: "record with a lower -F, or raise kernel.perf_event_max_sample_rate"}
	if len(r.Events) == 0 {
		return notMeasured(g, "the run has no samples")
	}
	for _, e := range r.Events {
		if n := eventLoss(e, bundle.LossThrottled); n > 0 {
			return failed(g, "%s was off %d times because it took too many samples", e.Name, n)
		}
	}
	return passed(g, "no event was throttled")
}

// eventLoss sums the losses of an event that are of one kind.
func eventLoss(e *result.Event, kind bundle.LossKind) uint64 {
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
func multiplexGate(r *result.Run) result.Gate {
	g := result.Gate{ID: bundle.GateMultiplexed,
		Next: "record fewer events at once; `sysctl kernel.nmi_watchdog` holds a counter where it is 1"}
	if len(r.Events) == 0 {
		return notMeasured(g, "the run has no samples")
	}
	counted := map[string]bool{}
	for _, t := range r.Counted {
		counted[t.Event] = true
		if t.Running.Value < 1-multiplexLimit {
			return failed(g, "%s was on for %.0f %% of the time: what it shows is of a part of the window",
				t.Event, 100*t.Running.Value)
		}
	}
	for _, e := range r.Events {
		// Software clocks have no counter to share.
		if e.Unit != "nanoseconds" && !counted[e.Name] {
			return notMeasured(g, "how long "+e.Name+" was on was not counted")
		}
	}
	if len(counted) == 0 {
		return passed(g, "software clocks share no counter")
	}
	return passed(g, "every event was on for all of the time it was enabled")
}

// driftGate looks at what moves packets to other CPUs.
func driftGate(r *result.Run, facts []bundle.Fact) result.Gate {
	g := result.Gate{ID: bundle.GateIRQDrift, Next: "stop irqbalance; pin the queues' interrupts before each run"}
	read := map[string]bool{}
	for _, f := range facts {
		read[f.Phase] = read[f.Phase] || !f.Counter
	}
	switch {
	case !read[bundle.PhaseStart] && !read[bundle.PhaseEnd]:
		return notMeasured(g, "placement was not read")
	case !read[bundle.PhaseStart] || !read[bundle.PhaseEnd]:
		return notMeasured(g, "placement was read at one end of the window only")
	}
	var moved []string
	for _, d := range r.Drift {
		if slices.Contains([]string{bundle.TopicIRQ, bundle.TopicRSS, bundle.TopicRPS, bundle.TopicXPS,
			bundle.TopicRule}, d.Topic) {
			moved = append(moved, fmt.Sprintf("%s %s: %s", d.Subject, d.Name, Change(d.Start, d.End)))
		}
	}
	if len(moved) > 0 {
		return failed(g, "%d facts of placement moved: %s", len(moved),
			strings.Join(moved[:min(3, len(moved))], "; "))
	}
	return passed(g, "interrupts, queues and flow rules were the same at both ends")
}

// An idleShare is the idle part of one measured CPU's time.
type idleShare struct {
	cpu   int
	share float64
}

// idleShares are those of the kernel's accounting, else of the samples of a
// clock: cycles do not count in a sleeping CPU.
func idleShares(r *result.Run, deltas []packets.Delta) []idleShare {
	var out []idleShare
	for _, c := range cost.Accounted(deltas) {
		if slices.Contains(r.Manifest.Plan.CPUs, c.CPU) && c.Sum() > 0 {
			out = append(out, idleShare{c.CPU, float64(c.Idle) / 1e9 / c.Sum()})
		}
	}
	if e := r.Main(); len(out) == 0 && e != nil && e.Unit == "nanoseconds" && len(e.CPUs) > 0 &&
		e.CPUs[0].CPU >= 0 && e.All.Unsure.Empty() {
		for _, c := range e.CPUs {
			idle, _ := metric.Share(c.Idle, c.Total)
			out = append(out, idleShare{c.CPU, idle})
		}
	}
	return out
}

func idleGate(idle []idleShare) result.Gate {
	g := result.Gate{ID: bundle.GateIdleCPUs,
		Next: "offer more traffic, or spread it: see the SA and queue of the CPU"}
	if len(idle) == 0 {
		return notMeasured(g, "idle time was not read")
	}
	most := slices.MaxFunc(idle, func(a, b idleShare) int { return cmp.Compare(a.share, b.share) })
	spare := 0
	for _, c := range idle {
		if c.share > idleLimit {
			spare++
		}
	}
	if spare > 0 {
		g.Severity = most.share
		return failed(g,
			"%d of %d CPUs were idle for more than %.0f %% (CPU %d: %.0f %%): they were not the limit",
			spare, len(idle), 100*idleLimit, most.cpu, 100*most.share)
	}
	return passed(g, fmt.Sprintf("every CPU was busy; the least busy, CPU %d, was idle for %.1f %%", most.cpu,
		100*most.share))
}

// generatorGate: CPUs that all had time to spare, with nothing dropped and
// nobody paused, got less than they could send.
func generatorGate(idle []idleShare, pause, drops result.Gate) result.Gate {
	g := result.Gate{ID: bundle.GateGenerator,
		Next: "offer more traffic; run the generator on CPUs and hosts of its own"}
	if len(idle) == 0 {
		return notMeasured(g, "idle time was not read")
	}
	for _, c := range idle {
		if c.share <= idleLimit {
			return passed(g,
				fmt.Sprintf("CPU %d was idle for %.1f %%: there was more to send than it could", c.cpu,
					100*c.share))
		}
	}
	if pause.Status == result.GateFailed || drops.Status == result.GateFailed {
		return notMeasured(g, "every CPU had time to spare, but packets were dropped or paused: what limits "+
			"is not the generator alone")
	}
	return failed(g,
		"every CPU had time to spare and nothing was dropped: no more was offered, or the link was full")
}

func coverageGate(r *result.Run) result.Gate {
	g := result.Gate{ID: bundle.GateCoverage,
		Next: "see /proc/sys/kernel/perf_cpu_time_max_percent; on a virtual machine, steal in /proc/stat"}
	e := r.Main()
	if e == nil {
		return notMeasured(g, "the run has no samples")
	}
	whole, low, cpu, ok := cost.Coverage(e, r.Manifest.Plan.CPUs, r.Manifest.Window.Seconds())
	switch {
	case !ok:
		return notMeasured(g,
			"only a clock that samples idle and user time, too, must sum to the time that passed")
	case low < cost.MinCoverage:
		g.Severity = 1 - low
		return failed(g, "samples make up %.0f %% of the CPUs' time (CPU %d: %.0f %%)", 100*whole, cpu, 100*low)
	}
	return passed(g, fmt.Sprintf("samples make up %.1f %% of the CPUs' time", 100*whole))
}

func passed(g result.Gate, evidence string) result.Gate {
	g.Status, g.Evidence, g.Next = result.GateOK, evidence, ""
	return g
}

func failed(g result.Gate, format string, args ...any) result.Gate {
	g.Status, g.Evidence = result.GateFailed, fmt.Sprintf(format, args...)
	return g
}

func notMeasured(g result.Gate, why string) result.Gate {
	g.Status, g.Evidence, g.Next = result.NotMeasured, why, ""
	return g
}
