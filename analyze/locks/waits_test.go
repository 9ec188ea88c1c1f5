package locks

import (
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

func TestLocks(t *testing.T) {
	m := &bundle.Manifest{Probes: []bundle.Probe{{Name: "wait", AttachMode: "tp_btf",
		Window: bundle.Window{StartNS: 0, EndNS: 2e9}}},
		Losses: []bundle.Loss{{Source: "probe wait", What: "late", Count: 1},
			{Source: "perf", What: "samples", Count: 2}}}
	rows := []bundle.LockRow{
		{CPU: 1, Lock: "0xa", Count: 2, WaitNS: 500, MaxNS: 300, Hist: []uint64{0, 2}},
		{CPU: 0, Lock: "0xa", Count: 1, WaitNS: 100, MaxNS: 100, Hist: []uint64{1}},
		{CPU: 0, Lock: "0xb", Count: 5, WaitNS: 50, MaxNS: 20},
	}
	accounts := []bundle.LockAccount{{CPU: 0, Begun: 700, Ended: 7, Overflow: 1, OverflowNS: 10},
		{CPU: 1, Begun: 3, Ended: 2, Late: 1}, {CPU: 2}}
	l, _, _ := New(Source{Manifest: m, Locks: bundle.Locks{Waits: rows, Accounts: accounts},
		Rate: metric.Value{Value: 20}, Probed: metric.Value{Value: 10}})

	testrun.WantValue(t, "waits", l.Waits, 9)
	testrun.WantValue(t, "wait ns", l.WaitNS, 660)
	testrun.WantValue(t, "effect", l.Effect, -0.5)
	testrun.WantValue(t, "wait per packet", l.PerPkt, 660/2.0/10)
	if len(l.CPUs) != 3 || l.CPUs[2].Waits != 0 {
		t.Errorf("CPUs = %+v, want CPU 2 listed with no waits", l.CPUs)
	}
	first := l.Rows[0]
	if first.Lock != "0xa" || first.Waits != 3 || first.MaxNS != 300 || len(first.CPUs) != 2 ||
		first.Hist[0] != 1 || first.Hist[1] != 2 {
		t.Errorf("heaviest lock = %+v", first)
	}
	if len(l.Losses) != 1 || l.Losses[0].What != "late" {
		t.Errorf("losses = %+v, want those of the probe", l.Losses)
	}
}

// A wait whose begin the kernel skipped and whose end was seen is one wait.
func TestWaitLoss(t *testing.T) {
	accounts := []bundle.LockAccount{{CPU: 0, Begun: 90, Ended: 80, Mismatched: 10, Late: 5}, {CPU: 1, Late: 1}}
	for _, tt := range []struct{ skipped, lost, all uint64 }{{0, 16, 96}, {6, 16, 96}, {9, 19, 99}} {
		if lost, all := waitLoss(accounts, packets.Span{Skipped: tt.skipped}); lost != tt.lost ||
			all != tt.all {
			t.Errorf("%d skipped: %d of %d were lost, want %d of %d", tt.skipped, lost, all, tt.lost,
				tt.all)
		}
	}
}

// A run whose rows of waits are gone has no waits measured, not none; a run whose probe saw none has its accounts.
func TestLostWaits(t *testing.T) {
	m := &bundle.Manifest{Files: []bundle.File{{Name: bundle.SAsFile}}, Probes: []bundle.Probe{{Name: "wait",
		Window: bundle.Window{StartNS: 0, EndNS: 2e9}}}}
	l, _, _ := New(Source{Manifest: m})
	if l.Waits.Measured() || l.Gap == nil || l.Gap.Why != "the wait probe ran, and the run has no locks.jsonl" {
		t.Errorf("%+v, %+v", l.Waits, l.Gap)
	}
	l, _, _ = New(Source{Manifest: m, Locks: bundle.Locks{Accounts: []bundle.LockAccount{{CPU: 0}}}})
	testrun.WantValue(t, "waits", l.Waits, 0)
}
