package analyze

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/cost"
	"xfrmscope/analyze/curves"
	"xfrmscope/analyze/locks"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/sides"
	"xfrmscope/analyze/stage"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

// A lab makes runs of a gateway whose truth is known: what a function costs per
// packet at each N, the same in every run but for the run's own factor.
type lab struct {
	rng    *rand.Rand
	cv     float64 // between runs
	lookup float64 // us a packet in xfrm_state_find
	wait   float64 // us a packet and further CPU in the slow path
}

// run is n CPUs for one second, each always busy: 1000 samples a CPU.
func (l *lab) run(mode string, n, repeat int) *result.Run {
	factor := 1 + l.cv*l.rng.NormFloat64()
	lookup, wait, rest := l.lookup*factor, l.wait*float64(n-1)*factor, 5*factor
	rate := float64(n) * 1e6 / (lookup + wait + rest)
	r := &result.Run{
		Name: fmt.Sprintf("%s n=%d #%d", mode, n, repeat), Mode: mode, N: n,
		Labels:   map[string]string{"mode": mode, "repeat": fmt.Sprint(repeat)},
		Manifest: bundle.Manifest{Started: time.Unix(int64(repeat), 0)},
		Config:   map[string]string{"host": "west", "kernel": "6.19"},
		Packets: result.Packets{Source: "SA counters, outbound",
			Total: metric.Value{ID: metric.PacketsID, Value: rate, Unit: "packets"},
			Rate:  metric.Value{ID: metric.RateID, Value: rate, Unit: "packets/s"}},
		Locks: result.Locks{
			WaitNS: metric.Value{ID: metric.WaitID, Value: 1000 * wait * rate, Unit: "ns"},
			Waits:  metric.Value{ID: metric.WaitsID, Value: rate, Unit: "waits"},
			PerPkt: metric.Value{ID: metric.WaitPacketID, Value: 1000 * wait, Unit: "ns/packet"},
			Rows: []result.Lock{{Lock: "0xffff888100000000", SPI: 0x1000,
				WaitNS: uint64(1000 * wait * rate)}},
		},
	}
	var rows []testrun.Row
	for cpu := range n {
		each := 1000 / (lookup + wait + rest)
		rows = append(rows, testrun.At(cpu, out+"xfrm_state_find", uint64(lookup*each)),
			testrun.At(cpu, out+"xfrm_output", uint64(rest*each)))
		if wait > 0 {
			rows = append(rows, testrun.At(cpu,
				"xfrm_output_resume;_raw_spin_lock_bh;native_queued_spin_lock_slowpath",
				uint64(wait*each)))
		}
	}
	r.Events = []*result.Event{testEvent(rows, r.Packets)}
	return r
}

func (l *lab) sweep(mode string, repeats int, ns ...int) *result.Result {
	r := &result.Result{Schema: result.SchemaVersion}
	for _, n := range ns {
		for i := range repeats {
			r.Runs = append(r.Runs, l.run(mode, n, i+1))
		}
	}
	r.Curves = curves.New(r.Runs)
	return r
}

func newLab(seed uint64, lookup, wait float64) *lab {
	return &lab{rng: rand.New(rand.NewPCG(seed, 1)), cv: 0.005, lookup: lookup, wait: wait}
}

func mustCompare(t *testing.T, before, after *result.Result, o sides.CompareOptions) *result.Comparison {
	t.Helper()
	r, err := sides.Compare(before, after, o)
	if err != nil {
		t.Fatal(err)
	}
	return r.Comparison
}

