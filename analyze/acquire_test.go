package analyze

import (
	"math"
	"slices"
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

// A lock is measured against its own class on one CPU; against all locks only if
// its class was not timed there, and then says so.
func TestBounceFloors(t *testing.T) {
	type fast struct {
		lock string
		ns   uint64
	}
	run := func(mode string, n int, locks ...fast) timed {
		r := timed{&Run{Mode: mode, N: n}, fastPaths{}}
		for _, l := range locks {
			f := fastPath{count: 1000, ns: 1000 * l.ns, hist: make([]uint64, 16), perPacket: 2}
			f.hist[8] = 1000
			r.run.Locks.Rows = append(r.run.Locks.Rows, Lock{Lock: l.lock, ID: bundle.LegacyLockID(l.lock), Name: l.lock})
			r.fast[l.lock] = f
		}
		return r
	}
	four := run("pcpu", 4, fast{"x->lock SPI 0x1001", 30}, fast{"xfrm_state_lock", 60}, fast{"iova", 60}, fast{"", 60})
	one := run("pcpu", 1, fast{"x->lock SPI 0x1000", 20}, fast{"xfrm_state_lock", 60}, fast{"", 60})
	again := run("pcpu", 1, fast{"x->lock SPI 0x1000", 24}, fast{"xfrm_state_lock", 62}, fast{"", 60})
	other := run("plain", 1, fast{"iova", 55})
	for _, tt := range []struct {
		name  string
		runs  []timed
		of    []string
		own   []bool
		value []float64
	}{
		{"one run of one CPU", []timed{one, four}, []string{"x->lock", "xfrm_state_lock", allLocks, unnamedLocks}, []bool{true, true, false, false}, []float64{20, 0, 2 * (60 - 140.0/3), 0}},
		{"another mode has the class", []timed{one, other, four}, []string{"x->lock", "xfrm_state_lock", "iova", unnamedLocks}, []bool{true, true, true, false}, []float64{20, 0, 10, 0}},
		{"two runs of one CPU", []timed{one, again, four}, []string{"x->lock", "xfrm_state_lock", allLocks, unnamedLocks}, []bool{true, true, false, false}, []float64{16, -2, 2 * (60 - 143.0/3), 0}},
	} {
		setBounces(tt.runs)
		for i, l := range four.run.Locks.Rows {
			wantValue(t, tt.name+": "+l.label(), l.Bounce, tt.value[i])
			if l.Floor == nil || l.Floor.Of != tt.of[i] || l.Floor.Own != tt.own[i] {
				t.Errorf("%s, %s: floor %+v, want that of %s, own %v", tt.name, l.label(), l.Floor, tt.of[i], tt.own[i])
			}
		}
	}
	// Runs of one CPU that differ by 4 ns: one more of them, and the mean of two.
	if got, want := four.run.Locks.Rows[0].Bounce.SE, 2*math.Sqrt(8+8.0/2); math.Abs(got-want) > 1e-9 {
		t.Errorf("error %v, want %v: the spread between the runs", got, want)
	}
}

// The fast path of a caller is set against the highest run of one CPU of its mode.
func TestWordFloor(t *testing.T) {
	run := func(mode string, n int, word uint64) *Run {
		p := Packets{Rate: metric.Value{ID: metric.RateID, Value: 1e6, Unit: "packets/s"}}
		e := testEvent([]row{{0, "xfrm_output_resume;_raw_spin_lock_bh", word}, {0, "xfrm_output_resume", 900}}, p)
		return &Run{Mode: mode, N: n, Events: []*Event{e}}
	}
	four := run("pcpu", 4, 40)
	all := []*Run{run("pcpu", 1, 10), run("pcpu", 1, 12), run("shared", 1, 30), four}
	caller := lockPoints(all, []*Run{four})[0].Callers[0]
	wantValue(t, "on 4 CPUs", caller.Cost, 40)
	wantValue(t, "on 1 CPU", caller.Floor, 12)
	if one := lockPoints(all, all[:1])[0].Callers[0]; one.Floor.Measured() {
		t.Errorf("one CPU is measured against itself: %+v", one.Floor)
	}
	if got := wordFloor(all, four, four.Events[0].Name, "another"); !got.Measured() || got.Value != 0 {
		t.Errorf("a caller without a sample on one CPU: %+v, want 0", got)
	}
}

// What a bounce is read from stays: the lengths in the run, and on one CPU.
func TestFastHistograms(t *testing.T) {
	runs := analyse(t, makeRun("pcpu", 1).open(t, "a"), makeRun("pcpu", 2).open(t, "b")).Runs
	want := []uint64{0, 0, 0, 0, 0, 0, 0, 0, 98}
	for _, r := range runs {
		for _, l := range r.Locks.Rows {
			if !slices.Equal(l.FastHist, want) || (l.Floor == nil) != (r.N == 1) || l.Floor != nil && !slices.Equal(l.Floor.Hist, want) {
				t.Errorf("N=%d: %v above %+v, want %v in both", r.N, l.FastHist, l.Floor, want)
			}
		}
	}
}
