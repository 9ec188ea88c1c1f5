package finding

import (
	"fmt"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// idleFloor is the idle share from which a CPU is not the bottleneck.
const idleFloor = 0.05

// idle: are the CPUs the limit? Where they had time to spare, what limits is
// elsewhere: in the generator, the link or the other gateway. Only a clock
// samples idle time: cycles do not count in a sleeping CPU.
func idle(r *result.Result) []result.Finding {
	clocked := func(run *result.Run) bool { e := run.Main(); return e != nil && e.Unit == "nanoseconds" }
	return eachMode(r, clocked, idleOfMode)
}

func idleOfMode(runs []*result.Run) (result.Finding, bool) {
	f := result.Finding{
		ID: "idle",
		NotProven: "The samples do not say what the limit was: the generator, the link, pauses and the " +
			"receiver " + "are candidates.",
		Next: "offer more traffic, or look at ethtool -I -a and the drops of the receiver",
	}
	idle := 0
	for _, r := range runs {
		var spare []string
		for _, c := range r.Main().CPUs {
			if share, _ := metric.Share(c.Idle, c.Total); share > idleFloor {
				spare = append(spare, fmt.Sprintf("CPU %d %s", c.CPU, format.InPercent(share, 0)))
			}
		}
		if len(spare) == 0 {
			continue
		}
		idle++
		f.Say(r.Name, "%d of %d CPUs had time to spare and were not the limit", len(spare), len(r.Main().CPUs))
		if idle <= maxLines {
			f.Evidence = append(f.Evidence,
				fmt.Sprintf("%s: idle for a part of the samples: %s", r.Name, listed(spare)))
		}
	}
	if idle > 1 {
		f.Say(runs[0].ModeName(), "in %d of %d runs CPUs had time to spare and were not the limit",
			idle, len(runs))
	}
	return f, idle > 0
}
