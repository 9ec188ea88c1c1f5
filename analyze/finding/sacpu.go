package finding

import (
	"fmt"
	"strings"
)

// SATraffic is the evidence of one run for the question "does each CPU send on
// its own SA?" (RFC 9611): the outbound SAs and the CPUs that were measured.
type SATraffic struct {
	Run  string
	CPUs []int // measured: the CPUs that send
	SAs  []OutboundSA
}

// An OutboundSA is what one outbound SA carried in the window.
type OutboundSA struct {
	SPI     uint32
	CPU     int // -1: any CPU, the fallback SA
	Packets uint64
}

// FallbackFloor is the share of packets on the fallback SA below which it is
// taken for the first packets of a CPU whose own SA was still being set up.
const FallbackFloor = 0.001

// SACPU reports runs that have per-CPU SAs and do not use them as meant:
// packets on the fallback SA, CPUs without an SA, SAs that carried nothing,
// several SAs for one CPU.
func SACPU(runs []SATraffic) []Finding {
	var out []Finding
	for _, r := range runs {
		if f, ok := saCPUOfRun(r); ok {
			out = append(out, f)
		}
	}
	return out
}

func saCPUOfRun(r SATraffic) (Finding, bool) {
	var total, fallback uint64
	carried := map[int]uint64{}
	sas := map[int][]string{}
	for _, s := range r.SAs {
		total += s.Packets
		if s.CPU < 0 {
			fallback += s.Packets
			continue
		}
		carried[s.CPU] += s.Packets
		sas[s.CPU] = append(sas[s.CPU], fmt.Sprintf("%#x", s.SPI))
	}
	if len(sas) == 0 || total == 0 {
		return Finding{}, false // no per-CPU SAs, or no traffic to place
	}
	var evidence []string
	if share := float64(fallback) / float64(total); share > FallbackFloor {
		evidence = append(evidence, fmt.Sprintf("%d of %d packets (%.1f %%) went over the fallback SA", fallback, total, 100*share))
	}
	for _, cpu := range r.CPUs {
		switch {
		case len(sas[cpu]) == 0:
			evidence = append(evidence, fmt.Sprintf("CPU %d sends and has no SA of its own", cpu))
		case carried[cpu] == 0:
			evidence = append(evidence, fmt.Sprintf("CPU %d: its SA %s carried nothing", cpu, strings.Join(sas[cpu], ", ")))
		}
		if len(sas[cpu]) > 1 {
			evidence = append(evidence, fmt.Sprintf("CPU %d has %d SAs (%s): each more is one more step of every lookup", cpu, len(sas[cpu]), strings.Join(sas[cpu], ", ")))
		}
	}
	if len(evidence) == 0 {
		return Finding{}, false
	}
	return Finding{
		ID:        "sa-cpu",
		Claim:     r.Run + ": not every CPU sends on its own SA",
		Evidence:  evidence,
		NotProven: "SA counters say which SA carried a packet, not which CPU looked it up.",
		Next:      "check per_cpu_sas of the IKE daemon and the policy's CPU_ACQUIRE flag: ip xfrm policy; ip -s xfrm state",
	}, true
}
