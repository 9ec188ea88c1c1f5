package cost

import (
	"math"
	"strings"
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

// Where ticks are lost the cost per packet is that of /proc/stat and its parts
// sum to it; samples that cover the time, or a CPU not accounted, change nothing.
func TestCostByAccounting(t *testing.T) {
	rate := func(v float64) metric.Value { return metric.Value{ID: metric.RateID, Value: v, Unit: "packets/s"} }
	of := result.Packets{Rate: rate(3000), PerCPU: []result.CPUValue{{CPU: 0, Value: rate(2000)},
		{CPU: 1, Value: rate(1000)}}}
	made := func(lost uint64) *result.Event {
		p := testrun.Profile(testrun.At(0, "a;xfrm_input", 60-lost), testrun.At(0, "a;esp_output", 40),
			testrun.At(1, "a;xfrm_input", 50), testrun.At(1, "a;xfrm_output_resume", 50-lost))
		p.Event.Name, p.Event.Unit = "cpu-clock", "nanoseconds"
		for i := range p.Cells {
			p.Cells[i].Period = p.Cells[i].Count * 1e7
			p.Cells[i].PeriodSq = float64(p.Cells[i].Count) * 1e14
		}
		return NewEvent(Classify(p, stage.Default()), 1, of)
	}
	var deltas []packets.Delta
	for cpu, idle := range []uint64{1e8, 4e8} {
		for name, ns := range map[string]uint64{"system": 1e9 - idle, "idle": idle} {
			deltas = append(deltas,
				packets.Delta{Counter: &bundle.Counter{Source: packets.ProcStat, CPU: &cpu,
					Name: name}, Value: ns})
		}
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= 1e-9*math.Abs(want)) {
			t.Errorf("%s = %v, want %v", what, got, want)
		}
	}
	sum := func(parts []result.Share) (v float64) {
		for _, s := range parts {
			v += s.PerPacket.Value
		}
		return v
	}
	e := made(30)
	share := e.All.SpinShare
	relative := e.All.PerPacket.SE / e.All.PerPacket.Value
	CheckCoverage(e, []int{0, 1}, 1, deltas)
	near("cost", e.All.PerPacket.Value, 1.5e9/3000)
	near("error", e.All.PerPacket.SE, relative*1.5e9/3000)
	near("cost of CPU 0", e.CPUs[0].PerPacket.Value, 0.9e9/2000)
	near("cost of CPU 1", e.CPUs[1].PerPacket.Value, 0.6e9/1000)
	for _, c := range append([]result.CPU{e.All}, e.CPUs...) {
		near("sum of stages", sum(c.Stages), c.PerPacket.Value)
		near("sum of functions", sum(c.Functions), c.PerPacket.Value)
	}
	if e.All.PerPacket.Basis != "by /proc/stat; samples cover 70 %" || e.All.SpinShare.Value != share.Value ||
		len(e.Warnings) != 1 || strings.Contains(e.Warnings[0].Text, "too low") {
		t.Errorf("cost %+v, spin %+v, warnings %+v", e.All.PerPacket, e.All.SpinShare, e.Warnings)
	}

	for _, tt := range []struct {
		what     string
		lost     uint64
		cpus     []int
		deltas   []packets.Delta
		want     float64
		warnings int
	}{
		{"of samples that cover the time", 0, []int{0, 1}, deltas, 2e9 / 3000, 0},
		{"of samples alone", 30, []int{0, 1}, nil, 1.4e9 / 3000, 1},
		{"with one CPU not accounted", 30, []int{0, 1}, deltas[:2], 1.4e9 / 3000, 1},
		{"with a CPU that has no sample and no account", 30, []int{0, 1, 2}, deltas, 1.4e9 / 3000, 1},
	} {
		e := made(tt.lost)
		CheckCoverage(e, tt.cpus, 1, tt.deltas)
		near("cost "+tt.what, e.All.PerPacket.Value, tt.want)
		if e.All.PerPacket.Basis != "" || len(e.Warnings) != tt.warnings {
			t.Errorf("%s: %+v, warnings %v", tt.what, e.All.PerPacket, e.Warnings)
		}
	}
}
