package packets

import (
	"math"
	"testing"

	"xfrmscope/analyze/result"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

func TestPackets(t *testing.T) {
	at := func(phase string, ns int64, s bundle.SA) bundle.SA {
		s.Phase, s.TimeNS = phase, ns
		return s
	}
	fallback := bundle.SA{SPI: 0x1000, Dir: "out"}
	own := bundle.SA{SPI: 0x1001, Dir: "out", PCPU: testrun.PCPU(3)}
	in := bundle.SA{SPI: 0x2000, Dir: "in"}
	with := func(s bundle.SA, packets uint64) bundle.SA { s.Packets, s.Bytes = packets, packets*100; return s }

	rows := []bundle.SA{
		at("start", 1e9, with(fallback, 10)), at("start", 1e9, with(own, 100)), at("start", 1e9, with(in, 7)),
		at("end", 3e9, with(fallback, 10)), at("end", 3e9, with(own, 300)), at("end", 3e9, with(in, 900)),
	}
	sas := SADeltas(rows, bundle.PhaseStart, bundle.PhaseEnd)
	p := New(sas, rows, nil, 99)
	testrun.WantValue(t, "packets", p.Total, 200)
	testrun.WantValue(t, "rate", p.Rate, 100)
	if len(p.PerCPU) != 1 || p.PerCPU[0].CPU != 3 || p.PerCPU[0].Value.Value != 100 {
		t.Errorf("per CPU = %+v, want 100/s on CPU 3", p.PerCPU)
	}
	if !sas[0].Fallback || sas[1].Fallback || sas[2].Outbound {
		t.Errorf("SAs = %+v", sas)
	}

	testrun.WantValue(t, "evenness of a CPU that sent all, beside one that sent nothing", Evenness(p, []int{3, 4}),
		0.5)
	testrun.WantValue(t, "evenness of one CPU", Evenness(p, []int{3}), 1)
	if v := Evenness(p, []int{4}); v.Measured() {
		t.Errorf("evenness of a CPU that sent nothing, beside one that is not measured = %+v", v)
	}

	rows[3].Packets, rows[4].Packets = 11, 10_100 // the first packet of the flow went by the fallback
	p = New(SADeltas(rows, bundle.PhaseStart, bundle.PhaseEnd), rows, nil, 99)
	if len(p.PerCPU) != 1 || p.PerCPU[0].Value.Value != 5000 || p.PerCPU[0].Value.Low != 5000 ||
		p.PerCPU[0].Value.High != 5000.5 {
		t.Errorf("per CPU = %+v, want 5000 to 5000.5/s on CPU 3", p.PerCPU)
	}
	if v := Evenness(p, []int{3, 4}); v.Value != 0.5 || !v.Ranged() || v.Low != 0.5 || v.High < 0.50009 ||
		v.High > 0.50011 {
		t.Errorf("evenness = %+v, want 0.5 to 0.5001", v)
	}
	rows[4].Packets = 300

	rows[3].Packets = 60 // now the fallback carries some: CPUs cannot be told apart
	p = New(SADeltas(rows, bundle.PhaseStart, bundle.PhaseEnd), rows, nil, 99)
	testrun.WantValue(t, "packets", p.Total, 250)
	if p.PerCPU != nil {
		t.Errorf("per CPU = %+v, want none while the fallback carries packets", p.PerCPU)
	}

	rows[4].Packets = 50 // rekeyed: below its start
	sas = SADeltas(rows, bundle.PhaseStart, bundle.PhaseEnd)
	if !sas[1].Reset || sas[1].DeltaPackets != 50 {
		t.Errorf("SA whose counter fell = %+v, want 50 packets, reset", sas[1])
	}
}

// SAs and loads of CPUs that are not measured are no part of the evenness, sent
// or not; without a plan all that sent are measured.
func TestEvennessOfMeasured(t *testing.T) {
	for _, tt := range []struct {
		rates []uint64 // by CPU
		cpus  []int
		want  float64
	}{
		{[]uint64{6561, 5953, 0, 0}, []int{0, 1}, 0.997645},
		{[]uint64{6561, 0, 0, 0}, []int{0}, 1},
		{[]uint64{500, 500, 9000, 1}, []int{0, 1}, 1},
		{[]uint64{500, 500}, []int{0, 1, 2, 3}, 0.5},
		{[]uint64{500, 500, 0, 0}, nil, 0.5},
	} {
		traffic := &bundle.Traffic{Window: bundle.Window{EndNS: 1e9}}
		for cpu, n := range tt.rates {
			traffic.PerCPU = append(traffic.PerCPU, bundle.CPUPackets{CPU: cpu, Packets: n})
		}
		if v := Evenness(OfTraffic(traffic, 1), tt.cpus); !v.Measured() || math.Abs(v.Value-tt.want) > 1e-6 {
			t.Errorf("evenness of %v on CPUs %v = %+v, want %v", tt.rates, tt.cpus, v, tt.want)
		}
	}
}

func TestProbeRate(t *testing.T) {
	sa := func(phase string, ns int64, packets uint64) bundle.SA {
		return bundle.SA{SPI: 1, Dir: "out", Phase: phase, TimeNS: ns, Packets: packets}
	}
	rows := []bundle.SA{sa("start", 0, 0), sa("end", 1e9, 500), sa("probe-start", 2e9, 600),
		sa("probe-end", 4e9, 1000)}
	testrun.WantValue(t, "rate in the probes' window", ProbeRate(rows), 200)
	if v := ProbeRate(rows[:2]); v.Measured() {
		t.Errorf("rate without reads = %+v, want not measured", v)
	}
}

// Before 6.10 an SA has no direction: its sequence number tells.
func TestOutboundBySequence(t *testing.T) {
	for _, tt := range []struct {
		end, begin bundle.SA
		want       bool
	}{
		{bundle.SA{OSeq: 9}, bundle.SA{OSeq: 3}, true},
		{bundle.SA{OSeq: 0, Packets: 5}, bundle.SA{}, false},
		{bundle.SA{Dir: "in", OSeq: 9}, bundle.SA{}, false},
		{bundle.SA{Dir: "out"}, bundle.SA{}, true},
	} {
		if got := outbound(tt.end, &tt.begin); got != tt.want {
			t.Errorf("outbound(%+v) = %v", tt.end, got)
		}
	}
}

func TestDrops(t *testing.T) {
	c := func(phase, name string, v uint64) bundle.Counter {
		return bundle.Counter{Phase: phase, Source: "/proc/net/xfrm_stat", NetNS: "west", Name: name, Value: v}
	}
	got := NewDrops([]bundle.Counter{
		c("start", "XfrmOutNoStates", 1), c("start", "XfrmFuture", 0), c("start", "XfrmInError", 4),
		c("end", "XfrmOutNoStates", 1), c("end", "XfrmFuture", 3), c("end", "XfrmInError", 2),
	})
	if len(got) != 1 || got[0] != (result.Drop{NetNS: "west", Name: "XfrmFuture", Delta: 3}) {
		t.Errorf("drops = %+v, want XfrmFuture 3: unknown names are kept, falling ones are not drops", got)
	}
}
