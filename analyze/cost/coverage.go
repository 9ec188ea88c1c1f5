package cost

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// MinCoverage is the share of a CPU's time the samples of a clock must make up
// for their weight to be taken as time.
const MinCoverage = 0.95

// Coverage compares the weight of a clock's samples with the time that passed:
// a clock that samples every CPU all the time must sum to CPUs x window. It
// falls short where ticks are late or lost: a throttled event, a virtual CPU
// that does not run, a CPU that went offline, a perf that was killed. It returns
// the share over all CPUs, those of the plan that have no sample too, and of the
// CPU that has least; ok is false if the event is no such clock.
func Coverage(e *result.Event, planned bundle.CPUSet, window float64) (whole, low float64, lowCPU int, ok bool) {
	_, modifiers, _ := strings.Cut(e.Name, ":")
	exclusive := strings.ContainsAny(modifiers, "ku") // cpu-clock:k leaves user time out
	if e.Unit != "nanoseconds" || exclusive || window <= 0 || len(e.CPUs) == 0 {
		return 0, 0, -1, false
	}
	low, lowCPU = math.Inf(1), -1
	sampled := make(bundle.CPUSet, 0, len(e.CPUs))
	for _, c := range e.CPUs {
		sampled = append(sampled, c.CPU)
		if share := c.Total.Period / 1e9 / window; share < low {
			low, lowCPU = share, c.CPU
		}
	}
	cpus := len(e.CPUs)
	for _, cpu := range planned {
		if !sampled.Contains(cpu) {
			low, lowCPU = 0, cpu
			cpus++
		}
	}
	return e.All.Total.Period / 1e9 / window / float64(cpus), low, lowCPU, true
}

// CheckCoverage warns of samples that do not make up the time, and takes the cost
// per packet from the kernel's accounting then, where it was read.
func CheckCoverage(e *result.Event, planned bundle.CPUSet, window float64, deltas []packets.Delta) {
	whole, low, lowCPU, ok := Coverage(e, planned, window)
	if !ok || low >= MinCoverage {
		return
	}
	effect := "cost per packet is too low"
	basis := fmt.Sprintf("by /proc/stat; samples cover %.0f %%", 100*whole)
	if byAccounting(e, planned, window, deltas, basis) {
		effect = "cost per packet is CPUs x busy (/proc/stat) / packets/s, its parts by their shares"
	}
	e.Warnings = append(e.Warnings, bundle.Warning{
		Kind: bundle.WarnCoverage, Weakens: metric.CostID,
		Text: fmt.Sprintf("samples make up %.0f %% of the CPUs' time (CPU %d: %.0f %%): ticks came late or "+
			"not at all; shares hold if they were lost at random, %s", 100*whole, lowCPU, 100*low, effect),
	})
}

// byAccounting scales costs per packet from the busy time of the samples to that
// of /proc/stat; false if it was not read for every CPU measured.
func byAccounting(e *result.Event, planned bundle.CPUSet, window float64, deltas []packets.Delta, basis string) bool {
	busy := map[int]float64{} // ns in the window
	for _, c := range Accounted(deltas) {
		if (planned.Contains(c.CPU) || !OnCPU(e, c.CPU).Total.Empty()) && c.Sum() > 0 {
			busy[c.CPU] = c.Busy() / c.Sum() * window * 1e9
		}
	}
	read := func(cpu int) bool { _, ok := busy[cpu]; return ok }
	for _, c := range e.CPUs {
		if !read(c.CPU) {
			return false
		}
	}
	if e.All.Busy.Period <= 0 || slices.ContainsFunc(planned, func(cpu int) bool { return !read(cpu) }) {
		return false
	}
	sum := 0.0
	for _, cpu := range slices.Sorted(maps.Keys(busy)) {
		sum += busy[cpu]
	}
	k := sum / e.All.Busy.Period
	scaleCosts(&e.All, k, basis)
	scaleShares(e.Unmatched, k, basis)
	for i := range e.CPUs {
		if c := &e.CPUs[i]; c.Busy.Period > 0 {
			scaleCosts(c, busy[c.CPU]/c.Busy.Period, basis)
		}
	}
	return true
}

func scaleCosts(c *result.CPU, k float64, basis string) {
	c.PerPacket = c.PerPacket.Scaled(k, basis)
	for _, parts := range [][]result.Share{c.Stages, c.Functions, c.SpinCallers, c.Receive, c.Directions,
		c.LockWordCallers} {
		scaleShares(parts, k, basis)
	}
}

func scaleShares(shares []result.Share, k float64, basis string) {
	for i := range shares {
		shares[i].PerPacket = shares[i].PerPacket.Scaled(k, basis)
	}
}
