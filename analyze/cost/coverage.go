package cost

import (
	"fmt"
	"math"
	"strings"

	"xfrmscope/analyze/metric"
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

// CheckCoverage warns of samples that do not make up the time.
func CheckCoverage(e *result.Event, planned bundle.CPUSet, window float64) {
	whole, low, lowCPU, ok := Coverage(e, planned, window)
	if !ok || low >= MinCoverage {
		return
	}
	e.Warnings = append(e.Warnings, bundle.Warning{
		Weakens: metric.CostID,
		Text: fmt.Sprintf("samples make up %.0f %% of the CPUs' time (CPU %d: %.0f %%): ticks came late or "+
			"not at all; shares hold if they were lost at random, cost per packet is too low",
			100*whole, lowCPU, 100*low),
	})
}
