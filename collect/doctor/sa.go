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

// A look at the SAs judges one thing of them.
type look func(*saView, []*tunnel) finding

// judgeSAs judges the SAs against RFC 9611 and what is known of the kernel:
// XS060 to XS070.
func judgeSAs(v saView) []Check {
	tunnels := v.tunnels()
	checks := []struct {
		id, title string
		look      look
	}{
		{"XS060", "an SA for each sending CPU", complete},
		{"XS061", "fallback SA", fallback},
		{"XS062", "one SA a CPU", duplicates},
		{"XS063", "SAs of CPUs that are online", offline},
		{"XS064", "policy asks for missing SAs (CPU_ACQUIRE)", ofCPUs(acquire)},
		{"XS065", "acquires under way", larval},
		{"XS066", "SAs in use", ofCPUs(idle)},
		{"XS067", "replay windows", replay},
		{"XS068", "packets on the fallback SA", ofCPUs(fallbackShare)},
		{"XS069", "per-CPU SAs in both directions", ofCPUs(directions)},
		{"XS070", "SPIs told apart by the receiver's hash", encapsulation},
	}
	var all []Check
	for _, c := range checks {
		f := nothing("no outbound SA or policy is here")
		if len(tunnels) > 0 {
			f = c.look(&v, tunnels)
		}
		all = append(all, f.check(c.id, c.title))
	}
	return all
}

// ofCPUs is a look at tunnels of which any has SAs of CPUs, or wants them.
func ofCPUs(l look) look {
	return func(v *saView, tunnels []*tunnel) finding {
		if !slices.ContainsFunc(tunnels, func(t *tunnel) bool { return len(t.byCPU()) > 0 || t.acquire }) {
			return nothing("there are no SAs of CPUs")
		}
		return l(v, tunnels)
	}
}

func complete(v *saView, tunnels []*tunnel) finding {
	f := finding{fix: "per_cpu_sas = yes in swanctl.conf (strongSwan 6.0.2), or `ip xfrm state add ... " +
		"pcpu-num N dir out` for each"}
	for _, t := range tunnels {
		have := t.byCPU()
		missing := v.without(have)
		switch {
		case len(have) == 0:
			f.bad("%s: no SA of a CPU, %d for all", t, len(t.fallbacks()))
		case len(missing) > 0:
			f.bad("%s: none for CPUs %s of %s", t, missing, v.CPUs)
		default:
			f.note("%s: one for each of CPUs %s", t, v.CPUs)
		}
	}
	return f
}

// without are the CPUs that send and have no SA of their own.
func (v *saView) without(have map[int][]bundle.SA) bundle.CPUSet {
	return slices.DeleteFunc(slices.Clone(v.CPUs), func(cpu int) bool { return len(have[cpu]) > 0 })
}

func fallback(_ *saView, tunnels []*tunnel) finding {
	f := finding{fix: "keep the first Child SA without a CPU, as RFC 9611 section 3 wants: negotiate the tunnel " +
		"again"}
	for _, t := range tunnels {
		if found := t.fallbacks(); len(found) > 0 {
			f.note("%s: %s", t, spis(found))
		} else {
			f.bad("%s: none; packets of a CPU without an SA are dropped (XfrmOutNoStates)", t)
		}
	}
	return f
}

func spis(sas []bundle.SA) string {
	names := make([]string, len(sas))
	for i, sa := range sas {
		names[i] = fmt.Sprintf("%#x", sa.SPI)
	}
	return "SPI " + strings.Join(names, ", ")
}

func duplicates(_ *saView, tunnels []*tunnel) finding {
	f := finding{fix: "after a rekey both are there for a while; if they stay, delete the older: every lookup on " +
		"every CPU walks all of them"}
	for _, t := range tunnels {
		have := t.byCPU()
		for _, cpu := range slices.Sorted(maps.Keys(have)) {
			if len(have[cpu]) > 1 {
				f.bad("%s: CPU %d has %s", t, cpu, spis(have[cpu]))
			}
		}
		if any := t.fallbacks(); len(any) > 1 {
			f.bad("%s: any CPU has %s", t, spis(any))
		}
	}
	return f.or(OK, "none twice")
}

func offline(v *saView, tunnels []*tunnel) finding {
	if len(v.Online) == 0 {
		return finding{state: Unknown, evidence: []string{"the online CPUs are not known"}}
	}
	f := finding{fix: "bring the CPU up, or delete the SA: nothing can use it, and every lookup walks it"}
	for _, t := range tunnels {
		for _, sa := range t.sas {
			if sa.PCPU != nil && !v.Online.Contains(int(*sa.PCPU)) {
				f.bad("%s: SPI %#x is of CPU %d, online are %s", t, sa.SPI, *sa.PCPU, v.Online)
			}
		}
	}
	return f.or(OK, "all")
}

