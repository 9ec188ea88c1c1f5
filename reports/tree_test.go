package reports

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"xfrmscope/analyze"
	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/profile"
)

// decodeTree reads what encode wrote, as assets/flame.js does.
func decodeTree(t testing.TB, data []byte) (*flameData, *tree) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	number := func() uint64 {
		n, size := binary.Uvarint(raw)
		if size <= 0 {
			t.Fatal("the data ends early")
		}
		raw = raw[size:]
		return n
	}
	size := number()
	var d flameData
	if err := json.Unmarshal(raw[:size], &d); err != nil {
		t.Fatal(err)
	}
	raw = raw[size:]
	out := &tree{frame: []int32{-1}, parent: []int32{-1}}
	callees := make([][]int32, len(d.Names)+1)
	for i := range callees {
		callees[i] = make([]int32, number())
		for j := range callees[i] {
			callees[i][j] = int32(number())
		}
	}
	n := int(number())
	path := []int32{0}
	for i := 1; i <= n; i++ {
		path = path[:len(path)-int(number())]
		out.parent = append(out.parent, path[len(path)-1])
		path = append(path, int32(i))
	}
	last := make([]int32, n+1)
	for i := 1; i <= n; i++ {
		p := out.parent[i]
		rank := last[p] + int32(number())
		last[p] = rank + 1
		out.frame = append(out.frame, callees[out.frame[p]+1][rank])
	}
	inner := make([]bool, n+1)
	for _, p := range out.parent[1:] {
		inner[p] = true
	}
	var ends []int32
	for i := range inner {
		if !inner[i] || number() == 1 {
			ends = append(ends, int32(i))
		}
	}
	for range d.Slices.CPU {
		out.slices = append(out.slices, treeSlice{entries: make([]treeEntry, number())})
	}
	for i := range out.slices {
		at := 0
		for j := range out.slices[i].entries {
			at += int(number())
			out.slices[i].entries[j].node = ends[at]
			at++
		}
	}
	for i := range out.slices {
		for j := range out.slices[i].entries {
			out.slices[i].entries[j].count = number() + 1
		}
	}
	for i := range out.slices {
		for j := range out.slices[i].entries {
			e := &out.slices[i].entries[j]
			if e.weight = float64(e.count) * d.Slices.Fixed[i]; d.Slices.Part[i] > 0 {
				e.weight = float64(number()) * d.Slices.Part[i]
			}
		}
	}
	if len(raw) > 0 {
		t.Fatalf("%d bytes are left", len(raw))
	}
	return &d, out
}

// stacksOf lists a tree's stacks, slice by slice.
func stacksOf(t *tree, names []string) map[string]treeEntry {
	paths := make([]string, len(t.frame))
	for n := 1; n < len(t.frame); n++ {
		paths[n] = paths[t.parent[n]] + ";" + names[t.frame[n]]
	}
	out := map[string]treeEntry{}
	for i, s := range t.slices {
		for _, e := range s.entries {
			out[fmt.Sprintf("%d%s", i, paths[e.node])] = treeEntry{count: e.count, weight: e.weight}
		}
	}
	return out
}

func frameNames(t *tree) []string {
	var out []string
	for _, f := range t.frames {
		out = append(out, name(f.name))
	}
	return out
}

// variedResult has two runs of two events, one with periods that vary.
func variedResult() *analyze.Result {
	r := testSweep()
	for _, run := range r.Runs {
		p := testProfile(runSpec{mode: run.Mode, n: run.N, spin: .2, seconds: 1})
		p.Event = profile.Event{Name: "cycles:k", Unit: "cycles", FrequencyHz: testHz}
		random := rand.New(rand.NewPCG(1, uint64(run.N)))
		for i := range p.Cells {
			c := &p.Cells[i]
			c.Period = uint64(float64(c.Count) * 3e6 * (.2 + random.Float64()))
			c.PeriodSq = float64(c.Period) * float64(c.Period) / float64(c.Count) * 1.1
		}
		run.Events = append(run.Events, testEvent(p, 1, 0, nil))
	}
	return r
}

// weightsOnly is an import that tells weights and no samples.
func weightsOnly() *analyze.Result {
	r := testOne()
	for i := range r.Runs[0].Events[0].Profile.Cells {
		c := &r.Runs[0].Events[0].Profile.Cells[i]
		c.Count, c.Period, c.PeriodSq = 0, c.Count, float64(c.Count)
	}
	return r
}

