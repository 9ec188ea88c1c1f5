package probe

import (
	"os"
	"os/exec"
	"reflect"
	"testing"

	"xfrmscope/bpf"
	"xfrmscope/collect/bundle"
)

func TestDecodeWaits(t *testing.T) {
	cpus := make([]bpf.WaitWaitCpu, 2)
	cpus[1].Begun, cpus[1].Ended, cpus[1].Contexts.Mismatched, cpus[1].Overflow, cpus[1].OverflowNs = 10, 8, 1, 2,
		300
	for i, lock := range []uint64{0xffff2, 0xffff1, 0} {
		s := &cpus[1].Slots[7*i]
		s.Lock, s.Flags = lock, 1
		if i < 2 {
			s.Count, s.WaitNs, s.MaxNs, s.Hist[3] = 3, 30, 12, 3
		}
	}
	cpus[1].Slots[1].Lock = 0xffff3 // waits, has not ended
	got := decodeWaits(cpus)
	wantRows := []bundle.LockRow{
		{CPU: 1, Lock: "0xffff1", Flags: 1, Count: 3, WaitNS: 30, MaxNS: 12, Hist: []uint64{0, 0, 0, 3}},
		{CPU: 1, Lock: "0xffff2", Flags: 1, Count: 3, WaitNS: 30, MaxNS: 12, Hist: []uint64{0, 0, 0, 3}},
	}
	if !reflect.DeepEqual(got.Rows, wantRows) {
		t.Errorf("rows %+v", got.Rows)
	}
	wantAccounts := []bundle.LockAccount{{CPU: 0},
		{CPU: 1, Begun: 10, Ended: 8, Mismatched: 1, Overflow: 2, OverflowNS: 300}}
	if !reflect.DeepEqual(got.Accounts, wantAccounts) {
		t.Errorf("accounts %+v", got.Accounts)
	}
	if losses := got.Losses(bundle.CPUSet{1}); len(losses) != 2 || losses[0].Count != 1 || losses[0].Of != 10 ||
		losses[1].Count != 2 {
		t.Errorf("losses %+v", losses)
	}
	if losses := got.Losses(bundle.CPUSet{0}); len(losses) != 0 {
		t.Errorf("losses of a CPU without any: %+v", losses)
	}
}

// TestWait attaches every attach mode this kernel lets it and has it watch a load
// that contends.
func TestWait(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("attaching eBPF programs needs root")
	}
	attached := 0
	for _, mode := range WaitModes() {
		t.Run(string(mode), func(t *testing.T) {
			w, err := LoadWaitBy(mode)
			if err != nil {
				t.Skipf("this kernel does not attach it: %s", Attempt{mode, err})
			}
			defer w.Close()
			if err := w.Attach(); err != nil {
				t.Fatal(err)
			}
			attached++
			watch(t, w)
		})
	}
	if attached == 0 {
		t.Skip("no attach mode works on this kernel")
	}
}

func watch(t *testing.T, w *Wait) {
	contend(t)
	if waits := read(t, w); len(waits.Rows) > 0 {
		t.Errorf("%d rows before the window", len(waits.Rows))
	}
	if err := w.Open(); err != nil {
		t.Fatal(err)
	}
	contend(t)
	if err := w.Shut(); err != nil {
		t.Fatal(err)
	}
	waits := read(t, w)
	if len(waits.Rows) == 0 {
		t.Fatal("no wait seen")
	}
	var counted, ended uint64
	for _, r := range waits.Rows {
		counted += r.Count
		var binned uint64
		for _, n := range r.Hist {
			binned += n
		}
		if binned != r.Count || r.WaitNS < r.MaxNS || r.Flags&1 == 0 {
			t.Errorf("row does not add up: %+v", r)
		}
	}
	for _, a := range waits.Accounts {
		ended += a.Ended - a.Overflow
		// A CPU has at most its four contexts still waiting.
		if a.Begun < a.Ended+a.Mismatched || a.Begun > a.Ended+a.Mismatched+4 {
			t.Errorf("account does not add up: %+v", a)
		}
	}
	if counted != ended {
		t.Errorf("%d waits by lock, %d by CPU", counted, ended)
	}
	t.Logf("%s: %d waits, losses %+v", w.Mode(), ended, waits.Losses(bundle.CPUSet{0, 1}))
}

func read(t *testing.T, w *Wait) *Waits {
	t.Helper()
	waits, err := w.Read()
	if err != nil {
		t.Fatal(err)
	}
	return waits
}

// contend makes tasks on all CPUs take the same locks.
func contend(t *testing.T) {
	t.Helper()
	perf, err := exec.LookPath("perf")
	if err != nil {
		t.Skip("making contention needs perf bench: ", err)
	}
	if out, err := exec.Command(perf, "bench", "sched", "messaging", "-g", "4", "-l",
		"500").CombinedOutput(); err != nil {
		t.Fatalf("perf bench: %v\n%s", err, out)
	}
}
