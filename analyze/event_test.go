package analyze

import (
	"math"
	"testing"

	"xfrmscope/analyze/cost"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

const out = "net_rx_action;ip_forward;xfrm_lookup;"

func TestEventShares(t *testing.T) {
	p := testrun.Profile(
		testrun.At(0, "do_idle;default_idle", 100),
		// work in an interrupt of the idle task
		testrun.At(0, "do_idle;asm_common_interrupt;net_rx_action", 10),
		testrun.At(0, out+"xfrm_state_find", 40),
		testrun.At(0, "xfrm_output_resume;_raw_spin_lock_bh;native_queued_spin_lock_slowpath", 30),
		testrun.At(1, "xfrm_output_resume;_raw_spin_lock_bh", 20),
		testrun.At(1, "app:main;app:aes_encrypt", 60),
		testrun.At(1, "app:main;ksys_read", 40),
	)
	packets := result.Packets{Rate: metric.Value{Value: 1000, Unit: "packets/s"}}
	e := cost.NewEvent(cost.Classify(p, stage.Default()), 0.5, packets)

	if e.All.Busy.Samples != 200 || e.All.Idle.Samples != 100 {
		t.Errorf("busy, idle = %d, %d samples, want 200, 100", e.All.Busy.Samples, e.All.Idle.Samples)
	}
	testrun.WantValue(t, "spin share", e.All.SpinShare, 30.0/200)
	testrun.WantValue(t, "lock-word share", e.All.LockWordShare, 20.0/200)
	testrun.WantValue(t, "spin share of CPU 0", e.CPUs[0].SpinShare, 30.0/80)
	testrun.WantValue(t, "spin share of CPU 1", e.CPUs[1].SpinShare, 0)
	testrun.WantValue(t, "cost", e.All.PerPacket, 200e6/0.5/1000) // 200 ms busy in 0.5 s, 1000 packets/s

	stages := map[string]float64{}
	sum := 0.0
	for _, s := range e.All.Stages {
		stages[s.Name] = s.Share.Value
		sum += s.Share.Value
	}
	for name, want := range map[string]float64{
		"SA lookup": 0.2, "XFRM output": 0.25, "RX driver/GRO/NAPI": 0.05, stage.User: 0.3,
		stage.Unmatched: 0.2,
	} {
		if math.Abs(stages[name]-want) > 1e-9 {
			t.Errorf("stage %s = %v, want %v", name, stages[name], want)
		}
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("stages sum to %v, want 1", sum)
	}
	if len(e.Unmatched) != 1 || e.Unmatched[0].Name != "ksys_read" {
		t.Errorf("unmatched = %+v, want ksys_read", e.Unmatched)
	}
	if c := e.All.SpinCallers; len(c) != 1 || c[0].Name != "xfrm_output_resume" {
		t.Errorf("spin callers = %+v, want xfrm_output_resume", c)
	}
}

// Without names nothing can be said about locks: not that there is no spinning.
func TestEventWithoutNames(t *testing.T) {
	p := testrun.Profile(testrun.At(0, "a;native_queued_spin_lock_slowpath", 10))
	for i := range p.Locations {
		p.Locations[i].Function = -1
	}
	e := cost.NewEvent(cost.Classify(p, stage.Default()), 1, packets.None(bundle.Gap{}))
	if e.All.SpinShare.Measured() || e.CPUs[0].LockWordShare.Measured() {
		t.Errorf("spin share = %+v, lock-word share = %+v, want both not measured", e.All.SpinShare,
			e.CPUs[0].LockWordShare)
	}
}

// The error of a share is that of a binomial when every period is the same.
func TestShareError(t *testing.T) {
	e := cost.NewEvent(cost.Classify(testrun.Profile(testrun.At(0, "a;native_queued_spin_lock_slowpath", 25),
		testrun.At(0, "a;b", 75)), stage.Default()), 1, packets.None(bundle.Gap{}))
	want := math.Sqrt(0.25 * 0.75 / 100)
	if got := e.All.SpinShare.SE; math.Abs(got-want) > 1e-9 {
		t.Errorf("standard error = %v, want %v", got, want)
	}
}

func TestEventWithoutSamples(t *testing.T) {
	for name, p := range map[string]*profile.Profile{
		"none":      testrun.Profile(),
		"idle only": testrun.Profile(testrun.At(0, "do_idle;default_idle", 5)),
	} {
		e := cost.NewEvent(cost.Classify(p, stage.Default()), 1,
			packets.None(bundle.Gap{What: "packets", Why: "none read"}))
		if e.All.SpinShare.Measured() {
			t.Errorf("%s: a spin share of nothing: %+v", name, e.All.SpinShare)
		}
		if v := e.All.PerPacket; v.Measured() || v.Missing.Why != "none read" {
			t.Errorf("%s: cost per packet = %+v, want not measured: none read", name, v)
		}
	}
}

// Samples of a clock that sees all of the time must make up the time of the
// CPUs of the plan, those without any sample too.
func TestCoverage(t *testing.T) {
	for _, test := range []struct {
		name       string
		cpus       bundle.CPUSet
		whole, low float64
		lowCPU     int
		ok         bool
	}{
		{"cpu-clock", bundle.CPUSet{0, 1}, .75, .5, 1, true},
		{"cpu-clock", nil, .75, .5, 1, true},
		{"cpu-clock:HG", bundle.CPUSet{0, 1, 2}, .5, 0, 2, true}, // of a perf.data whose perf was killed
		{"cpu-clock:k", bundle.CPUSet{0, 1}, 0, 0, -1, false},
	} {
		e := result.Event{Name: test.name, Unit: "nanoseconds", CPUs: []result.CPU{{CPU: 0}, {CPU: 1}}}
		e.CPUs[0].Total.Period, e.CPUs[1].Total.Period, e.All.Total.Period = 2e9, 1e9, 3e9
		whole, low, cpu, ok := cost.Coverage(&e, test.cpus, 2)
		if whole != test.whole || low != test.low || cpu != test.lowCPU || ok != test.ok {
			t.Errorf("%s on %s: %g, %g of CPU %d, %t", test.name, test.cpus, whole, low, cpu, ok)
		}
	}
}
