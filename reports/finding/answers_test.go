package finding

import (
	"strings"
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

func value(v, se float64, unit string) metric.Value {
	return metric.Value{Value: v, SE: se, Unit: unit, Samples: 1000}
}

func none(unit string) metric.Value {
	return metric.NotMeasured("x", unit, bundle.Gap{What: "x", Why: "no probe"})
}

// claims checks that findings come with all they need, and compares claims.
func claims(t *testing.T, got []result.Finding, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d findings, want %d: %+v", len(got), len(want), got)
	}
	for i, f := range got {
		if f.Claim != want[i] {
			t.Errorf("claim %d = %q\nwant %q", i, f.Claim, want[i])
		}
		if f.ID == "" || len(f.Evidence) == 0 || f.NotProven == "" || f.Next == "" {
			t.Errorf("finding %+v: it needs an id, evidence, what it does not prove and what to do next", f)
		}
		for _, line := range append(f.Evidence, f.Claim) {
			if strings.Contains(line, "%!") || strings.Contains(line, "NaN") {
				t.Errorf("%s: %q", f.ID, line)
			}
		}
	}
}

// inModes is a Result of a run for each mode, with its curve.
func inModes(runs ...*result.Run) *result.Result {
	r := &result.Result{Runs: runs}
	for i, run := range runs {
		if run.Name == "" {
			run.Name = run.Mode
		}
		r.Curves = append(r.Curves, result.Curve{Mode: run.Mode, Runs: []int{i}})
	}
	return r
}

// sampled is a run with one event of what of all CPUs together is known.
func sampled(mode string, n int, unit string, all result.CPU) *result.Run {
	e := &result.Event{Name: "cpu-clock", Unit: unit, All: all}
	return &result.Run{Name: mode, Mode: mode, N: n, Events: []*result.Event{e}}
}

func TestCache(t *testing.T) {
	empty := func(share float64) *result.Run {
		return &result.Run{Name: "pcpu n=4", Manifest: bundle.Manifest{Host: bundle.Host{Kernel: "7.3.4"}},
			Lookups: &result.Lookups{
				CacheEmpty: value(share, 0, "ratio"), Walk: value(5, 0, "SAs"),
				Mean: value(120, 2, "ns"),
			}}
	}
	unread := &result.Run{Lookups: &result.Lookups{CacheEmpty: none("ratio")}}
	for _, tt := range []struct {
		runs []*result.Run
		want []string
	}{
		{[]*result.Run{empty(1), unread, empty(1)},
			[]string{"7.3.4: the policy's list of cached SAs was empty in 2000 of 2000 lookups on this " +
				"kernel"}},
		{[]*result.Run{empty(0.01)},
			[]string{"7.3.4: the policy's list of cached SAs was empty in 10 of 1000 lookups on this " +
				"kernel"}},
		{[]*result.Run{unread, {}}, nil},
	} {
		claims(t, cache(&result.Result{Runs: tt.runs}), tt.want...)
	}
}

func TestSharedLines(t *testing.T) {
	run := &result.Run{Manifest: bundle.Manifest{Host: bundle.Host{Kernel: "6.18"}},
		Layouts: []result.Layout{{Struct: "xfrm_state", Fields: []result.LayoutField{
			{Name: "bydst", Offset: 8, Line: 0, Use: "read", Access: result.EveryCPU},
			{Name: "refcnt", Offset: 104, Line: 1, Use: "written by every packet",
				Access: result.EveryPacket},
			{Name: "pcpu_num", Offset: 112, Line: 1, Use: "read", Access: result.EveryCPU},
			{Name: "replay", Offset: 468, Line: 7, Use: "written by every packet",
				Access: result.EveryPacket},
		}}}}
	claims(t, sharedLines(&result.Result{Runs: []*result.Run{run, run}}),
		"struct xfrm_state of 6.18: line 1 holds refcnt, which packets write, and pcpu_num, which every CPU "+
			"reads")
}

func TestDrift(t *testing.T) {
	run := func(name string, moves ...result.Drift) *result.Run { return &result.Run{Name: name, Drift: moves} }
	of := func(runs ...*result.Run) *result.Result { return &result.Result{Runs: runs} }
	move := result.Drift{Topic: "irq", Subject: "eth0-rx-1", Name: "affinity", Start: "1", End: "3"}
	claims(t, drift(of(run("a", move), run("b"))), "a: placement moved during the run (1 facts)")
	claims(t, drift(of(run("a", move), run("b", move))), "placement moved during 2 of 2 runs (2 facts)")
	claims(t, drift(of(run("a"))))
}

