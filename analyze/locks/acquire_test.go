package locks

import (
	"math"
	"testing"

	"xfrmscope/analyze/result"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

// A lock is measured against its own class on one CPU; against all locks only if
// its class was not timed there, and then says so.
func TestBounceFloors(t *testing.T) {
	type fast struct {
		lock string
		ns   uint64
	}
	run := func(mode string, n int, locks ...fast) Timed {
		r := Timed{&result.Run{Mode: mode, N: n}, FastPaths{}}
		for _, l := range locks {
			f := fastPath{count: 1000, ns: 1000 * l.ns, hist: make([]uint64, 16), perPacket: 2}
			f.hist[8] = 1000
			r.Run.Locks.Rows = append(r.Run.Locks.Rows,
				result.Lock{Lock: l.lock, ID: bundle.LegacyLockID(l.lock), Name: l.lock})
			r.Fast[l.lock] = f
		}
		return r
	}
	four := run("pcpu", 4, fast{"x->lock SPI 0x1001", 30}, fast{"xfrm_state_lock", 60}, fast{"iova", 60},
		fast{"", 60})
	one := run("pcpu", 1, fast{"x->lock SPI 0x1000", 20}, fast{"xfrm_state_lock", 60}, fast{"", 60})
	again := run("pcpu", 1, fast{"x->lock SPI 0x1000", 24}, fast{"xfrm_state_lock", 62}, fast{"", 60})
	other := run("plain", 1, fast{"iova", 55})
	for _, tt := range []struct {
		name  string
		runs  []Timed
		of    []string
		own   []bool
		value []float64
	}{
		{"one run of one CPU", []Timed{one, four},
			[]string{"x->lock", "xfrm_state_lock", allLocks, result.UnnamedLocks},
			[]bool{true, true, false, false}, []float64{20, 0, 2 * (60 - 140.0/3), 0}},
		{"another mode has the class", []Timed{one, other, four},
			[]string{"x->lock", "xfrm_state_lock", "iova", result.UnnamedLocks},
			[]bool{true, true, true, false}, []float64{20, 0, 10, 0}},
		{"two runs of one CPU", []Timed{one, again, four},
			[]string{"x->lock", "xfrm_state_lock", allLocks, result.UnnamedLocks},
			[]bool{true, true, false, false}, []float64{16, -2, 2 * (60 - 143.0/3), 0}},
	} {
		SetBounces(tt.runs)
		for i, l := range four.Run.Locks.Rows {
			testrun.WantValue(t, tt.name+": "+l.Label(), l.Bounce, tt.value[i])
			if l.Floor == nil || l.Floor.Of != tt.of[i] || l.Floor.Own != tt.own[i] {
				t.Errorf("%s, %s: floor %+v, want that of %s, own %v", tt.name, l.Label(), l.Floor,
					tt.of[i], tt.own[i])
			}
		}
	}
	// Runs of one CPU that differ by 4 ns: one more of them, and the mean of two.
	if got, want := four.Run.Locks.Rows[0].Bounce.SE, 2*math.Sqrt(8+8.0/2); math.Abs(got-want) > 1e-9 {
		t.Errorf("error %v, want %v: the spread between the runs", got, want)
	}
}