// A patch halves the lookup and nothing else: the lookup gets a star and its
// size, what did not change gets none although its share grew.
func TestCompareFindsThePatch(t *testing.T) {
	c := mustCompare(t, newLab(1, 4, 0.5).sweep("pcpu", 8, 1, 2, 4, 8),
		newLab(2, 2, 0.5).sweep("pcpu", 8, 1, 2, 4, 8), sides.CompareOptions{})
	if len(c.Headline) != 2 || c.Headline[0].N != 8 || c.Headline[0].C.Effect != "better" ||
		c.Headline[1].C.Effect != "better" {
		t.Errorf("headline %+v, want packets/s and cost at 8 CPUs, both better", c.Headline)
	}
	if f := c.Rates[0].Family; len(c.Rates) != 1 || f.Significant != 4 || c.Rates[0].Keys[3] != "pcpu N=8" {
		t.Errorf("rates %+v, want four stars", c.Rates)
	}
	// 4 + 3.5 + 5 = 12.5 us to 10.5 us.
	if got := c.Headline[1].C.Ratio; got.Value < 0.83 || got.Value > 0.85 {
		t.Errorf("cost %.3f of before, want 10.5/12.5", got.Value)
	}
	rows := c.Functions[0].Functions.Rows
	for name, want := range map[string]bool{"xfrm_state_find": true, "xfrm_output": false,
		"native_queued_spin_lock_slowpath": false} {
		i := slices.IndexFunc(rows, func(r compare.FunctionRow) bool { return r.Name == name })
		if i < 0 || rows[i].Comparison.Significant != want {
			t.Errorf("%s: starred is not %v in %+v", name, want, rows)
			continue
		}
		if d := rows[i].Comparison.Detectable; !want && (!d.Known() || d.Change > 0.1) {
			t.Errorf("%s: no change shown, and no change that would have been: %+v", name, d)
		}
	}
	if l := c.Locks[0]; !slices.Equal(l.Keys, []string{"x->lock"}) || l.Family.Significant != 0 {
		t.Errorf("locks %+v, want x->lock without a star", l)
	}
	if len(c.Stages) != 1 || c.Stages[0].Family.Significant != 1 {
		t.Errorf("stages %+v, want a star for SA lookup alone", c.Stages[0])
	}
	if len(c.USL) != 1 || c.USL[0].Change.Missing != nil {
		t.Errorf("law %+v, want one of each side", c.USL)
	}
	if len(c.Worse) != 0 || c.AA == nil || c.AA.Missing != nil || c.AA.Runs != 8 {
		t.Errorf("worse %+v, A/A %+v, want nothing worse and an A/A of 8 runs", c.Worse, c.AA)
	}
}

// The same the other way round is worse, and is listed, each once.
func TestCompareListsWorse(t *testing.T) {
	c := mustCompare(t, newLab(1, 2, 0.5).sweep("pcpu", 8, 1, 4), newLab(2, 4, 0.5).sweep("pcpu", 8, 1, 4),
		sides.CompareOptions{})
	var got []string
	for _, w := range c.Worse {
		got = append(got, fmt.Sprintf("%s N=%d %s %s", w.Mode, w.N, w.C.Metric, w.Of))
	}
	slices.Sort(got)
	for _, want := range []string{"pcpu N=4 cost_per_packet ", "pcpu N=4 packet_rate ", "pcpu N=1 packet_rate ",
		"pcpu N=4 xfrm_state_find function xfrm_state_find", "pcpu N=4 cost_per_packet stage SA lookup"} {
		if n := len(slices.DeleteFunc(slices.Clone(got), func(s string) bool { return s != want })); n != 1 {
			t.Errorf("%q is listed %d times among\n%s", want, n, strings.Join(got, "\n"))
		}
	}
}

// Order of runs and curves does not matter, nor does a way through JSON but for
// functions, of which only the heaviest are kept.
func TestCompareIgnoresOrder(t *testing.T) {
	before, after := newLab(1, 4, 0.5).sweep("pcpu", 5, 1, 2, 4, 8),
		newLab(2, 3.9, 0.6).sweep("pcpu", 6, 1, 2, 4, 8)
	want := mustCompare(t, before, after, sides.CompareOptions{})
	rng := rand.New(rand.NewPCG(7, 7))
	for range 3 {
		b, a := *before, *after
		b.Runs, a.Runs = slices.Clone(b.Runs), slices.Clone(a.Runs)
		rng.Shuffle(len(b.Runs), func(i, j int) { b.Runs[i], b.Runs[j] = b.Runs[j], b.Runs[i] })
		rng.Shuffle(len(a.Runs), func(i, j int) { a.Runs[i], a.Runs[j] = a.Runs[j], a.Runs[i] })
		if got := mustCompare(t, &b, &a, sides.CompareOptions{}); !reflect.DeepEqual(got, want) {
			t.Fatal("the comparison depends on the order of runs")
		}
	}
	got := mustCompare(t, throughJSON(t, before), throughJSON(t, after), sides.CompareOptions{})
	if !reflect.DeepEqual(got.Rates, want.Rates) || !reflect.DeepEqual(got.Costs, want.Costs) ||
		!reflect.DeepEqual(got.Stages, want.Stages) || !reflect.DeepEqual(got.Functions, want.Functions) {
		t.Error("the comparison of results read back differs")
	}
}