func TestTreeOfWeights(t *testing.T) {
	r := weightsOnly()
	for _, s := range newTree(r, false).slices {
		if !s.unsampled || weightOf(s.entries) == 0 {
			t.Errorf("a slice of weights is %+v", s)
		}
	}
	if svg := flame(t, r.Runs[0].Events[0].Profile, FlameOptions{}); !strings.Contains(svg, "samples not recorded") || strings.Contains(svg, "n=0") {
		t.Error("the static picture counts samples that were not recorded")
	}
}

func TestTreeRoundTrip(t *testing.T) {
	results := extremes(t)
	results["sweep"], results["varied"], results["weights only"] = testSweep(), variedResult(), weightsOnly()
	for name, r := range results {
		t.Run(name, func(t *testing.T) {
			made := newTree(r, false)
			data, err := made.encode(newFlameData(r, made), gzip.BestSpeed)
			if err != nil {
				t.Fatal(err)
			}
			d, read := decodeTree(t, data)
			if len(read.slices) != len(made.slices) || len(d.Slices.CPU) != len(made.slices) {
				t.Fatalf("%d slices became %d", len(made.slices), len(read.slices))
			}
			names := frameNames(made)
			if !slices.Equal(names, d.Names) {
				t.Fatal("the names differ")
			}
			want, got := stacksOf(made, names), stacksOf(read, names)
			for k, w := range want {
				g := got[k]
				if g.count != w.count || math.Abs(g.weight-w.weight) > 1.01*w.weight/float64(w.count)/weightParts*8 {
					t.Fatalf("%.200s: %v became %v", k, w, g)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%d stacks became %d", len(want), len(got))
			}
			for i := range made.slices {
				if w, g := weightOf(made.slices[i].entries), weightOf(read.slices[i].entries); math.Abs(w-g) > max(d.Slices.Part[i], 1e-9*w) {
					t.Errorf("slice %d weighs %g, read %g", i, w, g)
				}
			}
			again := newTree(r, false)
			second, err := again.encode(newFlameData(r, again), gzip.BestSpeed)
			if err != nil || !bytes.Equal(data, second) {
				t.Error("a second encoding differs", err)
			}
		})
	}
}

func weightOf(entries []treeEntry) float64 {
	sum := 0.0
	for _, e := range entries {
		sum += e.weight
	}
	return sum
}

// TestTreeHoldsTheBusyWeight compares each slice with the figures.
func TestTreeHoldsTheBusyWeight(t *testing.T) {
	r := variedResult()
	for _, s := range newTree(r, false).slices {
		for _, c := range r.Runs[s.run].Events[s.event].CPUs {
			if c.CPU == s.cpu && math.Abs(weightOf(s.entries)-c.Busy.Period) > 1e-6*c.Busy.Period {
				t.Errorf("run %d event %d CPU %d weighs %g, busy is %g", s.run, s.event, s.cpu, weightOf(s.entries), c.Busy.Period)
			}
		}
	}
}

func TestPruneKeepsWeights(t *testing.T) {
	r := bigResult(3000, 4)
	full := newTree(r, false)
	p := full.prune(full.shares(), .001)
	if len(p.frame) >= len(full.frame) || p.frames[len(p.frames)-1].name != smallFrame {
		t.Fatalf("%d nodes became %d", len(full.frame), len(p.frame))
	}
	before, after := make([]float64, len(full.frame)), make([]float64, len(p.frame))
	full.totals(full.slices, before)
	p.totals(p.slices, after)
	want := map[string]float64{}
	for n, path := range pathsOf(full) {
		want[path] = before[n]
	}
	for n, path := range pathsOf(p) {
		if !strings.Contains(path, smallFrame) && math.Abs(want[path]-after[n]) > 1e-6*after[n] {
			t.Errorf("%s weighs %g, was %g", path, after[n], want[path])
		}
	}
	for n := 1; n < len(p.parent); n++ {
		if int(p.parent[n]) >= n {
			t.Fatalf("node %d has parent %d", n, p.parent[n])
		}
	}
}

func pathsOf(t *tree) []string {
	names := frameNames(t)
	paths := make([]string, len(t.frame))
	for n := 1; n < len(t.frame); n++ {
		paths[n] = paths[t.parent[n]] + ";" + names[t.frame[n]]
	}
	return paths
}

func TestTreeFitsItsBudget(t *testing.T) {
	r := bigResult(5000, 8)
	for _, budget := range []int{200_000, 40_000, 20_000} {
		data, err := fitTree(r, budget)
		if err != nil || len(data) > budget || len(data) < min(budget/3, 40_000) {
			t.Errorf("%d bytes of %d, %v", len(data), budget, err)
		}
	}
}

// bigResult is one run with many unique stacks, from a call graph like a
// kernel's: most functions call few others, some are called by all.
func bigResult(stacks, cpus int) *analyze.Result {
	r := testOne()
	run := r.Runs[0]
	run.Events = []*analyze.Event{testEvent(bigProfile(stacks, cpus), 10, 100_000, nil)}
	return r
}

func bigProfile(stacks, cpus int) *profile.Profile {
	const functions = 4000
	random := rand.New(rand.NewPCG(7, 11))
	b := newProfileBuilder("cycles", "cycles")
	parts := []string{"xfrm", "esp", "skb", "net", "ip", "dev", "crypto", "alloc", "free", "queue", "lookup", "output", "input", "state", "policy", "bundle", "dst", "route", "poll", "napi", "rx", "tx", "lock", "rcu", "timer", "page", "slab", "copy", "csum", "hash"}
	callees := make([][]int, functions)
	locations := make([]int32, functions)
	for i := range functions {
		locations[i] = b.location(fmt.Sprintf("%s_%s_%s_%d", parts[random.IntN(30)], parts[random.IntN(30)], parts[random.IntN(30)], i))
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
		b.p.Stacks = append(b.p.Stacks, s)
		weight := min(uint64(1/(1-random.Float64())), 5000) // heavy tail
		b.p.Cells = append(b.p.Cells, profile.Cell{Stack: int32(len(paths) - 1), CPU: int32(random.IntN(cpus)), Count: weight, Period: weight * 1_000_003, PeriodSq: float64(weight) * 1_000_003 * 1_000_003})
	}
	slices.SortStableFunc(b.p.Cells, func(x, y profile.Cell) int { return int(x.CPU - y.CPU) })
	return b.p
}

// testPatch is one run before and one after a change that removes most of the
// waiting, renames a function and adds one.
func testPatch() *analyze.Result {
	before := testRun(runSpec{mode: "shared", n: 4, ratePer: 41_000, spin: .546, seconds: 10})
	after := testRun(runSpec{mode: "shared", n: 4, ratePer: 78_000, spin: .05, seconds: 10})
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
	after.Events[0] = testEvent(p, 10, 4*78_000, nil)
	return testResult(before, after)
}

// TestTreeFoldsSuffixes: two kernels' names of one function are one frame.
func TestTreeFoldsSuffixes(t *testing.T) {
	for fold, want := range map[bool]int{false: 2, true: 1} {
		n := 0
		for _, f := range newTree(testPatch(), fold).frames {
			if strings.HasPrefix(f.name, "xfrm_policy_lookup_bytype") {
				n++
			}
		}
		if n != want {
			t.Errorf("fold %v: %d frames of one function, want %d", fold, n, want)
		}
	}
}

// testRepeats compares seven runs before a change with seven after it, no gate
// failing.
func testRepeats(t testing.TB) *analyze.Result {
	t.Helper()
	side := func(spin, rate float64) *analyze.Result {
		var runs []*analyze.Run
		for i := range 7 {
			run := testRun(runSpec{mode: "shared", n: 2, ratePer: rate * (1 + .004*float64(i)), spin: spin + .002*float64(i), seconds: 5, noise: i})
			run.Labels = map[string]string{"repeat": fmt.Sprint(i)}
			run.Name += fmt.Sprint(" #", i)
			runs = append(runs, run)
		}
		return testResult(runs...)
	}
	r, err := analyze.Compare(side(.24, 68_000), side(.03, 87_000), analyze.CompareOptions{Options: compare.Options{Force: true}, Before: "a", After: "b"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFlameDataNamesWhatHolds(t *testing.T) {
	r := testRepeats(t)
	d := newFlameData(r, newTree(r, true))
	if len(d.Tests) == 0 || len(d.Tests[0].Frames) == 0 || d.Names[d.Tests[0].Frames[0]] != "native_queued_spin_lock_slowpath" || d.Tests[0].Up[0] {
		t.Errorf("tests are %+v", d.Tests)
	}
	if g := d.Groups[d.Start.Group]; g.Side != "after" {
		t.Errorf("the page opens with %+v", g)
	}
}
