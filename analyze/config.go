package analyze

import (
	"fmt"
	"strings"

	"xfrmscope/collect/bundle"
)

// config is what a run was made with, by name: what must be alike on both sides
// of a comparison, or be named. A thing that was not recorded is left out.
func config(b *bundle.Run) map[string]string {
	h, out := b.Host, map[string]string{}
	set := func(key, value string) {
		if value != "" {
			out[key] = value
		}
	}
	set("host", h.Name)
	set("kernel", h.Kernel)
	set("kernel version", h.Version)
	set("kernel build id", h.BuildID)
	set("kernel command line", h.CmdLine)
	set("arch", h.Arch)
	set("cpu model", h.CPUModel)
	set("online CPUs", h.Online.String())
	set("measured CPUs", b.Plan.CPUs.String())
	set("scenario", b.Plan.Scenario)
	set("probes", strings.Join(b.Plan.Probes, " "))
	if hz := b.Plan.FrequencyHz; hz > 0 {
		set("sampling frequency", fmt.Sprintf("%d Hz", hz))
	}
	if d := b.Plan.DurationNS; d > 0 {
		set("planned window", d.String())
	}
	if l := b.Plan.Load; l != nil {
		set("load", strings.Join(l.Argv, " "))
		set("load CPUs", l.CPUs.String())
	}
	for key, value := range b.Plan.Labels {
		if !placing(key) {
			set("label "+key, value)
		}
	}
	facts, _ := b.Placement() // damage is told where drift is read
	for _, f := range facts {
		if f.Phase == windowStart && !f.Counter {
			set(strings.Join([]string{f.Topic, f.Subject, f.Name}, " "), f.Value)
		}
	}
	return out
}

// placing reports whether a label says where a run stands among others, and so
// differs by design.
func placing(label string) bool {
	switch label {
	case "mode", "n", "repeat", "side", blockLabel:
		return true
	}
	return false
}