func throughJSON(t *testing.T, r *result.Result) *result.Result {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var out result.Result
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return &out
}

// Two sweeps of one truth: no star in a headline or a family but by chance.
func TestCompareAA(t *testing.T) {
	const trials = 60
	headline, starred := 0, 0
	for i := range trials {
		c := mustCompare(t, newLab(uint64(1000+i), 4, 0.5).sweep("pcpu", 6, 4),
			newLab(uint64(5000+i), 4, 0.5).sweep("pcpu", 6, 4),
			sides.CompareOptions{Options: compare.Options{MinChange: -1}})
		for _, h := range c.Headline {
			if h.C.Significant {
				headline++
				break // both say the same of these runs
			}
		}
		if c.Stages[0].Family.Significant > 0 {
			starred++
		}
	}
	// 0.041 is what 6+6 runs attain; 60 trials of it stay under 9 with probability 0.999.
	if headline > 8 || starred > 8 {
		t.Errorf("of %d comparisons of nothing %d have a star in the headline, %d one in the stages", trials,
			headline, starred)
	}
}

func TestCompareRefuses(t *testing.T) {
	side := func(change func(*result.Run)) *result.Result {
		r := newLab(1, 4, 0).sweep("pcpu", 1, 2)
		change(r.Runs[0])
		return r
	}
	same := func(*result.Run) {}
	for _, tt := range []struct {
		name   string
		change func(*result.Run)
		want   string
	}{
		{"scenario", func(r *result.Run) { r.Manifest.Plan.Scenario = "ab12" },
			"scenario: not given before, ab12 after"},
		{"event", func(r *result.Run) { r.Events[0].Name = "cycles:k" },
			"event: cpu-clock before, cycles:k after"},
		{"unit", func(r *result.Run) { r.Events[0].Unit = "cycles" }, "unit: nanoseconds before, cycles after"},
		{"packets", func(r *result.Run) { r.Packets.Source = "traffic.json" },
			"packets counted by: SA counters, outbound before, traffic.json after"},
		{"N", func(r *result.Run) { r.N = 3 }, "mode and N: pcpu N=2 before, pcpu N=3 after"},
	} {
		_, err := sides.Compare(side(same), side(tt.change), sides.CompareOptions{Before: "a", After: "b"})
		var refused *compare.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.want) ||
			!strings.Contains(err.Error(), "--force") {
			t.Errorf("%s: %v, want a refusal with %q", tt.name, err, tt.want)
		}
		r, err := sides.Compare(side(same), side(tt.change),
			sides.CompareOptions{Options: compare.Options{Force: true}})
		if err != nil || len(r.Comparison.Forced) != 1 || len(r.Comparison.Headline) == 0 {
			t.Errorf("%s, forced: %v, want a comparison that says so", tt.name, err)
		}
	}
	if _, err := sides.Compare(&result.Result{}, side(same), sides.CompareOptions{Before: "empty"}); err == nil ||
		!strings.Contains(err.Error(), "empty has no runs") {
		t.Errorf("no runs: %v", err)
	}
	r, err := sides.Compare(side(same), side(same), sides.CompareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sides.Compare(r, side(same), sides.CompareOptions{}); err == nil ||
		!strings.Contains(err.Error(), "comparison") {
		t.Errorf("a comparison as a side: %v", err)
	}
}

