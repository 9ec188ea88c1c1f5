package finding

import "fmt"

// CPULoad is the evidence of one run for the question "are the CPUs the limit?":
// how much of each CPU's sampled time was idle.
type CPULoad struct {
	Run  string
	CPUs []IdleCPU
}

// An IdleCPU is the idle share of one CPU, 0..1.
type IdleCPU struct {
	CPU  int
	Idle float64
}

// IdleFloor is the idle share from which a CPU is not the bottleneck.
const IdleFloor = 0.05

// Idle reports runs whose sending CPUs had time to spare: what limits them is
// elsewhere, in the generator, the link or the other gateway.
func Idle(runs []CPULoad) []Finding {
	var out []Finding
	for _, r := range runs {
		var spare []string
		for _, c := range r.CPUs {
			if c.Idle > IdleFloor {
				spare = append(spare, fmt.Sprintf("CPU %d was idle for %.0f %% of its samples", c.CPU, 100*c.Idle))
			}
		}
		if len(spare) == 0 {
			continue
		}
		out = append(out, Finding{
			ID:        "idle",
			Claim:     fmt.Sprintf("%s: %d of %d CPUs had time to spare and were not the limit", r.Run, len(spare), len(r.CPUs)),
			Evidence:  spare,
			NotProven: "The samples do not say what the limit was: the generator, the link, pauses and the receiver are candidates.",
			Next:      "offer more traffic, or look at ethtool -I -a and the drops of the receiver",
		})
	}
	return out
}
