package doctor

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"xfrmscope/collect/bundle"
)

// An saView is the SAs and policies of some namespaces at one moment, and the
// CPUs that are to send.
type saView struct {
	SAs      []bundle.SA
	Policies []bundle.Policy
	CPUs     bundle.CPUSet // of interest: those that send
	Online   bundle.CPUSet
	NowS     uint64 // wall clock, seconds since 1970
}

// A tunnel is the outbound SAs that one policy may use, as RFC 9611 calls a set
// of them: those of one template.
type tunnel struct {
	netns, template string
	sas             []bundle.SA
	acquire         bool // its policy has CPU_ACQUIRE
	policy          bool // it has a policy
}

func (t *tunnel) String() string {
	if t.netns == "" {
		return t.template
	}
	return t.template + " in " + t.netns
}

// fallbacks are the SAs for any CPU.
func (t *tunnel) fallbacks() []bundle.SA {
	return slices.DeleteFunc(slices.Clone(t.sas), func(sa bundle.SA) bool { return sa.PCPU != nil || sa.Larval })
}

// byCPU are the installed SAs of each CPU.
func (t *tunnel) byCPU() map[int][]bundle.SA {
	cpus := map[int][]bundle.SA{}
	for _, sa := range t.sas {
		if sa.PCPU != nil && !sa.Larval {
			cpus[int(*sa.PCPU)] = append(cpus[int(*sa.PCPU)], sa)
		}
	}
	return cpus
}

// fits reports whether an SA may serve a template: unspecified addresses and
// reqid 0 take any (net/xfrm/xfrm_state.c xfrm_state_look_at, 6.12).
func fits(template string, sa bundle.SA) bool {
	want, have := strings.Fields(template), strings.Fields(sa.Template())
	if len(want) < len(have) {
		return false
	}
	for i := range have {
		if want[i] != have[i] && want[i] != "0.0.0.0" && want[i] != "::" && want[i] != "0" {
			return false
		}
	}
	return true
}

// tunnels groups the outbound SAs, and adds the policies that have none.
func (v *saView) tunnels() []*tunnel {
	type key struct{ netns, template string }
	all := map[key]*tunnel{}
	get := func(netns, template string) *tunnel {
		k := key{netns, template}
		if all[k] == nil {
			all[k] = &tunnel{netns: netns, template: template}
		}
		return all[k]
	}
	served := map[key]bool{}
	for _, sa := range v.SAs {
		policy, acquire := false, false
		for _, p := range v.Policies {
			for _, template := range p.Templates {
				if p.Dir == "out" && p.NetNS == sa.NetNS && fits(template, sa) {
					policy, acquire = true, acquire || p.CPUAcquire
					served[key{p.NetNS, template}] = true
				}
			}
		}
		if sa.Dir == "out" || sa.Dir == "" && (policy || sa.OSeq > 0) {
			t := get(sa.NetNS, sa.Template())
			t.sas = append(t.sas, sa)
			t.policy, t.acquire = t.policy || policy, t.acquire || acquire
		}
	}
	for _, p := range v.Policies {
		for _, template := range p.Templates {
			if p.Dir == "out" && !served[key{p.NetNS, template}] {
				t := get(p.NetNS, template)
				t.policy, t.acquire = true, t.acquire || p.CPUAcquire
			}
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b *tunnel) int {
		return cmp.Or(cmp.Compare(a.netns, b.netns), cmp.Compare(a.template, b.template))
	})
}