// One run a side gives the error of sampling and no star; a hole in a sweep and
// a mode of one side are named.
func TestCompareFewAndHoles(t *testing.T) {
	c := mustCompare(t, newLab(1, 4, 0).sweep("pcpu", 1, 2), newLab(2, 2, 0).sweep("pcpu", 1, 2),
		sides.CompareOptions{})
	for _, h := range c.Headline {
		if h.C.Verdict != compare.SamplingOnly || h.C.Significant {
			t.Errorf("%s: %s, want %s", h.C.Metric, h.C.Verdict, compare.SamplingOnly)
		}
	}
	if cost := c.Headline[1].C; !cost.Ratio.Interval.Known() ||
		!strings.Contains(cost.Ratio.Interval.Method, "sampling error only") {
		t.Errorf("cost of single runs: %+v, want an interval of sampling", cost.Ratio)
	}
	if c.AA.Missing == nil {
		t.Errorf("A/A of one run: %+v", c.AA)
	}
	before, after := newLab(1, 4, 0.1).sweep("pcpu", 2, 1, 2, 8), newLab(2, 4, 0.1).sweep("pcpu", 2, 1, 4, 8)
	before.Runs = append(before.Runs, newLab(3, 4, 0).run("shared", 2, 1))
	after.Runs = append(after.Runs, newLab(3, 4, 0).run("plain", 2, 1))
	c = mustCompare(t, before, after, sides.CompareOptions{})
	var notes []string
	for _, n := range c.Notes {
		notes = append(notes, n.Text)
	}
	for _, want := range []string{"mode shared has runs before and none after",
		"mode plain has runs after and none before", "pcpu N=2: runs before and none after",
		"pcpu N=4: runs after and none before"} {
		if !strings.Contains(strings.Join(notes, "\n"), want) {
			t.Errorf("%q is not among the notes\n%s", want, strings.Join(notes, "\n"))
		}
	}
	if !slices.Equal(c.Rates[0].Keys, []string{"pcpu N=1", "pcpu N=8"}) {
		t.Errorf("rows %v", c.Rates[0].Keys)
	}
}

// Without packets shares are compared, and said to be shares.
func TestCompareWithoutPackets(t *testing.T) {
	side := func(seed uint64, lookup float64) *result.Result {
		r := newLab(seed, lookup, 0.5).sweep("pcpu", 5, 4)
		gap := bundle.Gap{What: "packets", Why: "no outbound SA was read"}
		for _, run := range r.Runs {
			run.Packets = packets.None(gap)
			run.Locks.PerPkt = metric.NotMeasured(metric.WaitPacketID, "ns/packet", gap)
			run.Events = []*result.Event{testEvent([]testrun.Row{testrun.At(0, out+"xfrm_state_find",
				uint64(100*lookup)), testrun.At(0, out+"xfrm_output", 500)}, run.Packets)}
		}
		return r
	}
	c := mustCompare(t, side(1, 4), side(2, 2), sides.CompareOptions{})
	if len(c.Notes) == 0 || !strings.Contains(c.Notes[0].Text, "shares of busy time") &&
		!slices.ContainsFunc(c.Notes, func(r compare.Reason) bool {
			return strings.Contains(r.Text, "shares of busy time")
		}) {
		t.Errorf("notes %+v, want the reason for shares", c.Notes)
	}
	for _, one := range c.Stages[0].Family.Comparisons {
		if one.Metric != metric.StageID || one.Unit != "ratio" || one.Effect != "" {
			t.Errorf("stage %+v, want a share that is neither better nor worse", one)
		}
	}
	if len(c.Functions) == 0 || c.Functions[0].Functions.Total.Unit != "ratio" {
		t.Error("no functions as shares")
	}
	if len(c.Rates) != 0 || len(c.Worse) != 0 {
		t.Errorf("rates %+v, worse %+v, want none", c.Rates, c.Worse)
	}
}

