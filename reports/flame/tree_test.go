package flame

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
	"xfrmscope/reports/testdata/sample"
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
		out = append(out, format.Name(f.name))
	}
	return out
}

func TestTreeOfWeights(t *testing.T) {
	r := sample.WeightsOnly()
	for _, s := range newTree(r, false).slices {
		if !s.unsampled || weightOfAll(s.entries) == 0 {
			t.Errorf("a slice of weights is %+v", s)
		}
	}
	if svg := flameText(t, r.Runs[0].Events[0].Profile, Options{}); !strings.Contains(svg,
		"samples not recorded") || strings.Contains(svg, "n=0") {
		t.Error("the static picture counts samples that were not recorded")
	}
}

// What a simulated machine counts has no error of sampling, and no number of samples.
func TestTreeOfCounts(t *testing.T) {
	r := sample.WeightsOnly()
	p := r.Runs[0].Events[0].Profile
	p.Event.Name = bundle.SimPrefix + "cycles"
	for i := range p.Cells {
		p.Cells[i].Count, p.Cells[i].PeriodSq = 7, 0
	}
	tree := newTree(r, false)
	all := tree.withoutCPUs(func(treeSlice) bool { return true })
	for _, s := range append(tree.slices, all.slices...) {
		if s.run == 0 && s.event == 0 && s.spread() != 0 {
			t.Errorf("a slice of counts has the spread %g", s.spread())
		}
	}
	if svg := flameText(t, p, Options{}); !strings.Contains(svg, "counted, ") || strings.Contains(svg, "n=") {
		t.Error("the static picture tells samples of what was counted")
	}
}

func TestTreeRoundTrip(t *testing.T) {
	results := sample.Extremes(t)
	results["sweep"], results["varied"], results["weights only"] = sample.Sweep(), sample.VariedResult(),
		sample.WeightsOnly()
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
				if g.count != w.count || math.Abs(g.weight-w.weight) > 1.01*w.weight/float64(
					w.count)/weightParts*8 {
					t.Fatalf("%.200s: %v became %v", k, w, g)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%d stacks became %d", len(want), len(got))
			}
			for i := range made.slices {
				if w, g := weightOfAll(made.slices[i].entries),
					weightOfAll(read.slices[i].entries); math.Abs(w-g) > max(d.Slices.Part[i],
					1e-9*w) {
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

func weightOfAll(entries []treeEntry) float64 {
	sum := 0.0
	for _, e := range entries {
		sum += e.weight
	}
	return sum
}

// TestTreeHoldsTheBusyWeight compares each slice with the figures.
func TestTreeHoldsTheBusyWeight(t *testing.T) {
	r := sample.VariedResult()
	for _, s := range newTree(r, false).slices {
		for _, c := range r.Runs[s.run].Events[s.event].CPUs {
			if c.CPU == s.cpu && math.Abs(weightOfAll(s.entries)-c.Busy.Period) > 1e-6*c.Busy.Period {
				t.Errorf("run %d event %d CPU %d weighs %g, busy is %g", s.run, s.event, s.cpu,
					weightOfAll(s.entries), c.Busy.Period)
			}
		}
	}
}

func TestPruneKeepsWeights(t *testing.T) {
	r := sample.BigResult(3000, 4)
	full := newTree(r, false)
	p := full.prune(full.shares(), .001)
	if len(p.frame) >= len(full.frame) || p.frames[len(p.frames)-1].name != smallFrame {
		t.Fatalf("%d nodes became %d", len(full.frame), len(p.frame))
	}
	before, after := make([]float64, len(full.frame)), make([]float64, len(p.frame))
	full.totals(full.slices, before, weightOf)
	p.totals(p.slices, after, weightOf)
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
	r := sample.BigResult(5000, 8)
	for _, budget := range []int{200_000, 40_000, 20_000} {
		data, err := Fit(r, budget)
		if err != nil || len(data) > budget || len(data) < min(budget/3, 30_000) {
			t.Errorf("%d bytes of %d, %v", len(data), budget, err)
		}
	}
}

// TestTreeFoldsSuffixes: two kernels' names of one function are one frame.
func TestTreeFoldsSuffixes(t *testing.T) {
	for fold, want := range map[bool]int{false: 2, true: 1} {
		n := 0
		for _, f := range newTree(sample.Patch(), fold).frames {
			if strings.HasPrefix(f.name, "xfrm_policy_lookup_bytype") {
				n++
			}
		}
		if n != want {
			t.Errorf("fold %v: %d frames of one function, want %d", fold, n, want)
		}
	}
}

// TestDifferenceHasItsBefore: modes are set against the one that the contrasts name,
// whichever spins most.
func TestDifferenceHasItsBefore(t *testing.T) {
	r := sample.Sweep()
	for _, run := range r.Runs {
		if run.Mode == "shared" {
			run.Main().All.SpinShare.Value = 0
		}
	}
	d := newFlameData(r, newTree(r, false))
	if opens := d.Groups[d.Start.Group].Mode; opens != "pcpu" || d.Start.Before != "shared" {
		t.Errorf("opens with %s, before is %s, want pcpu and shared", opens, d.Start.Before)
	}
}

// TestFlameDataNumbersCaveats: the footnotes of a profile are those on its own run and
// event, on costs, and on every number, as the report counts them.
func TestFlameDataNumbersCaveats(t *testing.T) {
	r := sample.Sweep()
	warn := func(run int, weakens, text string) {
		r.Runs[run].Warnings = append(r.Runs[run].Warnings, bundle.Warning{Weakens: weakens, Text: text})
	}
	warn(0, bundle.EveryNumber, "simulated")
	warn(0, metric.WaitsID, "of waits alone")
	warn(0, metric.CostID, "few packets")
	warn(1, r.Runs[1].Events[0].Name, "throttled")
	d := newFlameData(r, newTree(r, false))
	for i, want := range [][]int{{1, 3}, {4}, {}} {
		if got := d.Profiles[i].Caveats; !slices.Equal(got, want) {
			t.Errorf("run %d has footnotes %v, want %v", i, got, want)
		}
	}
}

func TestFlameDataNamesWhatHolds(t *testing.T) {
	r := sample.Repeats(t)
	d := newFlameData(r, newTree(r, true))
	if len(d.Tests) == 0 || len(d.Tests[0].Frames) == 0 ||
		d.Names[d.Tests[0].Frames[0]] != "native_queued_spin_lock_slowpath" || d.Tests[0].Up[0] {
		t.Errorf("tests are %+v", d.Tests)
	}
	if g := d.Groups[d.Start.Group]; g.Side != "after" {
		t.Errorf("the page opens with %+v", g)
	}
}