// judgeSAs judges the SAs against RFC 9611 and what is known of the kernel:
// XS060 to XS070.
func judgeSAs(v saView) []Check {
	tunnels := v.tunnels()
	checks := []struct {
		id, title string
		look      func(*saView, []*tunnel) (State, []string, string)
	}{
		{"XS060", "an SA for each sending CPU", complete},
		{"XS061", "fallback SA", fallback},
		{"XS062", "one SA a CPU", duplicates},
		{"XS063", "SAs of CPUs that are online", offline},
		{"XS064", "policy asks for missing SAs (CPU_ACQUIRE)", acquire},
		{"XS065", "acquires under way", larval},
		{"XS066", "SAs in use", idle},
		{"XS067", "replay windows", replay},
		{"XS068", "packets on the fallback SA", fallbackShare},
		{"XS069", "per-CPU SAs in both directions", directions},
		{"XS070", "SPIs told apart by the receiver's hash", encapsulation},
	}
	var all []Check
	for _, c := range checks {
		state, evidence, fix := NotHere, []string{"no outbound SA or policy is here"}, ""
		if len(tunnels) > 0 {
			state, evidence, fix = c.look(&v, tunnels)
		}
		if state == OK || state == NotHere {
			fix = ""
		}
		all = append(all, Check{c.id, c.title, state, strings.Join(evidence, "; "), fix})
	}
	return all
}

// perCPU reports whether any of the tunnels has SAs of CPUs, or wants them.
func perCPU(tunnels []*tunnel) bool {
	return slices.ContainsFunc(tunnels, func(t *tunnel) bool { return len(t.byCPU()) > 0 || t.acquire })
}

func complete(v *saView, tunnels []*tunnel) (State, []string, string) {
	state := OK
	var evidence []string
	for _, t := range tunnels {
		have := t.byCPU()
		var missing bundle.CPUSet
		for _, cpu := range v.CPUs {
			if len(have[cpu]) == 0 {
				missing = append(missing, cpu)
			}
		}
		switch {
		case len(have) == 0:
			state = Degraded
			evidence = append(evidence,
				fmt.Sprintf("%s: no SA of a CPU, %d for all", t, len(t.fallbacks())))
		case len(missing) > 0:
			state = Degraded
			evidence = append(evidence, fmt.Sprintf("%s: none for CPUs %s of %s", t, missing, v.CPUs))
		default:
			evidence = append(evidence, fmt.Sprintf("%s: one for each of CPUs %s", t, v.CPUs))
		}
	}
	return state, evidence, "per_cpu_sas = yes in swanctl.conf (strongSwan 6.0.2), or `ip xfrm state add ... " +
		"pcpu-num N dir out` for each"
}

func fallback(_ *saView, tunnels []*tunnel) (State, []string, string) {
	state := OK
	var evidence []string
	for _, t := range tunnels {
		found := t.fallbacks()
		if len(found) == 0 {
			state = Degraded
			evidence = append(evidence, fmt.Sprintf(
				"%s: none; packets of a CPU without an SA are dropped (XfrmOutNoStates)", t))
			continue
		}
		evidence = append(evidence, fmt.Sprintf("%s: %s", t, spis(found)))
	}
	return state, evidence,
		"keep the first Child SA without a CPU, as RFC 9611 section 3 wants: negotiate the tunnel again"
}

func spis(sas []bundle.SA) string {
	names := make([]string, len(sas))
	for i, sa := range sas {
		names[i] = fmt.Sprintf("%#x", sa.SPI)
	}
	return "SPI " + strings.Join(names, ", ")
}

func duplicates(_ *saView, tunnels []*tunnel) (State, []string, string) {
	var evidence []string
	for _, t := range tunnels {
		have := t.byCPU()
		for _, cpu := range slices.Sorted(maps.Keys(have)) {
			if len(have[cpu]) > 1 {
				evidence = append(evidence, fmt.Sprintf("%s: CPU %d has %s", t, cpu, spis(have[cpu])))
			}
		}
		if f := t.fallbacks(); len(f) > 1 {
			evidence = append(evidence, fmt.Sprintf("%s: any CPU has %s", t, spis(f)))
		}
	}
	if len(evidence) > 0 {
		return Degraded, evidence, "after a rekey both are there for a while; if they stay, delete the " +
			"older: every lookup on every CPU walks all of them"
	}
	return OK, []string{"none twice"}, ""
}

