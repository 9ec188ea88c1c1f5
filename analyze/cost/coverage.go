package cost

import (
	"fmt"
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
	var kind bundle.WarningKind
	effect := "cost per packet is too low"
	basis := fmt.Sprintf("%s; samples cover %.0f %%", metric.ByAccounting, 100*whole)
	if scaleToAccounted(e, planned, window, deltas, basis) {
		kind = bundle.WarnCoverage
		effect = "cost per packet is CPUs x busy (/proc/stat) / packets/s, its parts by their shares"
	}
	e.Warnings = append(e.Warnings, bundle.Warn(metric.CostID,
		"samples make up %.0f %% of the CPUs' time (CPU %d: %.0f %%): ticks came late or not at all; shares "+
			"hold if they were lost at random, %s", 100*whole, lowCPU, 100*low, effect).Of(kind))
}

// BusyShares are the parts of the window that the kernel accounted each CPU of an
// event or of the plan as busy, and their sum; ok if it did to all of them.
func BusyShares(e *result.Event, planned bundle.CPUSet, deltas []packets.Delta) (of map[int]float64, sum float64,
	ok bool) {
	of = map[int]float64{}
	for _, c := range Accounted(deltas) {
		if (planned.Contains(c.CPU) || !OnCPU(e, c.CPU).Total.Empty()) && c.Sum() > 0 {
			of[c.CPU] = c.Busy() / c.Sum()
			sum += of[c.CPU]
		}
	}
	ok = !slices.ContainsFunc(planned, func(cpu int) bool { _, read := of[cpu]; return !read })
	for _, c := range e.CPUs {
		_, read := of[c.CPU]
		ok = ok && read
	}
	return of, sum, ok
}

// scaleToAccounted scales costs per packet from the busy time of the samples to that
// of /proc/stat; false if it was not read for every CPU measured.
func scaleToAccounted(e *result.Event, planned bundle.CPUSet, window float64, deltas []packets.Delta,
	basis string) bool {
	busy, sum, ok := BusyShares(e, planned, deltas)
	if !ok || e.All.Busy.Period <= 0 {
		return false
	}
	k := sum * window * 1e9 / e.All.Busy.Period
	scaleWhole(e, k, basis)
	for i := range e.CPUs {
		if c := &e.CPUs[i]; c.Busy.Period > 0 {
			scaleCosts(c, busy[c.CPU]*window*1e9/c.Busy.Period, basis)
		}
	}
	return true
}

// scaleWhole scales the costs of all CPUs together.
func scaleWhole(e *result.Event, k float64, basis string) {
	scaleCosts(&e.All, k, basis)
	scaleShares(e.Unmatched, k, basis)
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
