package finding

import (
	"fmt"
	"math"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// cache: how often was the policy's list of cached SAs empty? It was added by commit
// 0045e3d80613 (6.13) to spare the walk of the hash bucket in which all SAs of a
// tunnel are; it is answered for each kernel.
func cache(r *result.Result) []result.Finding {
	var kernels []string
	byKernel := map[string][]*result.Run{}
	for _, run := range r.Runs {
		if run.Lookups != nil && run.Lookups.CacheEmpty.Measured() {
			kernels = result.AppendNew(kernels, run.KernelName())
			byKernel[run.KernelName()] = append(byKernel[run.KernelName()], run)
		}
	}
	var out []result.Finding
	for _, k := range kernels {
		out = append(out, cacheOf(k, byKernel[k]))
	}
	return out
}

func cacheOf(kernel string, runs []*result.Run) result.Finding {
	f := result.Finding{
		ID: "state-cache",
		NotProven: "That the SA wanted was on a list that was not empty, or what a lookup costs with and " +
			"without it.",
		Next: "compare ns per SA of xfrm_state_find over sweeps with more and fewer SAs",
	}
	var calls, empty float64
	for _, r := range runs {
		v := r.Lookups.CacheEmpty // its samples are calls
		calls += float64(v.Samples)
		empty += v.Value * float64(v.Samples)
		line := fmt.Sprintf("%s: %s of %d calls found the list empty", r.Name, format.Percent(v), v.Samples)
		if walk := r.Lookups.Walk; walk.Measured() {
			line += ", " + format.ThreeDigits(walk.Value) + " SAs in the bucket"
		}
		if mean := r.Lookups.Mean; mean.Measured() {
			line += ", a call takes " + format.Quantity(mean)
		}
		f.Evidence = append(f.Evidence, line)
	}
	f.Say(kernel, "the policy's list of cached SAs was empty in %s of %s lookups on this kernel",
		format.Places(math.Round(empty), 0), format.Places(calls, 0))
	return f
}