func offline(v *saView, tunnels []*tunnel) (State, []string, string) {
	if len(v.Online) == 0 {
		return Unknown, []string{"the online CPUs are not known"}, ""
	}
	var evidence []string
	for _, t := range tunnels {
		for _, sa := range t.sas {
			if sa.PCPU != nil && !v.Online.Contains(int(*sa.PCPU)) {
				evidence = append(evidence, fmt.Sprintf("%s: SPI %#x is of CPU %d, online are %s", t,
					sa.SPI, *sa.PCPU, v.Online))
			}
		}
	}
	if len(evidence) > 0 {
		return Degraded, evidence,
			"bring the CPU up, or delete the SA: nothing can use it, and every lookup walks it"
	}
	return OK, []string{"all"}, ""
}

func acquire(v *saView, tunnels []*tunnel) (State, []string, string) {
	if !perCPU(tunnels) {
		return NotHere, []string{"there are no SAs of CPUs"}, ""
	}
	state := OK
	var evidence []string
	for _, t := range tunnels {
		have := t.byCPU()
		whole := !slices.ContainsFunc(v.CPUs, func(cpu int) bool { return len(have[cpu]) == 0 })
		switch {
		case t.acquire:
			evidence = append(evidence, fmt.Sprintf("%s: set", t))
		case !t.policy:
			state = Degraded
			evidence = append(evidence, fmt.Sprintf("%s: no policy uses these SAs", t))
		case whole:
			evidence = append(evidence, fmt.Sprintf("%s: not set; no SA is missing", t))
		default:
			state = Degraded
			evidence = append(evidence,
				fmt.Sprintf("%s: not set, and SAs are missing: their CPUs stay on the fallback", t))
		}
	}
	return state, evidence,
		"let the key daemon install the policy with XFRM_POLICY_CPU_ACQUIRE (strongSwan: per_cpu_sas = yes)"
}

func larval(_ *saView, tunnels []*tunnel) (State, []string, string) {
	var evidence []string
	for _, t := range tunnels {
		for _, sa := range t.sas {
			if sa.Larval {
				cpu := "any CPU"
				if sa.PCPU != nil {
					cpu = fmt.Sprintf("CPU %d", *sa.PCPU)
				}
				evidence = append(evidence, fmt.Sprintf("%s: for %s", t, cpu))
			}
		}
	}
	if len(evidence) > 0 {
		return Degraded, evidence, "wait until the key daemon has answered (30 s, " +
			"net.core.xfrm_acq_expires); if they come again look in its log for TS_MAX_QUEUE"
	}
	return OK, []string{"none"}, ""
}

// unused is how long an SA may lie still before it is said to be idle.
const unused = 60 * time.Second

func idle(v *saView, tunnels []*tunnel) (State, []string, string) {
	if !perCPU(tunnels) {
		return NotHere, []string{"there are no SAs of CPUs"}, ""
	}
	var still []string
	used := 0
	for _, t := range tunnels {
		for _, sa := range t.sas {
			last := max(sa.LastUsedS, sa.UseTimeS)
			switch {
			case sa.Larval || sa.PCPU == nil || v.NowS < sa.AddTimeS+uint64(unused.Seconds()):
			case sa.Packets == 0:
				still = append(still, fmt.Sprintf("SPI %#x of CPU %d: never", sa.SPI, *sa.PCPU))
			case sa.LastUsedS > 0 && v.NowS > last+uint64(unused.Seconds()):
				still = append(still, fmt.Sprintf("SPI %#x of CPU %d: not for %d s", sa.SPI, *sa.PCPU,
					v.NowS-last))
			default:
				used++
			}
		}
	}
	switch {
	case len(still) > 0 && used > 0:
		return Degraded, still,
			"the flows reach some CPUs only: spread them (RSS, flow rules), the plan below shows how"
	case len(still) > 0:
		return NotHere, []string{"no SA of a CPU is used now"}, ""
	}
	return OK, []string{fmt.Sprintf("%d SAs of CPUs were used in the last %g s or are new", used,
		unused.Seconds())}, ""
}

