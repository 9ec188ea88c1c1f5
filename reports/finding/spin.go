package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
	"xfrmscope/reports/view"
)

// spinFloor is the spin share below which a run is said not to spin: a kernel
// under any load spends a little time in slow paths.
const spinFloor = 0.01

// A sampling is one event of a run whose samples are of time.
type sampling struct {
	*result.Run
	e *result.Event
}

// samplings are those of the main event, one for each PMU.
func samplings(runs []*result.Run) []sampling {
	var out []sampling
	for _, r := range runs {
		for _, e := range r.Mains() {
			if e.Timed() {
				out = append(out, sampling{r, e})
			}
		}
	}
	return out
}

// who names the run, or its mode, and which PMU of several.
func (s sampling) who(name string) string {
	if len(s.Mains()) > 1 {
		return name + ", " + s.e.Name
	}
	return name
}

// cpus says on how many CPUs the samples were taken.
func (s sampling) cpus() string {
	if len(s.Mains()) > 1 {
		return cpus(len(s.e.CPUs))
	}
	return cpus(s.N)
}

// spin: do CPUs wait for locks at the largest number of CPUs of each mode, and
// how did that grow? The mode that spins most comes first.
func spin(r *result.Result) []result.Finding {
	type key struct{ mode, event string }
	var keys []key
	measured := map[key][]sampling{}
	for _, s := range samplings(r.Runs) {
		if s.e.All.SpinShare.Measured() {
			k := key{s.ModeName(), s.e.Name}
			keys = result.AppendNew(keys, k)
			measured[k] = append(measured[k], s)
		}
	}
	chosen := view.LastOfModes(r) // the repeat that digest and tables show
	last := func(k key) sampling {
		for _, s := range measured[k] {
			if slices.Contains(chosen, s.Run) {
				return s
			}
		}
		return lastOf(measured[k])
	}
	share := func(k key) float64 { return last(k).e.All.SpinShare.Value }
	slices.SortStableFunc(keys, func(a, b key) int { return cmp.Compare(share(b), share(a)) })
	var out []result.Finding
	for _, k := range keys {
		out = append(out, spinOfMode(last(k), measured[k]))
	}
	return out
}

func spinOfMode(last sampling, measured []sampling) result.Finding {
	f := result.Finding{
		ID: result.Spins,
		NotProven: "A share of samples says where the time went, not what it cost in packets; " +
			"the error is sampling error of one run, not the spread between runs.",
		Next: "compare packets/s and cost per packet of the same runs; repeat each run before calling a " +
			"difference real",
	}
	f.Say(last.who(last.ModeName()), "%s", spinClaim(last))
	if last.e.Counted() {
		f.NotProven = "A share of cycles says where they went, not what it cost in packets."
	}
	if !last.e.Named() {
		f.NotProven += " That the samples are of time: the file does not name what was sampled."
	}
	if bundle.IsClock(last.e.Name) {
		f.NotProven += " A software clock is an interrupt: spinning with interrupts off (locks taken by " +
			"_irqsave) " + "is charged to the function that enables them again."
	}
	for _, s := range measured {
		spin := s.e.All.SpinShare
		line := fmt.Sprintf("%s: spin share %s (%s", s.Name, format.Percent(spin), s.e.Name)
		if !s.e.Counted() {
			line += fmt.Sprintf(", %d samples in slow paths", spin.Samples)
		}
		line += ")"
		if w := s.Locks.Waits; w.Measured() {
			line += ", " + format.Places(w.Value, 0) + " waits by probe"
		}
		f.Evidence = append(f.Evidence, line)
	}
	return f
}

// bypass says why it is no wonder that little spins, "" if nothing does.
func (s sampling) bypass() string {
	if offloaded(s.Run) > 0 {
		return ", but packet offload bypasses the path"
	}
	return ""
}

func spinClaim(s sampling) string {
	all := &s.e.All
	if all.SpinShare.Value == 0 && s.e.Counted() {
		return fmt.Sprintf("none of the %s on %s are spent in waiting for locks", s.e.Of(), s.cpus()) +
			s.bypass()
	}
	if all.SpinShare.Value == 0 && all.Busy.Samples > 0 {
		busy := "busy samples"
		if !s.e.Named() {
			busy = "samples"
		}
		return fmt.Sprintf("none of %d %s on %s spins on locks", all.Busy.Samples, busy, s.cpus()) + s.bypass()
	}
	claim := fmt.Sprintf("%s of %s on %s spins on locks", format.Percent(all.SpinShare), s.e.Of(), s.cpus())
	if all.SpinShare.Value < spinFloor {
		return claim + ", under the floor of " + format.InPercent(spinFloor, 0) + s.bypass()
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
			names = append(names, fmt.Sprintf("%s (%s of it)", c.Name, format.InPercent(share, 0)))
		}
	}
	return strings.Join(names, ", ")
}
