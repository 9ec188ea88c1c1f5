package finding

import (
	"testing"

	"xfrmscope/analyze/cost"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

func TestLocks(t *testing.T) {
	const ns = "ns/packet"
	quiet, unread := value(0.1, 0, ns), none(ns)
	named := func(name string, wait, contention, bounce metric.Value) result.Lock {
		return result.Lock{Lock: "0x7", Name: name, PerPkt: wait, Contention: contention, Bounce: bounce}
	}
	probed := func(mode string, spin float64, locks ...result.Lock) *result.Run {
		all := result.CPU{PerPacket: value(1000, 5, ns), SpinShare: value(spin, 0.01, "ratio")}
		if spin == 0 {
			all.SpinShare.SE = 0
		}
		all.Busy.Samples = 900
		r := sampled(mode, 4, "nanoseconds", all)
		r.Locks.Rows = locks
		return r
	}
	word := func(n int, share, cost float64, spin ...result.Share) *result.Run {
		callers := []result.Share{{Name: "xfrm_output_resume", Share: value(share, 0.0002, "ratio"),
			PerPacket: value(cost, 0.5, ns)}}
		return sampled("pcpu", n, "cycles", result.CPU{PerPacket: value(1000, 5, ns), SpinShare: none("ratio"),
			LockWordCallers: callers, SpinCallers: spin})
	}
	floored := named("a", quiet, unread, value(25, 2, ns))
	floored.Floor = &result.Floor{Of: "all locks"}
	claims(t, locks(inModes(
		probed("shared", 0.4,
			named("x->lock SPI 0x1000", value(300, 0, ns), value(0.4, 0.01, "ratio"), unread),
			named("", value(30, 0, ns), unread, unread)),
		probed("pcpu", 0,
			named("x->lock SPI 0x1001", quiet, value(0.0001, 0.0001, "ratio"), value(25, 2, ns)),
			named("x->lock SPI 0x1002", quiet, value(0, 0.0001, "ratio"), value(8, 2, ns))),
		probed("guest", 0, named("timer_bases", value(500, 0, ns), unread, unread)),
		probed("agreed", 0.4, named("timer_bases", value(500, 0, ns), unread, unread)),
		probed("quiet", 0, named("a", value(1, 0, ns), unread, unread)),
		probed("other floor", 0, floored),
		probed("no waits", 0, named("a", unread, unread, value(25, 2, ns))),
	)),
		"shared on 4 CPUs: x->lock SPI 0x1000 and 1 lock without a name spin: somebody holds it",
		"pcpu on 4 CPUs: x->lock SPI 0x1001 is hardly waited for, but slower than on 1 CPU, as by a cache "+
			"line from another",
		"guest on 4 CPUs: timer_bases spins: somebody holds it; but samples put 0.33 % of busy time at most "+
			"in slow paths",
		"agreed on 4 CPUs: timer_bases spins: somebody holds it",
	)
	unclear := "the lock taken by xfrm_output_resume is hardly waited for; the instruction or the cache line, " +
		"samples cannot tell"
	bounces := "the lock taken by xfrm_output_resume is hardly waited for, but slower than on 1 CPU, as by a " +
		"cache line from another"
	iova := word(1, 0.0196, 20, result.Share{Name: "alloc_iova", Share: value(0.0121, 0.0002, "ratio")})
	claims(t, locks(inModes(iova)), "pcpu on 1 CPU: "+unclear)
	for _, tt := range []struct {
		name            string
		share, cost, of float64 // at 4 CPUs, and the cost on one
		want            []string
	}{
		{"risen", 0.04, 40, 20, []string{"pcpu on 4 CPUs: " + bounces}},
		{"as on one", 0.04, 40, 38, []string{"pcpu on 4 CPUs: " + unclear}},
		{"under the floor", 0.0102, 10, 0, nil},
	} {
		one, four := word(1, 0.02, tt.of), word(4, tt.share, tt.cost)
		r := &result.Result{Runs: []*result.Run{one, four},
			Curves: []result.Curve{{Mode: "pcpu", Runs: []int{0, 1}}}}
		claims(t, locks(r), tt.want...)
	}
}

// The fast path of a caller is set against the highest run of one CPU of its mode.
func TestWordFloor(t *testing.T) {
	run := func(mode string, n int, word uint64) *result.Run {
		p := result.Packets{Rate: metric.Value{ID: metric.RateID, Value: 1e6, Unit: "packets/s"}}
		e := cost.NewEvent(cost.Classify(testrun.Profile(
			testrun.At(0, "xfrm_output_resume;_raw_spin_lock_bh", word),
			testrun.At(0, "xfrm_output_resume", 900),
		), stage.Default()), 1, p)
		return &result.Run{Mode: mode, N: n, Events: []*result.Event{e}}
	}
	four := run("pcpu", 4, 40)
	all := []*result.Run{run("pcpu", 1, 10), run("pcpu", 1, 12), run("shared", 1, 30), four}
	caller := takers(all, four)[0]
	testrun.WantValue(t, "on 4 CPUs", caller.cost, 40)
	testrun.WantValue(t, "on 1 CPU", caller.floor, 12)
	if one := takers(all, all[0])[0]; one.floor.Measured() {
		t.Errorf("one CPU is measured against itself: %+v", one.floor)
	}
	if got := wordFloor(all, four, four.Events[0].Name, "another"); !got.Measured() || got.Value != 0 {
		t.Errorf("a caller without a sample on one CPU: %+v, want 0", got)
	}
}

func TestOutside(t *testing.T) {
	spinners := func(mode string, callers ...result.Share) *result.Run {
		return sampled(mode, 8, "cycles", result.CPU{SpinCallers: callers})
	}
	limited := spinners("pcpu",
		result.Share{Name: "alloc_iova", Share: value(0.0121, 0.0002, "ratio")},
		result.Share{Name: "xfrm_output_resume", Share: value(0.2, 0.001, "ratio")})
	limited.Gates = []result.Gate{{ID: bundle.GatePause, Status: result.GateFailed, HeldBack: true,
		Evidence: "10542401 pause frames"}}
	r := inModes(limited, spinners("shared", result.Share{Name: "x", Share: value(0.012, 0.002, "ratio")}))
	r.Curves[0].Ceiling = ceilingAt(0.998, 8)
	claims(t, outside(r), "pcpu on 8 CPUs: outside XFRM: it is at the ceiling of the path without IPsec, "+
		"the next machine paused this one and DMA/IOMMU spins 1.21 +- 0.04 % of busy time")
}
