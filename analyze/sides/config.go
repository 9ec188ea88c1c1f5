package sides

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"xfrmscope/analyze/packets"
	"xfrmscope/collect/bundle"
)

// Config is what a run was made with, by name: what must be alike on both sides
// of a comparison, or be named. A thing that was not recorded is left out.
func Config(b *bundle.Run, in *packets.Rows) map[string]string {
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
	for _, f := range in.Facts {
		if f.Phase == bundle.PhaseStart && !f.Counter {
			set(strings.Join([]string{f.Topic, f.Subject, f.Lasting()}, " "), f.Value)
		}
	}
	configSAs(in.SAs, set)
	configPolicies(in.Policies, set)
	return out
}

// configSAs sets how the SAs of each direction were set up and how many there
// were, without what is another in each setup: addresses, SPIs, ports.
func configSAs(sas []bundle.SA, set func(key, value string)) {
	settings := map[string]map[string]bool{} // by direction
	bound, free := map[string]int{}, map[string]int{}
	for i := range sas {
		sa := &sas[i]
		if sa.Phase != bundle.PhaseStart || sa.Larval {
			continue
		}
		dir := directionOf(sa)
		if settings[dir] == nil {
			settings[dir] = map[string]bool{}
		}
		settings[dir][saSetting(sa)] = true
		if sa.PCPU != nil {
			bound[dir]++
		} else {
			free[dir]++
		}
	}
	for dir, texts := range settings {
		set("SAs "+dir, strings.Join(slices.Sorted(maps.Keys(texts)), "; "))
		set("number of SAs "+dir, fmt.Sprintf("%d of CPUs, %d of any CPU", bound[dir], free[dir]))
	}
}

// directionOf is XFRMA_SA_DIR; before 6.10, or if not set, the side whose
// sequence number moved, "unused" if none did.
func directionOf(sa *bundle.SA) string {
	switch {
	case sa.Dir != "":
		return sa.Dir
	case sa.OSeq > 0:
		return "out"
	case sa.Seq > 0:
		return "in"
	}
	return "unused"
}

// saSetting is what makes packets of one SA cost more than those of another:
// "esp tunnel, replay window 32, esn, udp encap, crypto offload".
func saSetting(sa *bundle.SA) string {
	parts := []string{sa.Proto + " " + sa.Mode, fmt.Sprintf("replay window %d", sa.Replay)}
	parts = append(parts, slices.Sorted(slices.Values(sa.Flags))...)
	for _, p := range []struct{ value, what string }{{sa.Encap, "encap"}, {sa.Offload, "offload"}} {
		if kind, _, _ := strings.Cut(p.value, " "); kind != "" { // ports and the device follow
			parts = append(parts, kind+" "+p.what)
		}
	}
	if sa.IfID != 0 {
		parts = append(parts, "if_id")
	}
	if sa.Mark != 0 {
		parts = append(parts, "mark")
	}
	return strings.Join(parts, ", ")
}

// configPolicies sets how many policies each direction had, and of how many a
// packet on a CPU without an SA asks for one.
func configPolicies(policies []bundle.Policy, set func(key, value string)) {
	all, acquire := map[string]int{}, map[string]int{}
	for _, p := range policies {
		all[p.Dir]++
		if p.CPUAcquire {
			acquire[p.Dir]++
		}
	}
	for dir, n := range all {
		set("policies "+cmp.Or(dir, "of no direction"), fmt.Sprintf("%d, CPU_ACQUIRE on %d", n, acquire[dir]))
	}
}

// placing reports whether a label says where a run stands among others, and so
// differs by design.
func placing(label string) bool {
	switch label {
	case bundle.LabelMode, bundle.LabelN, bundle.LabelRepeat, bundle.LabelSide, BlockLabel:
		return true
	}
	return false
}