func replay(v *saView, _ []*tunnel) (State, []string, string) {
	var evidence []string
	for _, sa := range v.SAs {
		if n := uint64(sa.Drops.ReplayWindow) + uint64(sa.Drops.Replay); n > 0 {
			evidence = append(evidence, fmt.Sprintf("inbound SPI %#x, window %d: %d of %d packets dropped",
				sa.SPI, sa.Replay, n, n+sa.Packets))
		}
	}
	if len(evidence) > 0 {
		return Degraded, evidence, "`ip xfrm state ... replay-window 4096 flag esn`, and one CPU a SPI at " +
			"the receiver: packets overtook each other"
	}
	return OK, []string{"no packet was dropped by one"}, ""
}

func fallbackShare(_ *saView, tunnels []*tunnel) (State, []string, string) {
	const tolerated = 0.01
	if !perCPU(tunnels) {
		return NotHere, []string{"there are no SAs of CPUs"}, ""
	}
	state := OK
	var evidence []string
	for _, t := range tunnels {
		var on, total uint64
		for _, sa := range t.sas {
			total += sa.Packets
			if sa.PCPU == nil {
				on += sa.Packets
			}
		}
		if total == 0 {
			continue
		}
		if float64(on) > tolerated*float64(total) {
			state = Degraded
		}
		evidence = append(evidence, fmt.Sprintf("%s: %d of %d packets (%.1f %%) since the SAs were made", t, on,
			total, 100*float64(on)/float64(total)))
	}
	if len(evidence) == 0 {
		return NotHere, []string{"no packet was sent yet"}, ""
	}
	return state, evidence, "`xfrmscope top` shows whether it goes on: then a CPU that sends has no SA of its own"
}

// directions compares the number of SAs of CPUs of a tunnel with that of the way
// back.
func directions(v *saView, tunnels []*tunnel) (State, []string, string) {
	if !perCPU(tunnels) {
		return NotHere, []string{"there are no SAs of CPUs"}, ""
	}
	in := map[string]int{}
	back := map[string]bool{}
	for _, sa := range v.SAs {
		if sa.Dir == "in" {
			k := sa.NetNS + " " + sa.Dst + " " + sa.Src // seen from here
			back[k] = true
			if sa.PCPU != nil {
				in[k]++
			}
		}
	}
	state, seen := OK, 0
	var evidence []string
	for _, t := range tunnels {
		if len(t.sas) == 0 {
			continue
		}
		k := t.netns + " " + t.sas[0].Src + " " + t.sas[0].Dst
		if !back[k] {
			continue
		}
		seen++
		out := len(t.byCPU())
		evidence = append(evidence, fmt.Sprintf("%s: %d out, %d in", t, out, in[k]))
		if out != in[k] && min(out, in[k]) == 0 {
			state = Degraded
		}
	}
	if seen == 0 {
		return NotHere, []string{"no inbound SA is here"}, ""
	}
	return state, evidence, "one end negotiated per-CPU SAs alone: enable them at the peer too"
}

func encapsulation(v *saView, _ []*tunnel) (State, []string, string) {
	tuples := map[string]int{}
	for _, sa := range v.SAs {
		if strings.HasPrefix(sa.Encap, "udp ") && sa.PCPU != nil {
			tuples[sa.Src+" "+sa.Dst+" "+sa.Encap]++
		}
	}
	if len(tuples) == 0 {
		return NotHere, []string{"no per-CPU SA is in UDP; ESP itself is told apart only by NICs that hash " +
			"the SPI (XS043)"}, ""
	}
	var evidence []string
	for _, tuple := range slices.Sorted(maps.Keys(tuples)) {
		if n := tuples[tuple]; n > 1 {
			evidence = append(evidence, fmt.Sprintf("%d SPIs share %s", n, tuple))
		}
	}
	if len(evidence) > 0 {
		return Degraded, evidence, "per_cpu_sas = encap in swanctl.conf: a source port for each SA, else all " +
			"packets go to one receive queue"
	}
	return OK, []string{fmt.Sprintf("%d SAs with a UDP port each", len(tuples))}, ""
}
