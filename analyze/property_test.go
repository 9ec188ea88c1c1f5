package analyze

import (
	"encoding/json"
	"io/fs"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"xfrmscope/analyze/cost"
	"xfrmscope/analyze/curves"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
	"xfrmscope/analyze/stage"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
	"xfrmscope/samples"
)

func sampleRuns(t *testing.T) []*bundle.Run {
	t.Helper()
	var runs []*bundle.Run
	for _, name := range []string{"pcpu", "shared"} { // one gateway's
		fsys, err := samples.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fs.Stat(fsys, "sweep.json"); err != nil {
			continue
		}
		some, err := bundle.OpenAllFS(fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, some...)
	}
	return runs
}

// Shares of one whole sum to 1, bills to their totals, functions to all that is
// busy: of every recorded sample.
func TestSumsOfSamples(t *testing.T) {
	r := analyse(t, sampleRuns(t)...)
	same := func(what string, got, want float64) {
		if math.Abs(got-want) > 1e-6*math.Max(1, math.Abs(want)) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	for _, run := range r.Runs {
		for _, e := range run.Events {
			perCPU, self := 0.0, 0.0
			for _, c := range append([]result.CPU{e.All}, e.CPUs...) {
				stages := 0.0
				for _, s := range c.Stages {
					stages += s.Share.Value
				}
				same(run.Name+": stages", stages, 1)
				if c.CPU >= 0 {
					perCPU += c.Busy.Period
				}
			}
			directions := 0.0
			for _, d := range e.All.Directions {
				directions += d.Share.Value
			}
			same(run.Name+": directions", directions, 1)
			same(run.Name+": CPUs", perCPU, e.All.Busy.Period)
			for _, f := range e.Self {
				self += f.Weight.Period
			}
			same(run.Name+": functions", self, e.All.Busy.Period)
		}
	}
	for _, c := range r.Curves {
		bills := slices.Concat(c.StageBreakdowns, c.LockBreakdowns)
		if c.FunctionBreakdown != nil {
			bills = append(bills, *c.FunctionBreakdown)
		}
		for _, b := range bills {
			sum := b.Unexplained.Delta.Value
			for _, row := range b.Rows {
				sum += row.Delta.Value
			}
			same(c.Mode+": bill", sum, b.Total.Delta.Value)
		}
		for _, f := range c.Falls {
			sum := f.Unexplained + f.NotCost
			for _, row := range f.Rows {
				sum += row.Rate
			}
			same(c.Mode+": fall", sum, f.Ideal-f.Measured)
		}
	}
}

// The same runs in another order, on more workers or fewer, are the same Result.
func TestOrderOfRuns(t *testing.T) {
	runs := sampleRuns(t)
	want, err := json.Marshal(analyse(t, runs...))
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 3 {
		rnd.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
		got, err := json.Marshal(analyse(t, runs...))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Fatal("another order of runs gives another result")
		}
	}
}

// Of many runs the median of each mode and N keeps its profile, and that is
// said; the figures are of all.
func TestManyRuns(t *testing.T) {
	testMedians(t, analyse(t, sweepOnDisk(t, maxProfiles+8, 50)...))
}

// So it is of few whose profiles are large.
func TestLargeRuns(t *testing.T) {
	r, err := Runs(t.Context(), sweepOnDisk(t, 16, 50), Options{Profiles: 1})
	if err != nil {
		t.Fatal(err)
	}
	testMedians(t, r)
}

func testMedians(t *testing.T, r *result.Result) {
	t.Helper()
	kept := map[string]int{}
	for _, run := range r.Runs {
		if e := run.Main(); e.Profile != nil {
			kept[run.Mode+string(rune('0'+run.N))]++
		} else if e.All.Total.Samples != 50 || len(e.Self) == 0 {
			t.Errorf("%s: %d samples, want the figures of all 50", run.Name, e.All.Total.Samples)
		}
	}
	if len(kept) != 8 {
		t.Errorf("profiles of %v, want one of each mode and N", kept)
	}
	for key, n := range kept {
		if n != 1 {
			t.Errorf("%s keeps %d profiles, want 1", key, n)
		}
	}
	if !slices.ContainsFunc(r.Warnings, func(w bundle.Warning) bool {
		return strings.Contains(w.Text, "without flame graphs")
	}) {
		t.Errorf("warnings %+v, want one that says so", r.Warnings)
	}
}

