package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// costs returns ten runs that differ by 1 % around the costs.
func costs(rng *rand.Rand, ns map[string]float64) []map[string]float64 {
	var out []map[string]float64
	names := slices.Sorted(func(yield func(string) bool) {
		for k := range ns {
			if !yield(k) {
				return
			}
		}
	})
	for range 10 {
		run := map[string]float64{}
		for _, k := range names {
			run[k] = noise(rng, 1, ns[k], 0.01)[0]
		}
		out = append(out, run)
	}
	return out
}

// A saturated CPU, a patch halves one lock wait: shares of the total would
// paint every other function as grown (reports section 4.3).
func TestHalvedLockWait(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 0))
	before := CostTable{Unit: "ns/packet", Runs: costs(rng, map[string]float64{
		"native_queued_spin_lock_slowpath": 300, "xfrm_state_find": 200, "aead.constprop.0": 400, "rest": 100,
		"tiny": 0.5})}
	after := CostTable{Unit: "ns/packet", Runs: costs(rng, map[string]float64{
		"native_queued_spin_lock_slowpath": 150, "xfrm_state_find": 200, "aead": 400, "rest": 100,
		"tiny": 0.5})}
	f := CompareFunctions("functions", before, after, Options{})

	var got []string
	for _, r := range f.Rows {
		got = append(got, fmt.Sprintf("%s %s", r.Name, r.Comparison.Verdict))
	}
	slices.Sort(got)
	want := []string{"aead no change shown", "native_queued_spin_lock_slowpath changed", "rest no change shown",
		"xfrm_state_find no change shown"}
	if !slices.Equal(got, want) {
		t.Errorf("rows %q, want %q", got, want)
	}
	first := f.Rows[0]
	if first.Name != "native_queued_spin_lock_slowpath" || math.Abs(first.Comparison.Ratio.Value-0.5) > 0.01 ||
		first.Comparison.Effect != "better" {
		t.Errorf("first row %s, ratio %v, %s, want the lock, halved, better",
			first.Name, first.Comparison.Ratio.Value, first.Comparison.Effect)
	}
	if f.Total.Verdict != Changed || f.Family.Tested != 4 || f.Rest.Functions != 1 {
		t.Errorf("total %q, %d tested, %d in the rest, want changed, 4, 1",
			f.Total.Verdict, f.Family.Tested, f.Rest.Functions)
	}
	if want := []Merge{{"aead", []string{"aead.constprop.0"}, []string{"aead"}}}; !reflect.DeepEqual(f.Merged,
		want) {
		t.Errorf("merged %v, want %v", f.Merged, want)
	}
}

// A function that the other kernel inlined is not gone, one that a patch adds is new.
func TestOneSided(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 0))
	before := CostTable{Unit: "ns/packet", Callers: map[string]string{"km_query.isra.0": "xfrm_state_find"},
		Runs: costs(rng, map[string]float64{"xfrm_state_find": 100, "km_query.isra.0": 60, "esp_output": 500})}
	after := CostTable{Unit: "ns/packet", Callers: map[string]string{"xfrm_replay_recheck": "xfrm_input"},
		Runs: costs(rng,
			map[string]float64{"xfrm_state_find": 160, "esp_output": 500, "xfrm_replay_recheck": 90})}
	rows := map[string]FunctionRow{}
	for _, r := range CompareFunctions("functions", before, after, Options{}).Rows {
		rows[r.Name] = r
	}
	gone := rows["km_query"]
	if gone.Only != "before" || gone.Caller != "xfrm_state_find" || gone.WithCaller == nil ||
		gone.WithCaller.Verdict != NotShown {
		t.Errorf("km_query: %+v, want only before, and no change together with xfrm_state_find", gone)
	}
	added := rows["xfrm_replay_recheck"]
	if added.Only != "after" || added.WithCaller != nil || added.Comparison.Verdict != Changed ||
		added.Comparison.Effect != "worse" {
		t.Errorf("xfrm_replay_recheck: only %q, with caller %v, %q, want only after, no caller on both "+
			"sides, changed", added.Only, added.WithCaller, added.Comparison.Verdict)
	}
	if rows["esp_output"].Only != "" {
		t.Errorf("esp_output: only %q, want on both sides", rows["esp_output"].Only)
	}
}

func TestOneRunEach(t *testing.T) {
	table := func(ns float64, samples uint64) CostTable {
		return CostTable{Unit: "ns/packet", Runs: []map[string]float64{{"f": ns, "g": 100}},
			Samples: []map[string]uint64{{"f": samples, "g": 1000}}}
	}
	f := CompareFunctions("functions", table(100, 1000), table(150, 1500), Options{})
	c := f.Rows[0].Comparison
	if c.Verdict != SamplingOnly || c.Ratio.Interval.Method != countMethod || !c.Ratio.Interval.Contains(1.5) ||
		c.Ratio.Interval.Contains(1.2) {
		t.Errorf("%q, ratio %+v, want the exact interval of 1000 and 1500 samples", c.Verdict, c.Ratio)
	}
	if f.Family.Tested != 0 || c.Q != nil {
		t.Errorf("%d tested, q %v, want none", f.Family.Tested, c.Q)
	}
}

func TestEmptyTables(t *testing.T) {
	f := CompareFunctions("functions", CostTable{}, CostTable{Runs: []map[string]float64{{}, {"f": math.NaN()}}},
		Options{})
	if f.Total.Verdict != NoData || len(f.Rows) != 0 {
		t.Errorf("total %q, %d rows, want no data", f.Total.Verdict, len(f.Rows))
	}
}

// 200 functions of 10+10 runs are one report's worth.
func BenchmarkFunctions(b *testing.B) {
	rng := rand.New(rand.NewPCG(23, 0))
	ns := map[string]float64{}
	for i := range 200 {
		ns[fmt.Sprint("f", i)] = 100
	}
	before, after := CostTable{Runs: costs(rng, ns)}, CostTable{Runs: costs(rng, ns)}
	for b.Loop() {
		CompareFunctions("functions", before, after, Options{})
	}
}

func BenchmarkUTestTies(b *testing.B) {
	rng := rand.New(rand.NewPCG(24, 0))
	x, y := counts(rng, 20, 8, 0), counts(rng, 20, 9, 0)
	for b.Loop() {
		UTest(x, y)
	}
}
