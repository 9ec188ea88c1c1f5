package finding

import (
	"strings"
	"testing"

	"xfrmscope/analyze/cost"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

// profiled is a run with samples of one event, analysed.
func profiled(event string, rows ...testrun.Row) *result.Run {
	return &result.Run{Name: "a", N: 1, Events: []*result.Event{analysed(event, rows...)}}
}

func analysed(event string, rows ...testrun.Row) *result.Event {
	p := testrun.Profile(rows...)
	p.Event.Name, p.Event.Unit = event, "count"
	return cost.NewEvent(cost.Classify(p, stage.Default()), 1, result.Packets{Rate: none("packets/s")})
}

// Of an event that is no time, nothing is said of busy time, idleness or
// spinning, whatever functions its samples stand in.
func TestEventsThatAreNoTime(t *testing.T) {
	rows := []testrun.Row{
		testrun.At(0, "xfrm_output_resume;_raw_spin_lock_bh;native_queued_spin_lock_slowpath", 60),
		testrun.At(0, "xfrm_input;_raw_spin_lock", 20),
		testrun.At(1, "alloc_iova;_raw_spin_lock_irqsave;native_queued_spin_lock_slowpath", 20),
	}
	for event, claim := range map[string]string{
		"L1-dcache-load-misses": "a on 1 CPU: 100 samples of L1-dcache-load-misses fell in " +
			"native_queued_spin_lock_slowpath (80 %) and _raw_spin_lock (20 %)",
		"skb:kfree_skb": "a on 1 CPU: 100 samples of skb:kfree_skb fell in " +
			"native_queued_spin_lock_slowpath (80 %) and _raw_spin_lock (20 %)",
		"lock:contention_begin": "a on 1 CPU: 100 waits for locks began; callers of contention: " +
			"xfrm_output_resume (60 %), alloc_iova (20 %) and xfrm_input (20 %)",
		"cycles:k": "a: 80.0 +- 7.8 % of busy time on 1 CPU spins on locks, " +
			"entered from xfrm_output_resume (75 % of it), alloc_iova (25 % of it)",
		bundle.UnnamedEvent: "a: 80.0 +- 7.8 % of samples on 1 CPU spins on locks, " +
			"entered from xfrm_output_resume (75 % of it), alloc_iova (25 % of it)",
	} {
		r := &result.Result{Runs: []*result.Run{profiled(event, rows...)},
			Curves: []result.Curve{{Runs: []int{0}}}}
		got := All(r)
		if len(got) == 0 || got[0].Claim != claim {
			t.Errorf("%s: %+v\nwant %q", event, got, claim)
			continue
		}
		for _, f := range got {
			text := f.Claim + " " + strings.Join(f.Evidence, " ") + f.NotProven
			if event != "cycles:k" &&
				(strings.Contains(text, "busy") || strings.Contains(text, "hardly waited") &&
					event != bundle.UnnamedEvent) {
				t.Errorf("%s: %s is said as of time: %s", event, f.ID, text)
			}
		}
	}
}

// Each PMU of a hybrid CPU has samples of its own CPUs, and a claim.
func TestHybrid(t *testing.T) {
	run := profiled("cpu_core/cycles:Pu/",
		testrun.At(5, "xfrm_output_resume;_raw_spin_lock_bh;native_queued_spin_lock_slowpath", 9))
	run.Events = append(run.Events, analysed("cpu_atom/cycles:Pu/", testrun.At(17, "xfrm_state_find", 4)),
		analysed("cache-misses", testrun.At(17, "xfrm_state_find", 4)),
		analysed("cycles", testrun.At(5, "xfrm_state_find", 4)))
	claims(t, spin(&result.Result{Runs: []*result.Run{run}}),
		"a, cpu_core/cycles:Pu/: 100.0 % of busy time on 1 CPU spins on locks, "+
			"entered from xfrm_output_resume (100 % of it)",
		"a, cpu_atom/cycles:Pu/: none of 4 busy samples on 1 CPU spins on locks",
	)
}

func TestNoIPsec(t *testing.T) {
	layout := []result.Layout{{Struct: "xfrm_state", Fields: []result.LayoutField{
		{Name: "refcnt", Access: result.EveryPacket}, {Name: "pcpu_num", Access: result.EveryCPU},
	}}}
	of := func(mode, stack string) *result.Run {
		r := profiled("cycles:k", testrun.At(0, stack, 9))
		r.Mode, r.Layouts = mode, layout
		return r
	}
	counted := of("", "vfs_read")
	counted.SAs = []result.SA{{DeltaPackets: 1}}
	const none = "no IPsec traffic was seen in this recording: no function of XFRM, ESP or the network is among " +
		"its symbols"
	for _, tt := range []struct {
		name, claim string
		runs        []*result.Run
	}{
		{"files", none, []*result.Run{of("", "vfs_read")}},
		{"a lock of files", none,
			[]*result.Run{of("", "do_futex;futex_wake;_raw_spin_lock;native_queued_spin_lock_slowpath")}},
		{"a network", strings.Replace(none, "XFRM, ESP or the network", "XFRM or ESP", 1),
			[]*result.Run{of("", "tcp_sendmsg")}},
		{"one of two", "a: " + none, []*result.Run{of("", "vfs_read"), of("", "xfrm_output")}},
		{"a path without, on purpose", "", []*result.Run{of("plain", "tcp_sendmsg")}},
		{"XFRM", "", []*result.Run{of("", "ip_forward;xfrm_output")}},
		{"ESP alone", "", []*result.Run{of("", "esp6_input")}},
		{"packets of an SA", "", []*result.Run{counted}},
		{"no kernel function has a name", "", []*result.Run{of("", "[unknown]")}},
		{"user functions alone", "", []*result.Run{of("", "app:main")}},
		{"no samples", "", []*result.Run{{Name: "a"}}},
	} {
		r := &result.Result{Runs: tt.runs}
		got := All(r)
		if tt.claim == "" {
			claims(t, noIPsec(r))
			continue
		}
		if got[0].Claim != tt.claim {
			t.Errorf("%s: first claim %q, want %q", tt.name, got[0].Claim, tt.claim)
		}
		claims(t, noIPsec(r), tt.claim)
		if withoutIPsec(tt.runs[0]) && len(tt.runs) == 1 && len(sharedLines(r)) > 0 {
			t.Errorf("%s: a claim about struct xfrm_state", tt.name)
		}
	}
}
