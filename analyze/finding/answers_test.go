package finding

import (
	"slices"
	"strings"
	"testing"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
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

func TestLocks(t *testing.T) {
	cost := value(1000, 5, "ns/packet")
	quiet, none, ns := value(0.1, 0, "ns/packet"), none("ns/packet"), "ns/packet"
	word := func(share, cost float64, floor metric.Value) []LockCaller {
		return []LockCaller{{Name: "xfrm_output_resume", Word: value(share, 0.0002, "ratio"), Cost: value(cost, 0.5, ns), Floor: floor}}
	}
	claims(t, Locks([]LockPoint{
		{Mode: "shared", N: 4, Cost: cost, Locks: []LockFacts{
			{Name: "x->lock SPI 0x1000", Named: true, Wait: value(300, 0, ns), Contention: value(0.4, 0.01, "ratio"), Bounce: none},
			{Name: "lock 0x7", Wait: value(30, 0, ns), Contention: none, Bounce: none},
		}},
		{Mode: "pcpu", N: 4, Cost: cost, Locks: []LockFacts{
			{Name: "x->lock SPI 0x1001", Named: true, Wait: quiet, Contention: value(0.0001, 0.0001, "ratio"), Bounce: value(25, 2, ns)},
			{Name: "x->lock SPI 0x1002", Named: true, Wait: quiet, Contention: value(0, 0.0001, "ratio"), Bounce: value(8, 2, ns)},
		}},
		{Mode: "guest", N: 4, Cost: cost, Spin: value(0, 0, "ratio"), Busy: 900, Locks: []LockFacts{{Name: "timer_bases", Named: true, Wait: value(500, 0, ns), Contention: none, Bounce: none}}},
		{Mode: "agreed", N: 4, Cost: cost, Spin: value(0.4, 0.01, "ratio"), Busy: 900, Locks: []LockFacts{{Name: "timer_bases", Named: true, Wait: value(500, 0, ns), Contention: none, Bounce: none}}},
		{Mode: "quiet", N: 4, Cost: cost, Locks: []LockFacts{{Name: "a", Named: true, Wait: value(1, 0, ns), Contention: none, Bounce: none}}},
		{Mode: "other floor", N: 4, Cost: cost, Locks: []LockFacts{{Name: "a", Named: true, Wait: quiet, Contention: none, Bounce: value(25, 2, ns), OtherFloor: "all locks"}}},
		{Mode: "no waits", N: 4, Cost: cost, Locks: []LockFacts{{Name: "a", Named: true, Wait: none, Contention: none, Bounce: value(25, 2, ns)}}},
		{Mode: "one", N: 1, Cost: none, Callers: MergeCallers(
			[]LockCaller{{Name: "alloc_iova", Spin: value(0.0121, 0.0002, "ratio")}},
			append(word(0.0196, 20, none), LockCaller{Name: "alloc_iova", Word: value(0.001, 0.0001, "ratio")}),
		)},
		{Mode: "risen", N: 4, Cost: none, Callers: MergeCallers(nil, word(0.04, 40, value(20, 0.5, ns)))},
		{Mode: "as on one", N: 4, Cost: none, Callers: MergeCallers(nil, word(0.04, 40, value(38, 0.5, ns)))},
		{Mode: "under the floor", N: 4, Cost: none, Callers: MergeCallers(nil, word(0.0102, 10, value(0, 0, ns)))},
	}),
		"shared on 4 CPUs: x->lock SPI 0x1000 and 1 lock without a name spin: somebody holds it",
		"pcpu on 4 CPUs: x->lock SPI 0x1001 is hardly waited for, but slower than on 1 CPU, as by a cache line from another",
		"guest on 4 CPUs: timer_bases spins: somebody holds it; but samples put 0.33 % of busy time at most in slow paths",
		"agreed on 4 CPUs: timer_bases spins: somebody holds it",
		"one on 1 CPU: the lock taken by xfrm_output_resume is hardly waited for; the instruction or the cache line, samples cannot tell",
		"risen on 4 CPUs: the lock taken by xfrm_output_resume is hardly waited for, but slower than on 1 CPU, as by a cache line from another",
		"as on one on 4 CPUs: the lock taken by xfrm_output_resume is hardly waited for; the instruction or the cache line, samples cannot tell",
	)
}

func TestNotXFRM(t *testing.T) {
	claims(t, NotXFRM([]LimitPoint{
		{Mode: "pcpu", N: 8, AtCeiling: "0.998 of the rate without IPsec (plain), from N=8 on", Failed: []FailedGate{{"pause", "10542401 pause frames"}},
			Spinners: []Spinner{{Stage: "DMA/IOMMU", Caller: "alloc_iova", Share: value(0.0121, 0.0002, "ratio")}, {Stage: "XFRM output", Caller: "xfrm_output_resume", XFRM: true, Share: value(0.2, 0.001, "ratio")}}},
		{Mode: "shared", N: 8, Spinners: []Spinner{{Stage: "qdisc", Caller: "x", Share: value(0.012, 0.002, "ratio")}}},
	}), "pcpu on 8 CPUs: outside XFRM: it is at the ceiling of the path without IPsec, the next machine paused this one and DMA/IOMMU spins 1.21 +- 0.02 % of busy time")
}

func TestCache(t *testing.T) {
	empty := func(share float64) CachePoint {
		return CachePoint{Run: "pcpu n=4", Kernel: "7.3.4", Empty: value(share, 0, "ratio"), Walk: value(5, 0, "SAs"), Mean: value(120, 2, "ns")}
	}
	unread := CachePoint{Run: "old", Kernel: "6.1", Empty: none("ratio")}
	claims(t, Cache([]CachePoint{empty(1), unread, empty(1)}), "7.3.4: the policy's list of cached SAs is never used: all 2000 lookups found it empty and walked the hash bucket")
	claims(t, Cache([]CachePoint{empty(0.9)}), "7.3.4: the policy's list of cached SAs was empty in 90.0 % of 1000 lookups")
	claims(t, Cache([]CachePoint{empty(0.01)}), "7.3.4: the policy's list of cached SAs is in use: it was empty in 1.00 % of 1000 lookups")
	claims(t, Cache([]CachePoint{unread}))
}

func TestSharedLines(t *testing.T) {
	state := LayoutFacts{Struct: "xfrm_state", Kernel: "6.18", Fields: []HotField{
		{Name: "bydst", Offset: 8, Line: 0, Use: "read", AllCPUs: true},
		{Name: "refcnt", Offset: 104, Line: 1, Use: "written by every packet", Written: true},
		{Name: "pcpu_num", Offset: 112, Line: 1, Use: "read", AllCPUs: true},
		{Name: "replay", Offset: 468, Line: 7, Use: "written by every packet", Written: true},
	}}
	claims(t, SharedLines([]LayoutFacts{state, state}), "struct xfrm_state of 6.18: line 1 holds refcnt, which packets write, and pcpu_num, which every CPU reads")
}

func TestChange(t *testing.T) {
	table := func(queues ...string) string { return strings.Join(slices.Repeat(queues, 128/len(queues)), " ") }
	for _, test := range []struct{ was, is, want string }{
		{"256 of 4096", "512 of 4096", "256 of 4096 -> 512 of 4096"},
		{"", "udp4 src-port 4500: queue 0", "not there -> udp4 src-port 4500: queue 0"},
		{table("0", "1", "2", "3"), table("0", "1"), "64 of 128 entries are others, from number 2 on: 2 3 0 1 2 3 0 1 2 3 0 1 ... -> 0 1 0 1 0 1 0 1 0 1 0 1 ..."},
		{"0 1", table("0", "1"), "126 of 128 entries are others, from number 2 on:  ... -> 0 1 0 1 0 1 0 1 0 1 0 1 ..."},
	} {
		if got := checks.Change(test.was, test.is); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

func TestDrift(t *testing.T) {
	move := []Move{{"irq", "eth0-rx-1", "affinity", "1", "3"}}
	claims(t, Drift([]DriftFacts{{"a", move}, {"b", nil}}), "a: placement moved during the run (1 facts)")
	claims(t, Drift([]DriftFacts{{"a", move}, {"b", move}}), "placement moved during 2 of 2 runs (2 facts)")
	claims(t, Drift([]DriftFacts{{"a", nil}}))
}

func TestInbound(t *testing.T) {
	claims(t, Inbound([]InboundFacts{{"a", []InboundSPI{{0x2001, []int{0, 1}, []uint64{500, 500}}, {0x2002, []int{1}, []uint64{900}}, {0x2003, []int{0, 1}, []uint64{100000, 1}}}}}),
		"1 of 3 inbound SPIs are received on several CPUs: each change of CPU takes the namespace's xfrm_state_lock (6.13 on)")
	claims(t, Inbound([]InboundFacts{{"a", nil}}))
}

func TestFramesAndWalk(t *testing.T) {
	known := func(v, lo, hi float64) compare.Estimate {
		return compare.Estimate{Value: v, Interval: compare.Interval{Lo: lo, Hi: hi, Level: 0.95}}
	}
	table := &scaling.FrameTable{Unit: "ns/packet", Base: 1, Last: 8, Tested: 12, Stops: 1, Rows: []scaling.FrameRow{
		{Key: "xfrm_state_find", Base: 50, AtLast: 300, Added: 250, Stops: true, Exponent: scaling.Exponent{Slope: known(0.86, 0.7, 1.0)}, First: scaling.First{N: 4}},
		{Key: "esp_output", Base: 50, AtLast: 52, Added: 2},
	}}
	walk := &scaling.Walk{PerSA: known(1.5, 1.2, 1.8), Fixed: known(80, 70, 90), Walks: true, Share: 0.6, Most: 100, Runs: 20}
	points := []GrowthPoint{{Mode: "pcpu", Frames: table, Walk: walk}, {Mode: "plain"}}
	claims(t, Frames(points), "pcpu: 1 of 12 functions tested stop scaling: xfrm_state_find (N^0.86)")
	claims(t, Walk(points), "pcpu: xfrm_state_find is O(SAs): 1.5 ns for each SA in the bucket (95 % interval 1.2 to 1.8), at 100 SAs 60 % of the lookup")
	walk.Walks = false
	claims(t, Walk(points), "pcpu: xfrm_state_find was not shown to get slower with SAs: 1.5 ns for each SA in the bucket (95 % interval 1.2 to 1.8)")
}

func TestMoved(t *testing.T) {
	// half is half the width of the interval of the difference.
	row := func(before, after, half float64, star bool) compare.Comparison {
		c := compare.Comparison{
			Unit: "ns/packet", Star: star, Before: compare.Summary{Median: before}, After: compare.Summary{Median: after},
			Difference: compare.Estimate{Value: after - before, Interval: compare.Interval{Lo: after - before - half, Hi: after - before + half, Level: 0.95}},
			Ratio:      compare.Estimate{Value: after / before, Interval: compare.Interval{Lo: (after - half) / before, Hi: (after + half) / before, Level: 0.95}},
		}
		return c
	}
	changed := func(before, after float64) compare.Comparison { return row(before, after, 1, before != after) }
	point := func(rate float64, parts ...Part) MovePoint {
		before, after := 0.0, 0.0
		for _, p := range parts {
			before, after = before+p.C.Before.Median, after+p.C.After.Median
		}
		p := MovePoint{Mode: "shared", N: 8, Rate: changed(1000, 1000*rate), Cost: changed(before, after), Parts: parts}
		if rate > 1 {
			p.Rate.Effect = "better"
		}
		return p
	}
	lock, find, crypto := Part{"XFRM input", changed(600, 200)}, Part{"SA lookup", changed(100, 400)}, Part{"crypto", changed(300, 300)}
	// One stage fell, and four took it over, each too little for a star.
	spread := point(1, Part{"XFRM input", changed(600, 500)},
		Part{"a", row(50, 75, 30, false)}, Part{"b", row(50, 75, 30, false)}, Part{"c", row(50, 75, 30, false)}, Part{"d", row(50, 75, 30, false)})
	vague := spread
	vague.Cost = row(800, 800, 90, false)
	half := point(1.66, lock, crypto)
	half.Cost = row(900, 600, 200, true)
	unmoved := point(1.2, lock, crypto) // packets/s that scatter do not mask
	unmoved.Rate = row(1000, 1200, 400, false)
	claims(t, Moved([]MovePoint{
		point(1.66, lock, crypto),
		point(1.1, lock, find, crypto),
		point(1.05, lock, crypto),
		spread, vague, half, unmoved,
		point(1, crypto),
	}),
		"shared at N=8: removed: XFRM input fell by 400 ns/packet, the whole packet by 399 or more",
		"shared at N=8: moved: XFRM input fell by 400 ns/packet, SA lookup rose by 300",
		"shared at N=8: masked: XFRM input fell by 400 ns/packet, but packets/s rose by 5.0 % where 44.4 % less cost would give 80.0 %: something else limits",
		"shared at N=8: moved: XFRM input fell by 100 ns/packet, the whole packet by 1 at most: the rest came back in parts too small to show one by one",
		"shared at N=8: not decided: XFRM input fell by 100 ns/packet; that the whole packet fell is not shown (by -90 to 90)",
		"shared at N=8: not decided: XFRM input fell by 400 ns/packet; the whole packet fell by 100 to 500: how much came back is open",
		"shared at N=8: removed: XFRM input fell by 400 ns/packet, the whole packet by 399 or more",
	)
	if f := Moved([]MovePoint{unmoved})[0]; !strings.Contains(f.NotProven, "no rise of packets/s is shown") {
		t.Errorf("not proven %q, want that packets/s rose", f.NotProven)
	}

	// The wait moves from one lock to another of the same stage.
	locks := point(1, Part{"SA lookup", changed(600, 600)})
	locks.Waits = changed(300, 300)
	locks.Locks = []Part{{"x->lock", changed(300, 20)}, {"xfrm_state_lock", changed(0, 280)}}
	cycles := locks
	cycles.Cost.Unit, cycles.Waits = "cycles/packet", row(300, 120, 10, true)
	cycles.Locks = []Part{{"x->lock", changed(300, 100)}}
	claims(t, Moved([]MovePoint{locks, cycles}),
		"shared at N=8: moved: waits for x->lock fell by 280 ns/packet, waits for xfrm_state_lock rose by 280",
		"shared at N=8: removed: waits for x->lock fell by 200 ns/packet, all lock waits by 170 or more",
	)
}

func TestSACPUOfLookups(t *testing.T) {
	run := SATraffic{Run: "pcpu n=2", Mode: "pcpu", CPUs: []int{0, 1}, SAs: []OutboundSA{{SPI: 1, CPU: 0, Packets: 10}, {SPI: 2, CPU: 1, Packets: 10}, {SPI: 3, CPU: 1, New: true}},
		Fallback: value(0.2, 0.01, "ratio"), WrongCPU: value(0, 0, "ratio")}
	got := SACPU([]SATraffic{run, run})
	claims(t, got, "pcpu: in 2 of 2 runs not every CPU sends all on one SA of its own")
	for i, want := range []string{"pcpu n=2: CPU 1 has 2 SAs (0x2, 0x3), one of them made in the window: a rekey", "pcpu n=2: 20.0 +- 1.0 % of 1000 lookups returned the fallback SA"} {
		if !strings.HasPrefix(got[0].Evidence[i], want) {
			t.Errorf("evidence %d = %q, want %q", i, got[0].Evidence[i], want)
		}
	}
}