// Repeats are the sample of an N: intervals are over runs.
func TestRepeatsAreTheSample(t *testing.T) {
	var runs []*result.Run
	for _, n := range []int{1, 2, 4, 8} {
		for i := range 5 {
			r := curveRun("pcpu", n, 1000*float64(n)*(1+0.002*float64(i)), uint64(100*n+i), uint64(100+i))
			runs = append(runs, r)
		}
	}
	c := curves.New(runs)[0]
	if got := c.Scaling.Rows[3].Rate.N; got != 5 {
		t.Errorf("%d runs at N=8, want 5", got)
	}
	if !c.Scaling.Rows[3].Speedup.Interval.Known() || !c.USL.Known() || !c.USL.Kappa.Interval.Known() {
		t.Errorf("speed-up %+v, law %+v: want intervals over runs", c.Scaling.Rows[3].Speedup, c.USL)
	}
	if len(c.StageBreakdowns) != 3 || !c.StageBreakdowns[2].Rows[0].Delta.Interval.Known() || len(c.Falls) != 3 {
		t.Errorf("bills %+v, falls %+v: want one an N, with intervals", c.StageBreakdowns, c.Falls)
	}
	if c.Frames.Tested == 0 {
		t.Errorf("frames %+v: none was tested", c.Frames)
	}
}