func TestInbound(t *testing.T) {
	run := func(rows ...result.Inbound) *result.Result {
		return &result.Result{Runs: []*result.Run{{Name: "a", Lookups: &result.Lookups{Inbound: rows}},
			{Name: "unread"}}}
	}
	claims(t, inbound(run(
		result.Inbound{SPI: 0x2001, CPUs: []int{0, 1}, Packets: []uint64{500, 500}},
		result.Inbound{SPI: 0x2002, CPUs: []int{1}, Packets: []uint64{900}},
		result.Inbound{SPI: 0x2003, CPUs: []int{0, 1}, Packets: []uint64{100000, 1}},
	)), "1 of 3 inbound SPIs are received on several CPUs: each change of CPU takes the namespace's "+
		"xfrm_state_lock (6.13 on)")
	claims(t, inbound(run()))
}

func TestIdle(t *testing.T) {
	run := func(mode, unit string, idle ...float64) *result.Run {
		r := sampled(mode, len(idle), unit, result.CPU{})
		for cpu, share := range idle {
			r.Events[0].CPUs = append(r.Events[0].CPUs, result.CPU{
				CPU: cpu, Total: metric.Estimate{Period: 1000},
				Idle: metric.Estimate{Period: 1000 * share},
			})
		}
		return r
	}
	claims(t, idle(inModes(run("busy", "nanoseconds", 0.01, 0.05), run("half", "nanoseconds", 0.5, 0),
		run("cycles", "cycles", 0.5))),
		"half: 1 of 2 CPUs had time to spare and were not the limit")
}

func TestSACPU(t *testing.T) {
	sa := func(spi uint32, cpu int, packets uint64) result.SA {
		s := result.SA{SA: bundle.SA{SPI: spi}, Outbound: true, DeltaPackets: packets}
		if cpu >= 0 {
			s.PCPU = testrun.PCPU(uint32(cpu))
		}
		return s
	}
	run := func(cpus []int, sas ...result.SA) *result.Run {
		return &result.Run{Name: "pcpu n=2", Mode: "pcpu",
			Manifest: bundle.Manifest{Plan: bundle.Plan{CPUs: cpus}}, SAs: sas}
	}
	rekeyed := run([]int{0, 1}, sa(1, 0, 10), sa(2, 1, 10), sa(3, 1, 0))
	rekeyed.SAs[2].Reset = true
	rekeyed.Lookups = &result.Lookups{Fallback: value(0.2, 0.01, "ratio"), WrongCPU: value(0, 0, "ratio")}
	for _, tt := range []struct {
		name  string
		runs  []*result.Run
		claim string   // "": no finding
		want  []string // in the evidence, in order
	}{
		{"as meant", []*result.Run{run([]int{0, 1}, sa(0x1000, -1, 3), sa(0x1001, 0, 5000),
			sa(0x1002, 1, 5000))}, "", nil},
		{"shared on purpose", []*result.Run{run([]int{0, 1}, sa(0x1000, -1, 9000))}, "", nil},
		{"no traffic", []*result.Run{run([]int{0}, sa(0x1001, 0, 0))}, "", nil},
		{"fallback and a CPU without",
			[]*result.Run{run([]int{0, 1}, sa(0x1000, -1, 1000), sa(0x1001, 0, 3000))},
			"pcpu n=2: not every CPU sends all on one SA of its own",
			[]string{"1000 of 4000 packets (25.0 %)", "CPU 1 has no SA"}},
		{"idle and duplicate",
			[]*result.Run{run([]int{0, 1}, sa(0x1001, 0, 10), sa(0x1002, 1, 0), sa(0x1003, 0, 5))},
			"pcpu n=2: not every CPU sends all on one SA of its own",
			[]string{"CPU 0 has 2 SAs (0x1001, 0x1003)", "CPU 1: its SA 0x1002 carried nothing"}},
		{"lookups of two runs", []*result.Run{rekeyed, rekeyed},
			"pcpu: in 2 of 2 runs not every CPU sends all on one SA of its own", []string{
				"pcpu n=2: CPU 1 has 2 SAs (0x2, 0x3), one of them made in the window: a rekey",
				"pcpu n=2: 20.0 +- 2.0 % of 1000 lookups returned the fallback SA", "", "",
			}},
	} {
		got := saCPU(&result.Result{Runs: tt.runs})
		if tt.claim == "" {
			claims(t, got)
			continue
		}
		claims(t, got, tt.claim)
		if len(got[0].Evidence) != len(tt.want) {
			t.Errorf("%s: evidence %q, want %d lines", tt.name, got[0].Evidence, len(tt.want))
			continue
		}
		for i, want := range tt.want {
			if !strings.Contains(got[0].Evidence[i], want) {
				t.Errorf("%s: evidence %q, want %q in it", tt.name, got[0].Evidence[i], want)
			}
		}
	}
}
