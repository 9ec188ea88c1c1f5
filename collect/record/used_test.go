package record

import (
	"strings"
	"testing"

	"xfrmscope/collect/bundle"
)

func TestCPUWarnings(t *testing.T) {
	rows := func(source, name string, start, end []uint64) []bundle.Counter {
		var out []bundle.Counter
		for cpu := range start {
			out = append(out, bundle.Counter{Phase: "start", Source: source, CPU: &cpu, Name: name,
				Value: start[cpu]},
				bundle.Counter{Phase: "end", Source: source, CPU: &cpu, Name: name, Value: end[cpu]})
		}
		return out
	}
	busy := func(ms ...uint64) []bundle.Counter {
		for i := range ms {
			ms[i] *= 1e6
		}
		return rows("/proc/stat", "softirq", make([]uint64, len(ms)), ms)
	}
	packets := func(start, end []uint64) []bundle.Counter {
		return rows("/proc/net/softnet_stat", "processed", start, end)
	}
	within := func(cpu int, ns uint64) bundle.Counter {
		return bundle.Counter{Phase: bundle.PhaseSample, Source: "/proc/stat", CPU: &cpu, Name: "user",
			Value: ns}
	}
	for _, tt := range []struct {
		name    string
		planned bundle.CPUSet
		rows    []bundle.Counter
		want    []string
	}{
		{"as planned", bundle.CPUSet{0, 1},
			append(busy(2000, 1900, 10), packets([]uint64{5, 5, 5}, []uint64{50005, 60005, 6})...), nil},
		{"one idle, by counters of a second in between, too", bundle.CPUSet{0, 1},
			append(busy(2000, 20, 1900), within(1, 60e9)),
			[]string{"CPU 1 was busy 0.02 s of the window, one of CPUs 0-1 1.01 s on average"}},
		{"one idle", bundle.CPUSet{0, 1}, busy(2000, 20, 1900),
			[]string{"CPU 1 was busy 0.02 s of the window, one of CPUs 0-1 1.01 s on average"}},
		{"on others", bundle.CPUSet{0},
			append(busy(2000, 2000), packets([]uint64{0, 0, 0}, []uint64{9000, 800, 200})...),
			[]string{"10 % of the packets that network softirqs processed in the window were on CPUs " +
				"that are not measured (1-2)"}},
		{"wrapped", bundle.CPUSet{0}, packets([]uint64{1<<32 - 1000, 0}, []uint64{9000, 100}), nil},
		{"few packets", bundle.CPUSet{0}, packets([]uint64{0, 0}, []uint64{0, 900}), nil},
		{"nothing", bundle.CPUSet{0}, nil, nil},
		{"unplugged", bundle.CPUSet{0, 1}, append(busy(2000, 1900), bundle.Counter{Phase: bundle.PhaseStart,
			Source: "/proc/stat", CPU: new(int), Name: "user", Value: 1}),
			[]string{"CPU 0 went offline, or came online, in the window"}},
	} {
		got := cpuWarnings(tt.planned, tt.rows)
		ok := len(got) == len(tt.want)
		for i := range tt.want {
			ok = ok && i < len(got) && strings.Contains(got[i].Text, tt.want[i])
		}
		if !ok {
			t.Errorf("%s: %+v, want %q", tt.name, got, tt.want)
		}
	}
}