// Whatever the runs are, there is a Result that JSON can hold, and no panic.
func TestOddRuns(t *testing.T) {
	hole := testrun.Make("pcpu", 8)
	noPackets := testrun.Make("pcpu", 2)
	noPackets.SAs = nil
	backwards := testrun.Make("pcpu", 4)
	for i := range backwards.SAs {
		backwards.SAs[i].Packets = 1000 - backwards.SAs[i].Packets
	}
	huge := testrun.Make("shared", 1)
	huge.SAs[1].Packets = math.MaxUint64
	for name, runs := range map[string][]*bundle.Run{
		"none": nil, "one": {testrun.Make("pcpu", 1).Open(t, "a")},
		"a hole":            {testrun.Make("pcpu", 1).Open(t, "a"), hole.Open(t, "b")},
		"no packets":        {noPackets.Open(t, "a")},
		"no packets of one": {testrun.Make("pcpu", 1).Open(t, "a"), noPackets.Open(t, "b"), hole.Open(t, "c")},
		"backwards":         {testrun.Make("pcpu", 1).Open(t, "a"), backwards.Open(t, "b")},
		"unequal":           {testrun.Make("shared", 2).Open(t, "a"), huge.Open(t, "b")},
		"twice the same":    {hole.Open(t, "a"), hole.Open(t, "a")},
	} {
		r := analyse(t, runs...)
		if _, err := json.Marshal(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, run := range r.Runs {
			if rate := run.Packets.Rate; !rate.Measured() &&
				(rate.Missing.Why == "" || run.Lookups.PerPacket.Measured() != true) {
				t.Errorf("%s: %s: rate %+v, finds %+v: want a reason, and what its own phases counted",
					name, run.Name, rate, run.Lookups.PerPacket)
			}
		}
	}
	curve := curves.New([]*result.Run{curveRun("pcpu", 1, 1000, 1, 1), curveRun("pcpu", 2, math.NaN(), 1, 1),
		curveRun("pcpu", 4, math.Inf(1), 1, 1), curveRun("pcpu", 8, 8000, 1, 1)})[0]
	if curve.Scaling == nil || len(curve.Scaling.Rows) != 2 || len(curve.Scaling.Notes) == 0 {
		t.Errorf("scaling %+v, want the two usable N, and what was left out", curve.Scaling)
	}
}

// A table of many rows is cut and still sums.
func TestTrim(t *testing.T) {
	costs := func(n int) scaling.Costs {
		run := map[string]float64{}
		for i := range 100 {
			run["f"+string(rune('A'+i))] = float64(n * i)
		}
		return scaling.Costs{N: n, Runs: []map[string]float64{run}, Totals: []float64{float64(n * 5000)}}
	}
	b := scaling.Breakdowns([]scaling.Costs{costs(1), costs(2)}, "ns/packet", scaling.Options{})[0]
	b.Trim(result.TopFunctions)
	sum := b.Unexplained.Delta.Value
	for _, r := range b.Rows {
		sum += r.Delta.Value
	}
	if len(b.Rows) != result.TopFunctions+1 || math.Abs(sum-b.Total.Delta.Value) > 1e-6 {
		t.Errorf("%d rows that sum to %v, want %d and %v", len(b.Rows), sum, result.TopFunctions+1,
			b.Total.Delta.Value)
	}
}

// What both sides of the path call has the direction of who called it.
func TestDirectionOfStack(t *testing.T) {
	for frames, want := range map[string]string{
		"net_rx_action;xfrm_input;xfrm_state_lookup":                              "receive", // to 6.12.12
		"net_rx_action;xfrm_input;xfrm_input_state_lookup;__xfrm_state_lookup":    "receive",
		"net_rx_action;esp4_gro_receive;xfrm_state_lookup":                        "receive",
		"ip_forward;xfrm_tmpl_resolve;xfrm_state_find;__xfrm_state_lookup_all":    "transmit",
		"ip_forward;xfrm_tmpl_resolve;xfrm_state_find":                            "transmit",
		"xfrm_user_rcv_msg;xfrm_state_lookup":                                     "neither",
		"net_rx_action;xfrm4_transport_finish;memmove":                            "receive",
		"net_rx_action;xfrm_trans_reinject;xfrm6_transport_finish2;nf_hook_slow":  "receive",
		"xfrm_output_resume;xfrm6_transport_output":                               "transmit",
		"__dev_queue_xmit;dev_hard_start_xmit;xfrmi_xmit;skb_scrub_packet":        "transmit",
		"net_rx_action;xfrm_input;xfrmi_rcv_cb":                                   "receive",
		"net_rx_action;xfrm_input;netif_rx;ip_forward;xfrm_output_one;esp_output": "transmit",
	} {
		e := cost.NewEvent(cost.Classify(testrun.Profile(testrun.At(0, frames, 10)), stage.Default()), 1,
			packets.None(bundle.Gap{}))
		if d := e.All.Directions; len(d) != 1 || d[0].Name != want {
			t.Errorf("%s: %+v, want %s", frames, d, want)
		}
	}
}

// The rule for stacks is one: directions, transparency of locks, idle.
func TestDirections(t *testing.T) {
	p := testrun.Profile(
		testrun.At(0, "net_rx_action;xfrm_input;esp_input;crypto_aead_decrypt", 10),
		testrun.At(0, "net_rx_action;xfrm_output;esp_output;crypto_aead_encrypt", 20),
		testrun.At(0, "net_rx_action;ip_forward", 30),
		testrun.At(0, "xfrm_input;_raw_spin_lock", 5),
		testrun.At(0, "xfrm_input;xfrm_output_resume;_raw_spin_lock_bh", 5),
	)
	e := cost.NewEvent(cost.Classify(p, stage.Default()), 1, packets.None(bundle.Gap{}))
	got := map[string]float64{}
	for _, d := range e.All.Directions {
		got[d.Name] = d.Share.Value
	}
	for name, want := range map[string]float64{"receive": 15.0 / 70, "transmit": 25.0 / 70, "neither": 30.0 / 70} {
		if math.Abs(got[name]-want) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
	if len(e.All.Receive) != 2 || e.All.Receive[0].Name != "crypto" || len(e.All.LockWordCallers) != 2 {
		t.Errorf("receive %+v, lock-word callers %+v", e.All.Receive, e.All.LockWordCallers)
	}
}