// A failed gate takes the star; number, interval and p stay.
func TestCompareGates(t *testing.T) {
	before, after := newLab(1, 4, 0.5).sweep("pcpu", 6, 1, 4), newLab(2, 2, 0.5).sweep("pcpu", 6, 1, 4)
	for _, r := range before.Runs {
		r.Gates = []result.Gate{{ID: "pause", Status: result.GateOK, Evidence: "0 frames"}}
	}
	for _, r := range after.Runs {
		r.Gates = []result.Gate{{ID: "pause", Status: result.GateOK, Evidence: "0 frames"}}
	}
	after.Runs[8].Gates[0] = result.Gate{ID: "pause", Status: result.GateFailed, Evidence: "12 frames"}
	c := mustCompare(t, before, after, sides.CompareOptions{})
	at4, at1 := c.Rates[0].Family.Comparisons[1], c.Rates[0].Family.Comparisons[0]
	if at4.Significant || at4.Verdict != compare.Gated || !at4.Ratio.Interval.Known() || *at4.Q >= 0.05 {
		t.Errorf("at 4 CPUs %+v, want the numbers and no star", at4)
	}
	if !at1.Significant {
		t.Error("the gate of another N took the star")
	}
	if len(c.Blanked) == 0 || !strings.Contains(fmt.Sprint(c.Blanked),
		"pcpu N=4, packets/s: gate failed: pause (1 of 12 runs)") {
		t.Errorf("blanked %q", c.Blanked)
	}
	if len(c.Gates) != 1 || c.Gates[0].Status != result.GateFailed ||
		!strings.Contains(c.Gates[0].Evidence, "after pcpu n=4") {
		t.Errorf("gates %+v, want the worst with its run", c.Gates)
	}
}

// What else differs is named: between the sides, within one, at one N.
func TestCompareVariation(t *testing.T) {
	before, after := newLab(1, 4, 0.5).sweep("pcpu", 2, 1, 4), newLab(2, 4, 0.5).sweep("pcpu", 2, 1, 4)
	for i, r := range after.Runs {
		r.Config = map[string]string{"host": "west", "kernel": "6.19+1",
			"governor cpu 0 policy": []string{"performance", "performance", "powersave", "performance"}[i]}
	}
	for _, r := range before.Runs {
		r.Config["governor cpu 0 policy"] = "performance"
	}
	c := mustCompare(t, before, after, sides.CompareOptions{Expected: []string{"kernel"}})
	if len(c.Varied) != 2 || c.Varied[0].Key != "kernel" || !c.Varied[0].Expected ||
		c.Varied[0].Where != compare.Between ||
		c.Varied[1].Key != "governor cpu 0 policy (pcpu N=4)" || c.Varied[1].Where != compare.WithinAfter {
		t.Errorf("varied %+v", c.Varied)
	}
}

// Runs in blocks are compared within them: boots that differ by more than the
// patch hide it from a plain test.
func TestCompareBlocks(t *testing.T) {
	l := newLab(1, 4, 0.5)
	side := func(lookup float64, blocks bool) *result.Result {
		r := &result.Result{Schema: result.SchemaVersion}
		for boot := range 4 {
			for i := range 2 {
				l.lookup = lookup * (1 + float64(boot))
				run := l.run("pcpu", 4, 2*boot+i+1)
				if blocks {
					run.Labels[sides.BlockLabel] = fmt.Sprint("boot ", boot)
				}
				r.Runs = append(r.Runs, run)
			}
		}
		return r
	}
	plain := mustCompare(t, side(4, false), side(3.8, false), sides.CompareOptions{})
	within := mustCompare(t, side(4, true), side(3.8, true), sides.CompareOptions{})
	if c := plain.Headline[0].C; c.Significant || !strings.HasPrefix(c.Test.Method, "Mann-Whitney U") {
		t.Errorf("without blocks: %+v", c)
	}
	if c := within.Headline[0].C; !c.Significant || !strings.Contains(c.Test.Method, "within 4 blocks") {
		t.Errorf("within blocks: p %v by %s, want a star", c.Test.P, c.Test.Method)
	}
}

