package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// A SpinPoint is the evidence of one run for the question "does it spin, and
// where?": samples of a clock or cycles event, all measured CPUs together.
type SpinPoint struct {
	Run     string
	Mode    string
	N       int // CPUs measured
	Event   string
	Busy    uint64       // samples that were not idle
	Spin    metric.Value // metric.SpinID
	Callers []Caller     // who entered the slow path, heaviest first
	Waits   metric.Value // metric.WaitsID of the probe
}

// A Caller is a function that entered a lock's slow path.
type Caller struct {
	Name  string
	Share float64 // of the spinning weight, 0..1
}

// SpinFloor is the spin share below which a run is said not to spin: a kernel
// under any load spends a little time in slow paths.
const SpinFloor = 0.01

// Spin answers, for each mode, whether CPUs wait for locks at the largest
// number of CPUs and how that grew, the mode that spins most first. Points come
// in the order of a report: by mode, then by N.
func Spin(points []SpinPoint) []result.Finding {
	type weighed struct {
		share float64
		result.Finding
	}
	var found []weighed
	for len(points) > 0 {
		n := 1
		for n < len(points) && points[n].Mode == points[0].Mode && points[n].Event == points[0].Event {
			n++
		}
		measured := slices.DeleteFunc(slices.Clone(points[:n]), func(p SpinPoint) bool { return !p.Spin.Measured() })
		if len(measured) > 0 {
			found = append(found, weighed{measured[len(measured)-1].Spin.Value, spinOfMode(measured)})
		}
		points = points[n:]
	}
	slices.SortStableFunc(found, func(a, b weighed) int { return cmp.Compare(b.share, a.share) })
	var out []result.Finding
	for _, f := range found {
		out = append(out, f.Finding)
	}
	return out
}

func spinOfMode(measured []SpinPoint) result.Finding {
	last := measured[len(measured)-1]
	f := result.Finding{
		ID:        "spin",
		NotProven: "A share of samples says where the time went, not what it cost in packets; the error is sampling error of one run, not the spread between runs.",
		Next:      "compare packets/s and cost per packet of the same runs; repeat each run before calling a difference real",
	}
	f.Say(modeName(last), "%s", spinClaim(last))
	if bundle.IsClock(last.Event) {
		f.NotProven += " A software clock is an interrupt: spinning with interrupts off (locks taken by _irqsave) is charged to the function that enables them again."
	}
	for _, p := range measured {
		f.Evidence = append(f.Evidence, spinEvidence(p))
	}
	return f
}

func spinClaim(p SpinPoint) string {
	where := "of busy time on " + cpus(p.N)
	if p.Spin.Value == 0 && p.Busy > 0 {
		return fmt.Sprintf("none of %d busy samples on %s spins on locks", p.Busy, cpus(p.N))
	}
	if p.Spin.Value < SpinFloor {
		return fmt.Sprintf("%s %s spins on locks, under the floor of %.0f %%", percent(p.Spin), where, 100*SpinFloor)
	}
	claim := fmt.Sprintf("%s %s spins on locks", percent(p.Spin), where)
	if names := callerNames(p.Callers); names != "" {
		claim += ", entered from " + names
	}
	return claim
}

func spinEvidence(p SpinPoint) string {
	s := fmt.Sprintf("%s: spin share %s (%s, %d samples in slow paths)", p.Run, percent(p.Spin), p.Event, p.Spin.Samples)
	if p.Waits.Measured() {
		s += fmt.Sprintf(", %.0f waits by probe", p.Waits.Value)
	}
	return s
}

// callerNames names the callers that make up most of the spinning.
func callerNames(callers []Caller) string {
	var names []string
	for _, c := range callers[:min(3, len(callers))] {
		if c.Share >= 0.05 {
			names = append(names, fmt.Sprintf("%s (%.0f %% of it)", c.Name, 100*c.Share))
		}
	}
	return strings.Join(names, ", ")
}

func modeName(p SpinPoint) string {
	if p.Mode == "" {
		return p.Run
	}
	return p.Mode
}

// percent prints a ratio and its standard error with the digits the error
// leaves: "25.0 +- 0.4 %", "0.048 +- 0.034 %".
func percent(v metric.Value) string {
	if v.Value > 0 && v.SE == 0 && v.Samples == 0 {
		return fmt.Sprintf("%.1f %%", 100*v.Value) // of weights that are no counts
	}
	digits := 1
	for se := 100 * v.SE; se > 0 && se < 0.1 && digits < 4; se *= 10 {
		digits++
	}
	return fmt.Sprintf("%.*f +- %.*f %%", digits, 100*v.Value, digits, 100*v.SE)
}

func cpus(n int) string {
	switch n {
	case 0:
		return "CPUs not recorded"
	case 1:
		return "1 CPU"
	}
	return fmt.Sprintf("%d CPUs", n)
}
