package record

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"xfrmscope/collect/bundle"
)

// DefaultPhase is how long a probe is attached: it counts every event, so that
// it needs less time than sampling does.
const DefaultPhase = 2 * time.Second

// maxPhase bounds the phase of a plan, for all of them are run on a load that
// is thought of for the window.
const maxPhase = 30 * time.Second

// phaseLength returns how long a phase is. Those without a probe are half as
// long: there is one on either side of each with one.
func phaseLength(plan bundle.Plan, name string) time.Duration {
	d := plan.PhaseNS
	if d == 0 {
		d = min(DefaultPhase, plan.DurationNS)
	}
	if bundle.IsFreePhase(name) {
		return d / 2
	}
	return d
}

// phaseNames returns the phases of probes, in order. In the first, perf counts
// the events that it sampled before; in a later one without a probe nothing
// measures, which tells what the load does by itself.
func phaseNames(probes []string) []string {
	names := []string{bundle.FreePhase(0)}
	for i, name := range probes {
		names = append(names, name, bundle.FreePhase(i+1))
	}
	if len(probes) == 0 {
		names = append(names, bundle.FreePhase(1))
	}
	return names
}

// phasesLength returns how long phases of a plan take together, without what
// attaching takes.
func phasesLength(plan bundle.Plan, names []string) time.Duration {
	var sum time.Duration
	for _, name := range names {
		sum += phaseLength(plan, name) + settle
	}
	return sum
}

// checkProbes reports the first probe that there is not, and a phase that has no
// length.
func checkProbes(plan bundle.Plan) error {
	for i, name := range plan.Probes {
		if !slices.Contains(bundle.Probes(), name) {
			return &PlanError{"probe " + name, "there is none of that name",
				"there are " + strings.Join(bundle.Probes(), ", ")}
		}
		if slices.Contains(plan.Probes[:i], name) {
			return &PlanError{"probe " + name, "it is named twice", "name it once"}
		}
	}
	if plan.PhaseNS < 0 || plan.PhaseNS > maxPhase {
		return &PlanError{"phase", fmt.Sprintf("%s is not within 0 and %s", plan.PhaseNS, maxPhase),
			fmt.Sprintf("leave it out for %s", DefaultPhase)}
	}
	return nil
}

// sentWithin returns what was sent in a window, of reads in order, the first
// before it and the last after it: between two reads packets are taken to be
// evenly spread.
func sentWithin(w bundle.Window, reads []saRead) (packets uint64, counted bool) {
	sum := 0.0
	for i := 1; i < len(reads); i++ {
		before, after := reads[i-1], reads[i]
		n, ok := sentBetween(before.sas, after.sas)
		sum += float64(n) * shared(w, bundle.Window{StartNS: before.timeNS, EndNS: after.timeNS})
		counted = counted || ok
	}
	return uint64(math.Round(sum)), counted
}

// sentAtEnds returns what was sent between the reads on both sides of a
// window's start, and between those of its end; 0 if there is one read each.
func sentAtEnds(reads []saRead) uint64 {
	if len(reads) < 4 {
		return 0
	}
	early, _ := sentBetween(reads[0].sas, reads[1].sas)
	late, _ := sentBetween(reads[len(reads)-2].sas, reads[len(reads)-1].sas)
	return early + late
}

// shared returns what part of a time is in the window, as a ratio.
func shared(w, time bundle.Window) float64 {
	both := bundle.Window{StartNS: max(w.StartNS, time.StartNS), EndNS: min(w.EndNS, time.EndNS)}
	if time.Seconds() == 0 {
		return 0
	}
	return both.Seconds() / time.Seconds()
}

// deletedBetween names the SAs that were there at the first read alone; larval
// ones carry nothing.
func deletedBetween(before, after []bundle.SA) []string {
	there := make(map[bundle.SAKey]bool, len(after))
	read := make(map[string]bool) // namespaces
	for i := range after {
		there[after[i].Key()], read[after[i].NetNS] = true, true
	}
	var names []string
	for i := range before {
		if sa := &before[i]; !there[sa.Key()] && read[sa.NetNS] && !sa.Larval && sa.Outbound(nil) {
			names = append(names, sa.Name())
		}
	}
	return names
}

// sentBetween sums what the outbound SAs sent between two reads; counted
// says whether there was one.
func sentBetween(before, after []bundle.SA) (packets uint64, counted bool) {
	began := make(map[bundle.SAKey]*bundle.SA, len(before))
	for i := range before {
		began[before[i].Key()] = &before[i]
	}
	for i := range after {
		sa := &after[i]
		was := began[sa.Key()]
		if !sa.Outbound(was) {
			continue
		}
		counted = true
		packets += sa.PacketsSince(was)
	}
	return packets, counted
}
