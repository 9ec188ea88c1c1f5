package analyze

import (
	"fmt"
	"strings"
	"testing"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/cost"
	"xfrmscope/analyze/curves"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/sides"
	"xfrmscope/analyze/stage"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/finding"
)

const coreCycles, atomCycles = "cpu_core/cycles:k/", "cpu_atom/cycles:k/"

// hybridRun is CPU 0 of the one kind, and of the other CPU 16 where n is 2: of known
// samples a packet in two stages.
func hybridRun(mode string, n, repeat int, coreOutput, atomOutput uint64) *result.Run {
	rate := func(v float64) metric.Value { return metric.Value{ID: metric.RateID, Value: v, Unit: "packets/s"} }
	r := &result.Run{Name: fmt.Sprintf("%s n=%d #%d", mode, n, repeat), Mode: mode, N: n,
		Labels:   map[string]string{"mode": mode, "repeat": fmt.Sprint(repeat)},
		Manifest: bundle.Manifest{Plan: bundle.Plan{CPUs: bundle.CPUSet{0}}},
		Packets: result.Packets{Source: "SA counters, outbound", Rate: rate(1e6),
			PerCPU: []result.CPUValue{{CPU: 0, Value: rate(1e6)}}}}
	rows := map[string][]testrun.Row{coreCycles: {testrun.At(0, "xfrm_state_find", 1000),
		testrun.At(0, "xfrm_output", coreOutput+uint64(repeat))}}
	events := []string{coreCycles}
	if n == 2 {
		r.Packets.Rate.Value = 1.25e6
		r.Packets.PerCPU = append(r.Packets.PerCPU, result.CPUValue{CPU: 16, Value: rate(0.25e6)})
		rows[atomCycles] = []testrun.Row{testrun.At(16, "xfrm_state_find", 500),
			testrun.At(16, "xfrm_output", atomOutput+uint64(repeat))}
		events = append(events, atomCycles)
	}
	for _, name := range events {
		p := testrun.Profile(rows[name]...)
		p.Event.Name, p.Event.Unit = name, "cycles"
		r.Events = append(r.Events, cost.NewEvent(cost.Classify(p, stage.Default()), 1, r.Packets))
	}
	cost.ByOwnPackets(r)
	return r
}

func hybridSweep(coreOutput, atomOutput uint64) *result.Result {
	r := &result.Result{Schema: result.SchemaVersion}
	for _, n := range []int{1, 2} {
		for i := range 5 {
			output := coreOutput
			if n == 1 {
				output = 1000
			}
			r.Runs = append(r.Runs, hybridRun("pcpu", n, i, output, atomOutput))
		}
	}
	r.Curves = curves.New(r.Runs)
	return r
}

// Cycles of each PMU are per packet of its own CPUs; where these are not told, per
// packet of all, and said.
func TestHybridCost(t *testing.T) {
	r := hybridRun("pcpu", 2, 0, 1000, 500)
	for i, want := range []float64{2000, 4000} { // of 2e9 and 1e9 cycles by 1 and 0.25 M packets
		testrun.WantValue(t, r.Events[i].Name, r.Events[i].All.PerPacket, want)
		testrun.WantValue(t, r.Events[i].Name+" by CPU", r.Events[i].CPUs[0].PerPacket, want)
		if basis := r.Events[i].All.PerPacket.Basis; basis != "" {
			t.Errorf("basis %q", basis)
		}
	}
	r.Packets.PerCPU = nil
	e := cost.NewEvent(cost.Classify(r.Events[1].Profile, stage.Default()), 1, r.Packets)
	r.Events[1] = e
	cost.ByOwnPackets(r)
	testrun.WantValue(t, "by all packets", e.All.PerPacket, 800)
	if e.All.PerPacket.Basis != metric.OfAllPackets {
		t.Errorf("basis %q, want that it is over all packets", e.All.PerPacket.Basis)
	}
}

// A curve has the cost of each PMU, from the smallest N on at which it was sampled.
func TestHybridCurve(t *testing.T) {
	runs := hybridSweep(1500, 500).Runs
	for i := range 5 {
		more := hybridRun("pcpu", 2, i, 2500, 1000)
		more.N = 4
		runs = append(runs, more)
	}
	c := curves.New(runs)[0]
	costs := c.Costs()
	if len(costs) != 2 || costs[0].Event != coreCycles || costs[1].Event != atomCycles {
		t.Fatalf("costs %+v, want those of both PMUs", costs)
	}
	for i, want := range []string{"N=1 to 2 500, N=1 to 4 1500, ", "N=2 to 4 2000, "} {
		got := ""
		for _, b := range costs[i].StageBreakdowns {
			got += fmt.Sprintf("N=%d to %d %.0f, ", b.Base, b.N, b.Total.Delta.Value)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", costs[i].Event, got, want)
		}
		for _, f := range costs[i].Falls {
			if f.Missing == nil {
				t.Errorf("fall %+v: packets/s are laid to one PMU", f)
			}
		}
	}
	claims := ""
	for _, f := range finding.All(&result.Result{Runs: runs, Curves: []result.Curve{c}}) {
		claims += f.Claim + "\n"
	}
	for _, event := range []string{coreCycles, atomCycles} {
		if !strings.Contains(claims, "more cycles of "+event) {
			t.Errorf("the cost of %s is not in\n%s", event, claims)
		}
	}
}