// What differs between boots is not told from the change by one boot a side, however
// many runs it has: no star, and every number stays.
func TestCompareBoots(t *testing.T) {
	each := func(id string) func(int) string { return func(int) string { return id } }
	of := func(side string, boots int) func(int) string {
		return func(i int) string { return fmt.Sprint(side, i%boots) }
	}
	compared := func(lookup float64, before, after func(int) string) *result.Comparison {
		var list [2]*result.Result
		for i, boot := range []func(int) string{before, after} {
			list[i] = newLab(uint64(i+1), []float64{4, lookup}[i], 0.5).sweep("pcpu", 8, 1, 2, 4)
			for j, run := range list[i].Runs {
				run.Manifest.Host.BootID = boot(j)
			}
		}
		return mustCompare(t, list[0], list[1], sides.CompareOptions{})
	}
	for _, test := range []struct {
		name          string
		before, after func(int) string
		note          string // "": starred
		method        string
		n             int
	}{
		{"not known", each(""), each("y"), "", "Mann-Whitney", 8},
		{"one for both sides", each("x"), each("x"), "", "Mann-Whitney", 8},
		{"one a side", each("x"), each("y"), "one boot a side: what differs between boots", "Mann-Whitney", 8},
		{"one before", each("x"), of("y", 8), "boots: 1 before, 8 after, and significance needs 4",
			"Mann-Whitney",
			8},
		{"one of three shared", of("x", 3), of("x", 2), "boots: 3 before, 2 after", "Mann-Whitney", 8},
		{"four a side", of("x", 4), of("y", 4), "", "Mann-Whitney", 4},
		{"eight a side", of("x", 8), of("y", 8), "", "Mann-Whitney", 8},
		{"four with both sides", of("x", 4), of("x", 4), "", "within 4 blocks", 8},
	} {
		c := compared(2, test.before, test.after)
		one := c.Headline[0].C
		if one.Significant != (test.note == "") || !strings.Contains(one.Test.Method, test.method) ||
			one.Before.N != test.n || one.Test.P >= 0.05 || !one.Ratio.Interval.Known() ||
			c.Functions[0].Functions.Total.Before.N != test.n {
			t.Errorf("%s: star %t, %d runs by %s", test.name, one.Significant, one.Before.N,
				one.Test.Method)
		}
		if test.note == "" {
			continue
		}
		if len(c.Notes) != 1 || c.Notes[0].Code != compare.TooFewBoots || one.Verdict != compare.FewBoots ||
			one.Notes[0] != c.Notes[0] || one.Detectable.Known() || c.Rates[0].Family.Detectable != 0 ||
			!strings.HasPrefix(c.Notes[0].Text, test.note) {
			t.Errorf("%s: %s, notes %+v", test.name, one.Verdict, c.Notes)
		}
		if text, err := json.Marshal(c); err != nil || bytes.Contains(text, []byte(`"star":true`)) {
			t.Errorf("%s: a star, or %v", test.name, err)
		}
	}
}

