package analyze

import (
	"math"
	"reflect"
	"testing"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

// The times of the measured CPUs: of the whole window by CPU, and of them
// together from read to read. What was read in the phases is behind it.
func TestCPUTimes(t *testing.T) {
	m := testrun.Make("pcpu", 2)
	// of 10 ms: user, system, softirq, idle, steal
	read := func(phase string, atMS int64, cpu int, tens ...uint64) {
		for i, name := range []string{"user", "system", "softirq", "idle", "steal"} {
			m.Counters = append(m.Counters,
				bundle.Counter{Phase: phase, TimeNS: atMS * 1e6, Source: "/proc/stat", CPU: &cpu,
					Name: name, Unit: "ns", Value: tens[i] * 1e7})
		}
	}
	all := func(phase string, atMS int64, user, system, softirq, idle, steal uint64) {
		read(phase, atMS, 0, user, system, softirq, idle, steal)
		read(phase, atMS, 1, user, system, softirq, idle, steal)
	}
	all("start", 990, 100, 100, 100, 100, 0) // the window is from 1 to 3 s
	read("start", 990, 7, 0, 0, 0, 0, 0)     // not measured
	all("sample", 2000, 100, 110, 190, 100, 0)
	all("sample", 2990, 100, 115, 280, 104, 1)
	all("end", 3010, 100, 115, 281, 105, 1)
	read("end", 3010, 7, 50, 50, 50, 50, 0)
	all("sample", 4000, 900, 900, 900, 900, 0)
	cpu := 1
	for _, c := range []bundle.Counter{{Phase: "start", Name: "NET_RX", Value: 7},
		{Phase: "end", Name: "NET_RX", Value: 107}, {Phase: "start", Name: "HI"}, {Phase: "end", Name: "HI"}} {
		c.Source, c.CPU, c.Unit = "/proc/softirqs", &cpu, "count"
		m.Counters = append(m.Counters, c)
	}
	got := analyse(t, m.Open(t, "a")).Runs[0].CPUTimes
	whole := result.TimeShares{Seconds: 2.02, System: .0743, Softirq: .896, Idle: .0248, Steal: .005}
	want := &result.CPUTimes{
		CPUs: []result.CPUTime{{CPU: 0, Softirqs: nil, TimeShares: whole},
			{CPU: 1, Softirqs: map[string]uint64{"NET_RX": 100}, TimeShares: whole}},
		Steps: []result.TimeStep{
			{StartS: -.01, EndS: 1, TimeShares: result.TimeShares{Seconds: 2, System: .1, Softirq: .9}},
			{StartS: 1, EndS: 2.01, TimeShares: result.TimeShares{Seconds: 2.04, System: .049,
				Softirq: .8922, Idle: .049, Steal: .0098}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := analyse(t, testrun.Make("pcpu", 1).Open(t, "a")).Runs[0].CPUTimes; got != nil {
		t.Errorf("without /proc/stat: %+v", got)
	}
}

// Where cycles are sampled the time in slow paths is a share of the accounted
// time: that no probe moved the waits is checked on a machine with counters too.
func TestSpinByProbeOfCycles(t *testing.T) {
	cpu := 0
	m := testrun.Make("pcpu", 1)
	for name, ns := range map[string]uint64{"softirq": 15e8, "idle": 5e8} {
		m.Counters = append(m.Counters,
			bundle.Counter{Phase: "start", Source: "/proc/stat", CPU: &cpu, Name: name, Unit: "ns"},
			bundle.Counter{Phase: "end", Source: "/proc/stat", CPU: &cpu, Name: name, Unit: "ns",
				Value: ns})
	}
	run := analyse(t, m.Open(t, "a")).Runs[0]
	weight := metric.Estimate{Period: 100, Samples: 100}
	all := result.CPU{CPU: -1, Total: weight, Busy: weight,
		SpinShare: metric.Value{ID: metric.SpinID, Value: .4, Unit: "ratio", Samples: 40},
		PerPacket: metric.Value{ID: metric.CostID, Value: 9000, Unit: "cycles/packet"}}
	of0 := all
	of0.CPU = 0
	run.Events = []*result.Event{{Name: "cycles:k", Unit: "cycles", All: all, CPUs: []result.CPU{of0}}}
	id := checks.SpinByProbe(run, packets.Deltas(m.Counters))
	if want := .4 * .75 * 1e9 / run.Packets.Rate.Value; id.Right.Value != want ||
		id.Left.Value != run.Locks.PerPkt.Value || id.Verdict == result.NotMeasured {
		t.Errorf("got %+v, want %g ns/packet by the samples", id, want)
	}
	run.Events[0].Self = []result.Self{{Name: "osq_lock", Weight: metric.Estimate{Period: 10, Samples: 5}},
		{Name: "native_queued_spin_lock_slowpath", Weight: metric.Estimate{Period: 30, Samples: 35}}}
	id = checks.SpinByProbe(run, packets.Deltas(m.Counters)) // which no probe of spin locks counts
	if want := .3 * .75 * 1e9 / run.Packets.Rate.Value; math.Abs(id.Right.Value-want) > 1e-6*want {
		t.Errorf("got %+v, want %g ns/packet without osq_lock", id, want)
	}
	if id := checks.SpinByProbe(run, nil); id.Verdict != result.NotMeasured {
		t.Errorf("without /proc/stat: %+v", id)
	}
}