// A curve over N of costs that are not over the PMU's own packets says so.
func TestHybridCurveOfAllPackets(t *testing.T) {
	r := hybridSweep(1500, 500)
	for _, run := range r.Runs[5:] {
		for _, e := range run.Events {
			e.All.PerPacket.Basis = metric.OfAllPackets
		}
	}
	c := curves.New(r.Runs)[0]
	for _, notes := range [][]compare.Reason{c.StageBreakdowns[0].Notes, c.FunctionBreakdown.Notes,
		c.Frames.Notes} {
		if why := compare.Noted(notes, compare.OtherBasis); !strings.Contains(why, "in 5 of 10 runs") {
			t.Errorf("notes %v", notes)
		}
	}
}

// Each PMU's numbers are rows of their own, and each is judged.
func TestHybridCompare(t *testing.T) {
	r, err := sides.Compare(hybridSweep(1000, 500), hybridSweep(800, 600), sides.CompareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c, effects := r.Comparison, ""
	for _, h := range c.Headline {
		effects += fmt.Sprintf("%s %s %s\n", h.C.Metric, h.Of.Name, h.C.Effect)
	}
	if want := "packet_rate  \ncost_per_packet " + coreCycles + " better\ncost_per_packet " + atomCycles +
		" worse\n"; effects != want {
		t.Errorf("headlines\n%s\nwant\n%s", effects, want)
	}
	for _, table := range [][]result.CompareFamily{c.Costs, c.Stages} {
		if len(table) < 2 || table[0].Event != coreCycles || table[1].Event != atomCycles {
			t.Errorf("families %+v, want one a PMU", table)
		}
	}
	if len(c.Functions) != 2 || c.Functions[1].Event != atomCycles {
		t.Errorf("functions of %d events", len(c.Functions))
	}
	worse := ""
	for _, w := range c.Worse {
		worse += w.C.Metric + " " + w.Of.String() + "\n"
	}
	for _, want := range []string{"cost_per_packet event " + atomCycles + "\n",
		"stage XFRM output, " + atomCycles + "\n", "function xfrm_output, " + atomCycles + "\n"} {
		if !strings.Contains(worse, want) || strings.Contains(worse, coreCycles) {
			t.Errorf("worse, want %q:\n%s", want, worse)
		}
	}
	judged := ""
	condition, err := sides.ParseCondition("cost_per_packet>5%")
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range condition.Judge(r) {
		judged += fmt.Sprintf("%s %s\n", j.Of.Name, j.Outcome)
	}
	if want := coreCycles + " ok\n" + atomCycles + " regression\n"; judged != want {
		t.Errorf("judged\n%s\nwant\n%s", judged, want)
	}
	claims := ""
	for _, f := range finding.Moved(r) {
		claims += f.Claim + "\n"
	}
	if !strings.Contains(claims, "N=2, "+coreCycles+": removed") {
		t.Errorf("claims %s", claims)
	}
}

// What only one of the PMUs has is found: samples lost, and who takes a lock.
func TestHybridFindings(t *testing.T) {
	r := hybridRun("pcpu", 2, 0, 1000, 500)
	p := testrun.Profile(testrun.At(16, "dev_hard_start_xmit;_raw_spin_lock;native_queued_spin_lock_slowpath", 500),
		testrun.At(16, "xfrm_input;_raw_spin_lock", 100), testrun.At(16, "xfrm_output", 400))
	p.Event.Name, p.Event.Unit = atomCycles, "cycles"
	r.Events[1] = cost.NewEvent(cost.Classify(p, stage.Default()), 1, r.Packets)
	r.Events[1].Losses = []bundle.Loss{{Kind: bundle.LossSamples, What: "samples", Count: 500}}
	if g := checks.LostGate(r); g.Status != result.GateFailed || !strings.Contains(g.Evidence, atomCycles) {
		t.Errorf("gate %+v, want that samples of %s were lost", g, atomCycles)
	}
	all := ""
	for _, f := range finding.All(&result.Result{Runs: []*result.Run{r},
		Curves: curves.New([]*result.Run{r})}) {
		all += f.Claim + "\n" + strings.Join(f.Evidence, "\n") + "\n"
	}
	for _, want := range []string{"the lock taken by xfrm_input (" + atomCycles + ")",
		"spins 50.0 +- 3.1 % of busy time by " + atomCycles} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in\n%s", want, all)
		}
	}
}
