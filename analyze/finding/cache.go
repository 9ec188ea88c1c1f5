package finding

import (
	"fmt"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
)

// A CachePoint is the evidence of one run for the question "is the policy's list
// of cached SAs ever used?".
type CachePoint struct {
	Run, Kernel string
	Empty       metric.Value // metric.CacheEmptyID; its Samples are calls
	Walk        metric.Value // mean SAs in the bucket
	Mean        metric.Value // mean time of a call
}

// CacheFloor is the share of lookups that find the list empty from which it is
// of no use.
const CacheFloor = 0.5

// Cache answers for each kernel. The list was added by commit 0045e3d80613
// (6.13) to spare the walk of the hash bucket in which all SAs of a tunnel are.
func Cache(points []CachePoint) []result.Finding {
	var kernels []string
	byKernel := map[string][]CachePoint{}
	for _, p := range points {
		if !p.Empty.Measured() {
			continue
		}
		if byKernel[p.Kernel] == nil {
			kernels = append(kernels, p.Kernel)
		}
		byKernel[p.Kernel] = append(byKernel[p.Kernel], p)
	}
	var out []result.Finding
	for _, k := range kernels {
		out = append(out, cacheOf(k, byKernel[k]))
	}
	return out
}

func cacheOf(kernel string, points []CachePoint) result.Finding {
	var calls, empty float64
	var evidence []string
	for _, p := range points {
		calls += float64(p.Empty.Samples)
		empty += p.Empty.Value * float64(p.Empty.Samples)
		line := fmt.Sprintf("%s: %s of %d calls found the list empty", p.Run, percent(p.Empty), p.Empty.Samples)
		if p.Walk.Measured() {
			line += fmt.Sprintf(", %.3g SAs in the bucket", p.Walk.Value)
		}
		if p.Mean.Measured() {
			line += ", a call takes " + quantity(p.Mean)
		}
		evidence = append(evidence, line)
	}
	f := result.Finding{ID: "state-cache", Evidence: evidence, NotProven: "What the lookup would cost with the list in use: it was not in use here.", Next: "compare ns per SA of xfrm_state_find over sweeps with more and fewer SAs"}
	switch share := empty / calls; {
	case share == 1:
		f.Say(kernel, "the policy's list of cached SAs is never used: all %.0f lookups found it empty and walked the hash bucket", calls)
	case share > CacheFloor:
		f.Say(kernel, "the policy's list of cached SAs was empty in %.1f %% of %.0f lookups", 100*share, calls)
	default:
		f.Say(kernel, "the policy's list of cached SAs is in use: it was empty in %.2f %% of %.0f lookups", 100*share, calls)
		f.NotProven = "That the SA wanted was on it: a list with others is walked too."
	}
	return f
}
