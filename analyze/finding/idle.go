package finding

import (
	"fmt"

	"xfrmscope/analyze/result"
)

// CPULoad is the evidence of one run for the question "are the CPUs the limit?":
// how much of each CPU's sampled time was idle.
type CPULoad struct {
	Run, Mode string
	CPUs      []IdleCPU
}

// An IdleCPU is the idle share of one CPU, 0..1.
type IdleCPU struct {
	CPU  int
	Idle float64
}

// IdleFloor is the idle share from which a CPU is not the bottleneck.
const IdleFloor = 0.05

// Idle reports modes whose sending CPUs had time to spare: what limits them is
// elsewhere, in the generator, the link or the other gateway. Loads come by
// mode.
func Idle(runs []CPULoad) []result.Finding {
	var out []result.Finding
	for len(runs) > 0 {
		n := 1
		for n < len(runs) && runs[n].Mode == runs[0].Mode {
			n++
		}
		if f, ok := idleOfMode(runs[:n]); ok {
			out = append(out, f)
		}
		runs = runs[n:]
	}
	return out
}

func idleOfMode(runs []CPULoad) (result.Finding, bool) {
	var evidence []string
	var f result.Finding
	idle := 0
	for _, r := range runs {
		var spare []string
		for _, c := range r.CPUs {
			if c.Idle > IdleFloor {
				spare = append(spare, fmt.Sprintf("CPU %d %.0f %%", c.CPU, 100*c.Idle))
			}
		}
		if len(spare) == 0 {
			continue
		}
		idle++
		f.Say(r.Run, "%d of %d CPUs had time to spare and were not the limit", len(spare), len(r.CPUs))
		if len(evidence) < maxMoves {
			evidence = append(evidence, fmt.Sprintf("%s: idle for a part of the samples: %s", r.Run, listed(spare)))
		}
	}
	if idle == 0 {
		return result.Finding{}, false
	}
	f.ID, f.Evidence = "idle", evidence
	f.NotProven = "The samples do not say what the limit was: the generator, the link, pauses and the receiver are candidates."
	f.Next = "offer more traffic, or look at ethtool -I -a and the drops of the receiver"
	if idle > 1 {
		f.Say(runs[0].Mode, "in %d of %d runs CPUs had time to spare and were not the limit", idle, len(runs))
	}
	return f, true
}
