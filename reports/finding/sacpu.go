package finding

import (
	"cmp"
	"fmt"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// fallbackFloor is the share of packets on the fallback SA below which it is
// taken for the first packets of a CPU whose own SA was still being set up.
const fallbackFloor = 0.001

// saCPU: does each CPU send on its own SA (RFC 9611)? It reports modes that have
// per-CPU SAs and do not use them as meant: packets on the fallback SA or on
// another CPU's, CPUs without an SA, SAs that carried nothing, several SAs for
// one CPU.
func saCPU(r *result.Result) []result.Finding {
	return eachMode(r, func(*result.Run) bool { return true }, saCPUOfMode)
}

func saCPUOfMode(runs []*result.Run) (result.Finding, bool) {
	var evidence []string
	found, first := 0, ""
	for _, r := range runs {
		lines := saCPUOfRun(r)
		if len(lines) == 0 {
			continue
		}
		found++
		first = cmp.Or(first, r.Name)
		for _, l := range lines {
			if len(runs) > 1 {
				l = r.Name + ": " + l
			}
			evidence = append(evidence, l)
		}
	}
	f := result.Finding{
		ID:       "sa-cpu",
		Evidence: cut(evidence),
		NotProven: "SA counters say which SA carried a packet, not which CPU looked it up; " +
			"shares of lookups are of the find probe's phase.",
		Next: "check per_cpu_sas of the IKE daemon and the policy's CPU_ACQUIRE flag: " +
			"ip xfrm policy; ip -s xfrm state",
	}
	f.Say(first, "not every CPU sends all on one SA of its own")
	if found > 1 {
		f.Say(runs[0].ModeName(), "in %d of %d runs not every CPU sends all on one SA of its own", found,
			len(runs))
	}
	return f, found > 0
}

func saCPUOfRun(r *result.Run) []string {
	var total, fallback uint64
	carried := map[int]uint64{}
	sas, rekeyed := map[int][]string{}, map[int]string{}
	for _, s := range r.SAs {
		if !s.Outbound || s.Deleted {
			continue
		}
		total += s.DeltaPackets
		if s.PCPU == nil {
			fallback += s.DeltaPackets
			continue
		}
		cpu := int(*s.PCPU)
		carried[cpu] += s.DeltaPackets
		if s.Reset {
			rekeyed[cpu] = ", one of them made in the window: a rekey"
		}
		sas[cpu] = append(sas[cpu], fmt.Sprintf("%#x", s.SPI))
	}
	if len(sas) == 0 || total == 0 {
		return nil // no per-CPU SAs, or no traffic to place
	}
	var evidence []string
	if share := float64(fallback) / float64(total); share > fallbackFloor {
		evidence = append(evidence, fmt.Sprintf("%d of %d packets (%s) went over the fallback SA",
			fallback, total, format.InPercent(share, 1)))
	}
	for _, cpu := range r.Manifest.Plan.CPUs {
		spis := strings.Join(sas[cpu], ", ")
		switch {
		case len(sas[cpu]) == 0:
			evidence = append(evidence, fmt.Sprintf("CPU %d has no SA of its own", cpu))
		case carried[cpu] == 0:
			evidence = append(evidence, fmt.Sprintf("CPU %d: its SA %s carried nothing", cpu, spis))
		}
		if len(sas[cpu]) > 1 {
			evidence = append(evidence, fmt.Sprintf(
				"CPU %d has %d SAs (%s)%s: each more is one more step of a lookup that walks the "+
					"bucket", cpu, len(sas[cpu]), spis, rekeyed[cpu]))
		}
	}
	if r.Lookups == nil {
		return evidence
	}
	for _, v := range []struct {
		what string
		metric.Value
	}{
		{"the fallback SA although the CPU has its own", r.Lookups.Fallback},
		{"the SA of another CPU", r.Lookups.WrongCPU},
	} {
		if v.Measured() && v.Samples > 0 && v.Value.Value > fallbackFloor {
			evidence = append(evidence,
				fmt.Sprintf("%s of %d lookups returned %s", format.Percent(v.Value), v.Samples, v.what))
		}
	}
	return evidence
}
