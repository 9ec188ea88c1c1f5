package finding

import (
	"cmp"
	"fmt"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
)

// SATraffic is the evidence of one run for the question "does each CPU send on
// its own SA?" (RFC 9611): the outbound SAs and the CPUs that were measured.
type SATraffic struct {
	Run, Mode string
	CPUs      []int // measured
	SAs       []OutboundSA

	Fallback metric.Value // metric.FallbackID, of lookups
	WrongCPU metric.Value // metric.WrongCPUID
}

// An OutboundSA is what one outbound SA carried in the window.
type OutboundSA struct {
	SPI     uint32
	CPU     int // -1: any CPU, the fallback SA
	Packets uint64
	New     bool // made, or rekeyed, in the window
}

// FallbackFloor is the share of packets on the fallback SA below which it is
// taken for the first packets of a CPU whose own SA was still being set up.
const FallbackFloor = 0.001

// SACPU reports modes that have per-CPU SAs and do not use them as meant:
// packets on the fallback SA or on another CPU's, CPUs without an SA, SAs that
// carried nothing, several SAs for one CPU. Runs come by mode.
func SACPU(runs []SATraffic) []result.Finding {
	var out []result.Finding
	for len(runs) > 0 {
		n := 1
		for n < len(runs) && runs[n].Mode == runs[0].Mode {
			n++
		}
		if f, ok := saCPUOfMode(runs[:n]); ok {
			out = append(out, f)
		}
		runs = runs[n:]
	}
	return out
}

func saCPUOfMode(runs []SATraffic) (result.Finding, bool) {
	var evidence []string
	found, first := 0, ""
	for _, r := range runs {
		lines := saCPUOfRun(r)
		if len(lines) == 0 {
			continue
		}
		found++
		first = cmp.Or(first, r.Run)
		for _, l := range lines {
			if len(runs) > 1 {
				l = r.Run + ": " + l
			}
			evidence = append(evidence, l)
		}
	}
	if found == 0 {
		return result.Finding{}, false
	}
	if n := len(evidence) - maxMoves; n > 0 {
		evidence = append(evidence[:maxMoves], fmt.Sprintf("and %d more", n))
	}
	f := result.Finding{
		ID:        "sa-cpu",
		Evidence:  evidence,
		NotProven: "SA counters say which SA carried a packet, not which CPU looked it up; shares of lookups are of the find probe's phase.",
		Next:      "check per_cpu_sas of the IKE daemon and the policy's CPU_ACQUIRE flag: ip xfrm policy; ip -s xfrm state",
	}
	f.Say(first, "not every CPU sends all on one SA of its own")
	if found > 1 {
		f.Say(runs[0].Mode, "in %d of %d runs not every CPU sends all on one SA of its own", found, len(runs))
	}
	return f, true
}

func saCPUOfRun(r SATraffic) []string {
	var total, fallback uint64
	carried := map[int]uint64{}
	sas, rekeyed := map[int][]string{}, map[int]string{}
	for _, s := range r.SAs {
		total += s.Packets
		if s.CPU < 0 {
			fallback += s.Packets
			continue
		}
		carried[s.CPU] += s.Packets
		if s.New {
			rekeyed[s.CPU] = ", one of them made in the window: a rekey"
		}
		sas[s.CPU] = append(sas[s.CPU], fmt.Sprintf("%#x", s.SPI))
	}
	if len(sas) == 0 || total == 0 {
		return nil // no per-CPU SAs, or no traffic to place
	}
	var evidence []string
	if share := float64(fallback) / float64(total); share > FallbackFloor {
		evidence = append(evidence, fmt.Sprintf("%d of %d packets (%.1f %%) went over the fallback SA", fallback, total, 100*share))
	}
	for _, cpu := range r.CPUs {
		switch {
		case len(sas[cpu]) == 0:
			evidence = append(evidence, fmt.Sprintf("CPU %d has no SA of its own", cpu))
		case carried[cpu] == 0:
			evidence = append(evidence, fmt.Sprintf("CPU %d: its SA %s carried nothing", cpu, strings.Join(sas[cpu], ", ")))
		}
		if len(sas[cpu]) > 1 {
			evidence = append(evidence, fmt.Sprintf("CPU %d has %d SAs (%s)%s: each more is one more step of a lookup that walks the bucket", cpu, len(sas[cpu]), strings.Join(sas[cpu], ", "), rekeyed[cpu]))
		}
	}
	for _, v := range []struct {
		what string
		metric.Value
	}{{"the fallback SA although the CPU has its own", r.Fallback}, {"the SA of another CPU", r.WrongCPU}} {
		if v.Measured() && v.Samples > 0 && v.Value.Value > FallbackFloor {
			evidence = append(evidence, fmt.Sprintf("%s of %d lookups returned %s", percent(v.Value), v.Samples, v.what))
		}
	}
	return evidence
}
