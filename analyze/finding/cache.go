package finding

import (
	"fmt"

	"xfrmscope/analyze/result"
)

// cacheFloor is the share of lookups that find the list empty from which it is
// of no use.
const cacheFloor = 0.5

// cache: is the policy's list of cached SAs ever used? It was added by commit
// 0045e3d80613 (6.13) to spare the walk of the hash bucket in which all SAs of a
// tunnel are; it is answered for each kernel.
func cache(r *result.Result) []result.Finding {
	var kernels []string
	byKernel := map[string][]*result.Run{}
	for _, run := range r.Runs {
		if run.Finds != nil && run.Finds.CacheEmpty.Measured() {
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
		ID:        "state-cache",
		NotProven: "What the lookup would cost with the list in use: it was not in use here.",
		Next:      "compare ns per SA of xfrm_state_find over sweeps with more and fewer SAs",
	}
	var calls, empty float64
	for _, r := range runs {
		v := r.Finds.CacheEmpty // its samples are calls
		calls += float64(v.Samples)
		empty += v.Value * float64(v.Samples)
		line := fmt.Sprintf("%s: %s of %d calls found the list empty", r.Name, percent(v), v.Samples)
		if walk := r.Finds.Walk; walk.Measured() {
			line += fmt.Sprintf(", %.3g SAs in the bucket", walk.Value)
		}
		if mean := r.Finds.Mean; mean.Measured() {
			line += ", a call takes " + quantity(mean)
		}
		f.Evidence = append(f.Evidence, line)
	}
	switch share := empty / calls; {
	case share == 1:
		f.Say(kernel, "the policy's list of cached SAs is never used: all %.0f lookups found it empty and "+
			"walked the hash bucket",
			calls)
	case share > cacheFloor:
		f.Say(kernel, "the policy's list of cached SAs was empty in %.1f %% of %.0f lookups", 100*share, calls)
	default:
		f.Say(kernel, "the policy's list of cached SAs is in use: it was empty in %.2f %% of %.0f lookups",
			100*share, calls)
		f.NotProven = "That the SA wanted was on it: a list with others is walked too."
	}
	return f
}