func acquire(v *saView, tunnels []*tunnel) finding {
	f := finding{fix: "let the key daemon install the policy with XFRM_POLICY_CPU_ACQUIRE (strongSwan: " +
		"per_cpu_sas = yes)"}
	for _, t := range tunnels {
		switch {
		case t.acquire:
			f.note("%s: set", t)
		case !t.policy:
			f.bad("%s: no policy uses these SAs", t)
		case len(v.without(t.byCPU())) == 0:
			f.note("%s: not set; no SA is missing", t)
		default:
			f.bad("%s: not set, and SAs are missing: their CPUs stay on the fallback", t)
		}
	}
	return f
}

func larval(_ *saView, tunnels []*tunnel) finding {
	f := finding{fix: "wait until the key daemon has answered (30 s, net.core.xfrm_acq_expires); if they come " +
		"again look in its log for TS_MAX_QUEUE"}
	for _, t := range tunnels {
		for _, sa := range t.sas {
			if sa.Larval {
				cpu := "any CPU"
				if sa.PCPU != nil {
					cpu = fmt.Sprintf("CPU %d", *sa.PCPU)
				}
				f.bad("%s: for %s", t, cpu)
			}
		}
	}
	return f.or(OK, "none")
}

// unused is how long an SA may lie still before it is said to be idle.
const unused = 60 * time.Second

func idle(v *saView, tunnels []*tunnel) finding {
	f := finding{fix: "the flows reach some CPUs only: spread them (RSS, flow rules), the plan below shows how"}
	used := 0
	for _, t := range tunnels {
		for _, sa := range t.sas {
			last := max(sa.LastUsedS, sa.UseTimeS)
			switch {
			case sa.Larval || sa.PCPU == nil || v.NowS < sa.AddTimeS+uint64(unused.Seconds()):
			case sa.Packets == 0:
				f.bad("SPI %#x of CPU %d: never", sa.SPI, *sa.PCPU)
			case sa.LastUsedS > 0 && v.NowS > last+uint64(unused.Seconds()):
				f.bad("SPI %#x of CPU %d: not for %d s", sa.SPI, *sa.PCPU, v.NowS-last)
			default:
				used++
			}
		}
	}
	if len(f.evidence) > 0 && used == 0 {
		return nothing("no SA of a CPU is used now")
	}
	return f.or(OK, fmt.Sprintf("%d SAs of CPUs were used in the last %g s or are new", used, unused.Seconds()))
}

func replay(v *saView, _ []*tunnel) finding {
	f := finding{fix: "`ip xfrm state ... replay-window 4096 flag esn`, and one CPU a SPI at the receiver: " +
		"packets overtook each other"}
	for _, sa := range v.SAs {
		if n := uint64(sa.Drops.ReplayWindow) + uint64(sa.Drops.Replay); n > 0 {
			f.bad("inbound SPI %#x, window %d: %d of %d packets dropped",
				sa.SPI, sa.Replay, n, n+sa.Packets)
		}
	}
	return f.or(OK, "no packet was dropped by one")
}

func fallbackShare(_ *saView, tunnels []*tunnel) finding {
	const tolerated = 0.01
	f := finding{fix: "`xfrmscope top` shows whether it goes on: then a CPU that sends has no SA of its own"}
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
		share := float64(on) / float64(total)
		f.note("%s: %d of %d packets (%.1f %%) since the SAs were made", t, on, total, 100*share)
		if share > tolerated {
			f.state = Degraded
		}
	}
	return f.or(NotHere, "no packet was sent yet")
}

// directions compares the number of SAs of CPUs of a tunnel with that of the way
// back.
func directions(v *saView, tunnels []*tunnel) finding {
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
	f := finding{fix: "one end negotiated per-CPU SAs alone: enable them at the peer too"}
	for _, t := range tunnels {
		if len(t.sas) == 0 {
			continue
		}
		k := t.netns + " " + t.sas[0].Src + " " + t.sas[0].Dst
		if !back[k] {
			continue
		}
		out := len(t.byCPU())
		f.note("%s: %d out, %d in", t, out, in[k])
		if out != in[k] && min(out, in[k]) == 0 {
			f.state = Degraded
		}
	}
	return f.or(NotHere, "no inbound SA is here")
}

func encapsulation(v *saView, _ []*tunnel) finding {
	tuples := map[string]int{}
	for _, sa := range v.SAs {
		if strings.HasPrefix(sa.Encap, "udp ") && sa.PCPU != nil {
			tuples[sa.Src+" "+sa.Dst+" "+sa.Encap]++
		}
	}
	if len(tuples) == 0 {
		return nothing("no per-CPU SA is in UDP; ESP itself is told apart only by NICs that hash the SPI " +
			"(XS043)")
	}
	f := finding{fix: "per_cpu_sas = encap in swanctl.conf: a source port for each SA, else all packets go to " +
		"one " +
		"receive queue"}
	for _, tuple := range slices.Sorted(maps.Keys(tuples)) {
		if n := tuples[tuple]; n > 1 {
			f.bad("%d SPIs share %s", n, tuple)
		}
	}
	return f.or(OK, fmt.Sprintf("%d SAs with a UDP port each", len(tuples)))
}