// Odd numbers do not get in: NaN and infinite ones are dropped and counted, and
// the result is JSON.
func TestCompareBadNumbers(t *testing.T) {
	before, after := newLab(1, 4, 0.5).sweep("pcpu", 5, 1, 4), newLab(2, 4, 0.5).sweep("pcpu", 5, 1, 4)
	nan := 0.0
	nan /= nan
	before.Runs[0].Packets.Rate.Value = nan
	after.Runs[3].Events[0].All.PerPacket.Value = 1 / (nan - nan)
	before.Runs = append(before.Runs, nil)
	r, err := sides.Compare(before, after, sides.CompareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(r.Comparison); err != nil {
		t.Error(err)
	}
	if c := r.Comparison.Rates[0].Family.Comparisons[0]; c.Before.N != 4 || len(c.Before.Notes) == 0 {
		t.Errorf("a rate that is no number: %+v", c.Before)
	}
}

func testEvent(rows []testrun.Row, p result.Packets) *result.Event {
	e := cost.NewEvent(cost.Classify(testrun.Profile(rows...), stage.Default()), 1, p)
	cost.Release(e, true)
	return e
}

// A sweep of two sides is split by its label; the side that was run first is
// before.
func TestSides(t *testing.T) {
	r := &result.Result{Schema: result.SchemaVersion}
	for i := range 6 {
		for side, lookup := range map[string]float64{"old": 4, "new": 2} {
			run := newLab(uint64(i), lookup, 0.5).run("pcpu", 4, i+1)
			run.Side = side
			if side == "new" {
				run.Manifest.Started = run.Manifest.Started.Add(time.Millisecond)
			}
			r.Runs = append(r.Runs, run)
		}
	}
	b, a, names, err := sides.Sides(r)
	if err != nil || names != [2]string{"old", "new"} || len(b.Runs) != 6 || len(a.Runs) != 6 {
		t.Fatalf("%v, %q, want 6 and 6 runs of old and new", err, names)
	}
	if c := mustCompare(t, b, a, sides.CompareOptions{}); c.Headline[1].C.Effect != "better" {
		t.Errorf("cost %+v, want better", c.Headline[1].C)
	}
	if _, _, _, err := sides.Sides(b); err == nil || !strings.Contains(err.Error(), "it has 1 sides") {
		t.Errorf("one side: %v", err)
	}
}

// Contention and bounce are compared by class of lock, beside the waits and in
// their family; Jain's index with the costs.
func TestCompareLockClasses(t *testing.T) {
	side := func(seed uint64, contention, bounce float64) *result.Result {
		l := newLab(seed, 4, 0.5)
		r := l.sweep("pcpu", 6, 4)
		for _, run := range r.Runs {
			of := func(id, unit string, v float64) metric.Value {
				return metric.Value{ID: id, Unit: unit, Value: v * (1 + 0.005*l.rng.NormFloat64()),
					SE: v / 100}
			}
			acquired := metric.Value{ID: metric.AcquireID, Unit: "count", Value: 1000}
			run.Packets.Jain = of(metric.JainID, "ratio", 0.9)
			run.Locks.Rows[0].Acquisitions, run.Locks.Rows[0].Contention = acquired,
				of(metric.ContentionID, "ratio", contention)
			run.Locks.Rows = append(run.Locks.Rows,
				result.Lock{Name: "arp_tbl", Acquisitions: acquired,
					Contention: metric.Value{ID: metric.ContentionID, Unit: "ratio"}})
			for i := range 2 {
				run.Locks.Rows = append(run.Locks.Rows, result.Lock{
					Lock: fmt.Sprint(i), Name: fmt.Sprintf("xfrm_state_lock of CPU %d", i),
					WaitNS: 100, Acquisitions: acquired,
					Contention: of(metric.ContentionID, "ratio", 0.1),
					Bounce:     of(metric.BounceID, "ns/packet", bounce/2),
					Floor:      &result.Floor{Of: "xfrm_state_lock", Own: true},
				})
			}
		}
		Restore(r)
		return r
	}
	r, err := sides.Compare(side(1, 0.2, 10), side(2, 0.4, 20), sides.CompareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	f := r.Comparison.Locks[0]
	for i, key := range f.Keys {
		got[key] = f.Family.Comparisons[i].Significant
	}
	want := map[string]bool{
		"x->lock": false, "xfrm_state_lock": false,
		"x->lock, contention ratio": true, "xfrm_state_lock, contention ratio": false,
		"xfrm_state_lock, lock-line bounce/packet": true,
	}
	if !reflect.DeepEqual(got, want) || f.Family.Tested != len(want) {
		t.Errorf("locks starred %v, tested %d, want %v in one family", got, f.Family.Tested, want)
	}
	if keys := r.Comparison.Costs[0].Keys; !slices.Contains(keys, "evenness") ||
		slices.ContainsFunc(keys, func(k string) bool { return strings.Contains(k, "lock xfrm_state_lock") }) {
		t.Errorf("costs %v, want evenness and no lock", keys)
	}
	for text, want := range map[string]result.Outcome{"contention_ratio>50%": result.Regression,
		"bounce_ns_per_packet>50%": result.Regression, "jain<-5%": result.Held} {
		c, err := sides.ParseCondition(text)
		if err != nil {
			t.Fatal(err)
		}
		for i, j := range c.Judge(r) {
			if i == 0 && j.Outcome != want || j.Outcome == result.Unmeasured {
				t.Errorf("%s: %+v, want %s", text, j, want)
			}
		}
	}
	// Named beforehand, they are a family: one plain test a lock would find too much.
	b, a := side(1, 0.2, 10), side(2, 0.4, 20)
	b.Headline, a.Headline = []string{metric.ContentionID}, []string{metric.ContentionID}
	for _, h := range mustCompare(t, b, a, sides.CompareOptions{}).Headline {
		if h.C.Family == "" || h.Of == (result.Subject{}) {
			t.Errorf("headline %+v, want a row of a family that names its lock", h)
		}
	}
}

// The contention of a class is over the acquisitions of all its locks; a lock
// waited for that nobody counted leaves it without one.
func TestContentionOfClass(t *testing.T) {
	ratio := func(v, se float64) metric.Value {
		return metric.Value{ID: metric.ContentionID, Unit: "ratio", Value: v, SE: se}
	}
	acquired := func(n float64) metric.Value { return metric.Value{ID: metric.AcquireID, Value: n, Unit: "count"} }
	l := result.Locks{Rows: []result.Lock{
		{SPI: 1, Waits: 10, Acquisitions: acquired(100), Contention: ratio(0.1, 0.03)},
		{SPI: 2, Acquisitions: acquired(300),
			Contention: ratio(0.02, 0.01).WithLoss("acquisitions", 4, 100, 0.02, 0.04)},
		{ID: bundle.LockID{Kind: bundle.LockSymbol, Name: "iova"}, Waits: 3,
			Contention: metric.NotMeasured(metric.ContentionID, "ratio", bundle.Gap{Why: "not watched"})},
	}}
	v := locks.ContentionOf(&l, "x->lock")
	testrun.WantValue(t, "two SAs", v, (100*0.1+300*0.02)/400)
	if se := math.Sqrt(9+9) / 400; math.Abs(v.SE-se) > 1e-12 || !v.Ranged() ||
		math.Abs(v.High-(10+12.0)/400) > 1e-12 {
		t.Errorf("%+v, want an error of %v and a range", v, se)
	}
	if v := locks.ContentionOf(&l, "iova"); v.Measured() || v.Missing.Why != "not watched" {
		t.Errorf("%+v, want not measured", v)
	}
}

// Of single runs, a share of lookups has the error of the share, not of the
// lookups it was taken over.
func TestCompareSingleShares(t *testing.T) {
	side := func() *result.Result {
		r := newLab(1, 4, 0).sweep("pcpu", 1, 2)
		r.Runs[0].Lookups = &result.Lookups{Fallback: metric.Value{ID: metric.FallbackID, Unit: "ratio",
			Value: 0.01, SE: 0.001, Samples: 10000}}
		return r
	}
	c := mustCompare(t, side(), side(), sides.CompareOptions{})
	i := slices.Index(c.Costs[0].Keys, "fallback share")
	if i < 0 {
		t.Fatalf("no fallback share among %v", c.Costs[0].Keys)
	}
	// exp(1.96 x 0.1 x sqrt 2) = 1.32
	if k := c.Costs[0].Family.Comparisons[i].Ratio.Interval; k.Hi < 1.3 || k.Hi > 1.34 {
		t.Errorf("interval %+v, want that of 10 %% on each side", k)
	}
}

// A cost by samples against one by /proc/stat is told beside each number of it; what
// the samples cover may differ.
func TestCompareOtherBasis(t *testing.T) {
	sweep := func(seed uint64, basis ...string) *result.Result {
		r := newLab(seed, 4, 0.5).sweep("pcpu", 4, 2)
		for i, run := range r.Runs {
			a := &run.Events[0].All
			for j := range a.Stages {
				a.Stages[j].PerPacket.Basis = basis[i%len(basis)]
			}
			a.PerPacket.Basis = basis[i%len(basis)]
		}
		return r
	}
	const accounted = metric.ByAccounting + "; samples cover 70 %"
	for _, of := range []struct {
		before, after []string
		want          string
	}{
		{[]string{""}, []string{accounted}, "by samples before and by /proc/stat after"},
		{[]string{"", accounted}, []string{""}, "by /proc/stat and by samples before and by samples after"},
		{[]string{accounted}, []string{metric.ByAccounting + "; samples cover 80 %"}, ""},
	} {
		c := mustCompare(t, sweep(1, of.before...), sweep(2, of.after...), sides.CompareOptions{})
		told := func(where string, notes []compare.Reason) {
			t.Helper()
			if got := compare.Noted(notes, compare.OtherBasis); !strings.Contains(got, of.want) ||
				(got == "") != (of.want == "") {
				t.Errorf("%s: %q, want %q", where, got, of.want)
			}
		}
		told("comparison", c.Notes)
		told("cost", c.Headline[1].C.Notes)
		told("stage", c.Stages[0].Family.Comparisons[0].After.Notes)
		told("function", c.Functions[0].Functions.Rows[0].Comparison.Before.Notes)
		if notes := c.Headline[0].C.Notes; compare.Noted(notes, compare.OtherBasis) != "" {
			t.Errorf("packets/s: %v", notes)
		}
	}
}
