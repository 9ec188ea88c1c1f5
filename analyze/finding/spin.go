package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// spinFloor is the spin share below which a run is said not to spin: a kernel
// under any load spends a little time in slow paths.
const spinFloor = 0.01

// spin: do CPUs wait for locks at the largest number of CPUs of each mode, and
// how did that grow? The mode that spins most comes first.
func spin(r *result.Result) []result.Finding {
	sampled := slices.DeleteFunc(slices.Clone(r.Runs), func(run *result.Run) bool { return run.Main() == nil })
	type weighed struct {
		share float64
		result.Finding
	}
	var found []weighed
	for len(sampled) > 0 {
		n, first := 1, sampled[0]
		for n < len(sampled) && sampled[n].ModeName() == first.ModeName() &&
			sampled[n].Main().Name == first.Main().Name {
			n++
		}
		measured := slices.DeleteFunc(slices.Clone(sampled[:n]), func(run *result.Run) bool {
			return !run.Main().All.SpinShare.Measured()
		})
		if len(measured) > 0 {
			found = append(found, weighed{lastOf(measured).Main().All.SpinShare.Value,
				spinOfMode(measured)})
		}
		sampled = sampled[n:]
	}
	slices.SortStableFunc(found, func(a, b weighed) int { return cmp.Compare(b.share, a.share) })
	var out []result.Finding
	for _, f := range found {
		out = append(out, f.Finding)
	}
	return out
}

func spinOfMode(measured []*result.Run) result.Finding {
	last := lastOf(measured)
	f := result.Finding{
		ID: "spin",
		NotProven: "A share of samples says where the time went, not what it cost in packets; " +
			"the error is sampling error of one run, not the spread between runs.",
		Next: "compare packets/s and cost per packet of the same runs; repeat each run before calling a " +
			"difference real",
	}
	f.Say(last.ModeName(), "%s", spinClaim(last))
	if bundle.IsClock(last.Main().Name) {
		f.NotProven += " A software clock is an interrupt: spinning with interrupts off (locks taken by " +
			"_irqsave) " +
			"is charged to the function that enables them again."
	}
	for _, r := range measured {
		spin := r.Main().All.SpinShare
		line := fmt.Sprintf("%s: spin share %s (%s, %d samples in slow paths)",
			r.Name, percent(spin), r.Main().Name, spin.Samples)
		if w := r.Locks.Waits; w.Measured() {
			line += fmt.Sprintf(", %.0f waits by probe", w.Value)
		}
		f.Evidence = append(f.Evidence, line)
	}
	return f
}

func spinClaim(r *result.Run) string {
	all := &r.Main().All
	if all.SpinShare.Value == 0 && all.Busy.Samples > 0 {
		return fmt.Sprintf("none of %d busy samples on %s spins on locks", all.Busy.Samples, cpus(r.N))
	}
	claim := fmt.Sprintf("%s of busy time on %s spins on locks", percent(all.SpinShare), cpus(r.N))
	if all.SpinShare.Value < spinFloor {
		return fmt.Sprintf("%s, under the floor of %.0f %%", claim, 100*spinFloor)
	}
	if names := callerNames(all); names != "" {
		claim += ", entered from " + names
	}
	return claim
}

// callerNames names the callers that make up most of the spinning.
func callerNames(all *result.CPU) string {
	var names []string
	for _, c := range all.SpinCallers[:min(3, len(all.SpinCallers))] {
		if share := c.Share.Value / all.SpinShare.Value; share >= 0.05 {
			names = append(names, fmt.Sprintf("%s (%.0f %% of it)", c.Name, 100*share))
		}
	}
	return strings.Join(names, ", ")
}
