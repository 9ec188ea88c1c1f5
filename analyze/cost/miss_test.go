package cost

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

// event is of samples without packets.
func event(name, unit string, rows ...testrun.Row) *result.Event {
	p := testrun.Profile(rows...)
	p.Event.Name, p.Event.Unit = name, unit
	return NewEvent(Classify(p, stage.Default()), 1, packets.None(bundle.Gap{}))
}

func TestMisses(t *testing.T) {
	misses := NewMisses([]*result.Event{
		event("cycles:k", "cycles", testrun.At(0, "a", 100), testrun.At(1, "a", 300)),
		event("L1-dcache-load-misses:k", "count", testrun.At(0, "a", 4)),
		event("branch-misses:k", "count", testrun.At(0, "a", 4)),
	})
	if len(misses) != 2 || misses[0].CPU != -1 || misses[1].CPU != 0 {
		t.Fatalf("misses = %+v, want L1 on all and on CPU 0", misses)
	}
	testrun.WantValue(t, "per 1000 cycles", misses[0].PerKiloCycle, 1000*4.0/400)
	testrun.WantValue(t, "per 1000 cycles of CPU 0", misses[1].PerKiloCycle, 1000*4.0/100)
	if got, want := misses[0].PerKiloCycle.SE, 10*math.Sqrt(1/4.0+1/400.0); math.Abs(got-want) > 1e-9 {
		t.Errorf("standard error = %v, want %v", got, want)
	}
	if v := misses[0].PerKiloInstructions; v.Measured() ||
		v.Missing.Why != "the run has no event that counts instructions" {
		t.Errorf("per 1000 instructions = %+v, want not measured", v)
	}
}

func TestMissIntensity(t *testing.T) {
	miss := func() *result.Event {
		return event("L1-dcache-load-misses:k", "count", testrun.At(0, "a", 6), testrun.At(1, "b", 2),
			testrun.At(1, "c", 2))
	}
	cycles := event("cycles:k", "cycles", testrun.At(0, "a", 100), testrun.At(1, "b", 300))
	f := NewMisses([]*result.Event{cycles, miss()})[0].Functions
	if len(f) != 3 || f[0].Name != "a" {
		t.Fatalf("functions = %+v, want a, b, c", f)
	}
	testrun.WantValue(t, "a", f[0].Value, 0.6/0.25)
	testrun.WantValue(t, "b", f[1].Value, 0.2/0.75)
	if se := f[0].Value.SE; math.Abs(se-0.6/0.25*math.Hypot(f[0].Misses.SE/0.6, f[0].Work.SE/0.25)) > 1e-12 ||
		se == 0 {
		t.Errorf("standard error = %v", se)
	}
	if v := f[2].Value; v.Measured() || !strings.Contains(v.Missing.Why, "less than 0.01 % of cycles:k") {
		t.Errorf("c = %+v, want not measured: it took no cycles", v)
	}
	for _, of := range NewMisses([]*result.Event{miss()})[0].Functions {
		if of.Value.Measured() || of.Work.Measured() {
			t.Errorf("%s = %+v without cycles and clock", of.Name, of.Value)
		}
	}
}

// A recording of real counters, of Linux 3.4: the figures are those of `perf
// script -F period,event,ip` of perf 6.1, summed by awk.
func TestMissesOfHardware(t *testing.T) {
	const dir, name = "../../shared/fixtures/perfdata/quipper", "perf.data.systemwide.1-3.4"
	if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
		t.Skipf("the recording is not here: %v", err)
	}
	f, err := perfdata.OpenFS(os.DirFS(dir), name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	profiles, err := profile.Build(context.Background(), f, profile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var events []*result.Event
	for _, p := range profiles {
		events = append(events, NewEvent(Classify(p, stage.Default()), 0, packets.None(bundle.Gap{})))
	}
	m := NewMisses(events)[0]
	near := func(what string, got, want float64) {
		if math.Abs(got/want-1) > 1e-5 {
			t.Errorf("%s of %s: %v, want %v", what, m.Event, got, want)
		}
	}
	near("misses per 1000 cycles", m.PerKiloCycle.Value, 6.13953)
	near("its standard error", m.PerKiloCycle.SE, 0.431162)
	if len(m.Functions) != 2 || m.Functions[0].Name != profile.UserTime || m.Functions[1].Name != profile.Unknown {
		t.Fatalf("functions %+v, want user space and the unnamed kernel", m.Functions)
	}
	near("intensity of user space", m.Functions[0].Value.Value, 1.28415)
	near("intensity of the kernel", m.Functions[1].Value.Value, 0.591699)
}

// Where idle time is not told apart, no share of misses is known and no intensity; it is no 0/0.
func TestMissIntensityWithoutBusyTime(t *testing.T) {
	cycles, miss := event("cycles:k", "cycles", testrun.At(0, "a", 100)),
		event("cache-misses", "count", testrun.At(0, "a", 6))
	const why = "pid 0 is idle or interrupt, not told apart"
	miss.All.Functions[0].Share = metric.NotMeasured(metric.ShareID, "ratio", bundle.Gap{Why: why})
	f := NewMisses([]*result.Event{cycles, miss})[0].Functions[0]
	if f.Value.Measured() || f.Value.Missing.Why != why {
		t.Errorf("%+v, want not measured: %s", f.Value, why)
	}
}

// Misses of one PMU are over the cycles of the same PMU.
func TestMissesOfTwoPMUs(t *testing.T) {
	misses := NewMisses([]*result.Event{
		event("cpu_core/cycles/", "cycles", testrun.At(0, "a", 100)),
		event("cpu_atom/cycles/", "cycles", testrun.At(16, "a", 400)),
		event("cpu_core/cache-misses/", "count", testrun.At(0, "a", 4)),
		event("cpu_atom/cache-misses/", "count", testrun.At(16, "a", 4)),
	})
	testrun.WantValue(t, "of P cores", misses[0].PerKiloCycle, 40)
	testrun.WantValue(t, "of E cores", misses[2].PerKiloCycle, 10)
	testrun.WantValue(t, "intensity on E cores", misses[2].Functions[0].Value, 1)
}
