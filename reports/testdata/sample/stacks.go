package sample

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/sides"
)

// VariedResult has two runs of two events, one with periods that vary.
func VariedResult() *result.Result {
	r := Sweep()
	for _, run := range r.Runs {
		p := NewProfile(Spec{Mode: run.Mode, N: run.N, Spin: .2, Seconds: 1})
		p.Event = profile.Event{Name: "cycles:k", Unit: "cycles", FrequencyHz: Hz}
		random := rand.New(rand.NewPCG(1, uint64(run.N)))
		for i := range p.Cells {
			c := &p.Cells[i]
			c.Period = uint64(float64(c.Count) * 3e6 * (.2 + random.Float64()))
			c.PeriodSq = float64(c.Period) * float64(c.Period) / float64(c.Count) * 1.1
		}
		run.Events = append(run.Events, NewEvent(p, 1, 0, nil))
	}
	return r
}

// WeightsOnly is an import that tells weights and no samples.
func WeightsOnly() *result.Result {
	r := One()
	for i := range r.Runs[0].Events[0].Profile.Cells {
		c := &r.Runs[0].Events[0].Profile.Cells[i]
		c.Count, c.Period, c.PeriodSq = 0, c.Count, float64(c.Count)
	}
	return r
}

// BigResult is one run with many unique stacks, from a call graph like a
// kernel's: most functions call few others, some are called by all.
func BigResult(stacks, cpus int) *result.Result {
	r := One()
	run := r.Runs[0]
	run.Events = []*result.Event{NewEvent(bigProfile(stacks, cpus), 10, 100_000, nil)}
	return r
}

func bigProfile(stacks, cpus int) *profile.Profile {
	const functions = 4000
	random := rand.New(rand.NewPCG(7, 11))
	b := NewProfileBuilder("cycles", "cycles")
	parts := []string{"xfrm", "esp", "skb", "net", "ip", "dev", "crypto", "alloc", "free", "queue", "lookup",
		"output", "input", "state", "policy", "bundle", "dst", "route", "poll", "napi", "rx", "tx", "lock",
		"rcu", "timer", "page", "slab", "copy", "csum", "hash"}
	callees := make([][]int, functions)
	locations := make([]int32, functions)
	for i := range functions {
		locations[i] = b.location(fmt.Sprintf("%s_%s_%s_%d", parts[random.IntN(30)], parts[random.IntN(30)],
			parts[random.IntN(30)], i))
		for range 1 + int(random.ExpFloat64()*2.5) {
			if random.IntN(4) == 0 {
				callees[i] = append(callees[i], random.IntN(60)) // called by all
			} else {
				callees[i] = append(callees[i], random.IntN(functions))
			}
		}
	}
	seen := map[string]bool{}
	var paths [][]int // root first, of functions
	for len(paths) < stacks {
		// Most stacks leave another one somewhere and go on for a few frames.
		path := []int{random.IntN(12)}
		more := 6 + random.IntN(30)
		if len(paths) > 0 && random.IntN(50) > 0 {
			old := paths[random.IntN(len(paths))]
			path = slices.Clone(old[:1+random.IntN(len(old))])
			more = 1 + random.IntN(7)
		}
		for ; more > 0 && len(path) < 45; more-- {
			list := callees[path[len(path)-1]]
			path = append(path, list[min(int(random.ExpFloat64()*float64(len(list))/2), len(list)-1)])
		}
		key := fmt.Sprint(path)
		if seen[key] {
			continue
		}
		seen[key] = true
		paths = append(paths, path)
		var s profile.Stack
		for _, f := range slices.Backward(path) {
			s = append(s, locations[f])
		}
		b.P.Stacks = append(b.P.Stacks, s)
		weight := min(uint64(1/(1-random.Float64())), 5000) // heavy tail
		b.P.Cells = append(b.P.Cells, profile.Cell{Stack: int32(len(paths) - 1), CPU: int32(random.IntN(cpus)),
			Count: weight, Period: weight * 1_000_003, PeriodSq: float64(weight) * 1_000_003 * 1_000_003})
	}
	slices.SortStableFunc(b.P.Cells, func(x, y profile.Cell) int { return int(x.CPU - y.CPU) })
	return b.P
}

// Patch is one run before and one after a change that removes most of the
// waiting, renames a function and adds one.
func Patch() *result.Result {
	before := NewRun(Spec{Mode: "shared", N: 4, RatePer: 41_000, Spin: .546, Seconds: 10})
	after := NewRun(Spec{Mode: "shared", N: 4, RatePer: 78_000, Spin: .05, Seconds: 10})
	before.Side, after.Side = "before", "after"
	p := after.Events[0].Profile
	for i := range p.Functions {
		switch f := &p.Functions[i]; f.Name {
		case "xfrm_replay_overflow":
			f.Name = "xfrm_replay_recheck"
		case "xfrm_policy_lookup_bytype.constprop.0":
			f.Name = "xfrm_policy_lookup_bytype.constprop.1"
		}
	}
	after.Events[0] = NewEvent(p, 10, 4*78_000, nil)
	return NewResult(before, after)
}

// Repeats compares seven runs before a change with seven after it, no gate
// failing.
func Repeats(t testing.TB) *result.Result {
	t.Helper()
	side := func(spin, rate float64) *result.Result {
		var runs []*result.Run
		for i := range 7 {
			run := NewRun(Spec{Mode: "shared", N: 2, RatePer: rate * (1 + .004*float64(i)), Spin: spin +
				.002*float64(i), Seconds: 5, Noise: i})
			run.Labels = map[string]string{"repeat": fmt.Sprint(i)}
			run.Name += fmt.Sprint(" #", i)
			runs = append(runs, run)
		}
		return NewResult(runs...)
	}
	r, err := sides.Compare(side(.24, 68_000), side(.03, 87_000),
		sides.CompareOptions{Options: compare.Options{Force: true}, Before: "a", After: "b"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
