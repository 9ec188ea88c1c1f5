package analyze

import (
	"strings"
	"testing"

	"xfrmscope/collect/bundle"
)

func pcpu(n uint32) *uint32 { return &n }

func TestPackets(t *testing.T) {
	at := func(phase string, ns int64, s bundle.SA) bundle.SA {
		s.Phase, s.TimeNS = phase, ns
		return s
	}
	fallback := bundle.SA{SPI: 0x1000, Dir: "out"}
	own := bundle.SA{SPI: 0x1001, Dir: "out", PCPU: pcpu(3)}
	in := bundle.SA{SPI: 0x2000, Dir: "in"}
	with := func(s bundle.SA, packets uint64) bundle.SA { s.Packets, s.Bytes = packets, packets*100; return s }

	rows := []bundle.SA{
		at("start", 1e9, with(fallback, 10)), at("start", 1e9, with(own, 100)), at("start", 1e9, with(in, 7)),
		at("end", 3e9, with(fallback, 10)), at("end", 3e9, with(own, 300)), at("end", 3e9, with(in, 900)),
	}
	sas := saDeltas(rows, bundle.PhaseStart, bundle.PhaseEnd)
	p := newPackets(sas, rows, nil, 99)
	wantValue(t, "packets", p.Total, 200)
	wantValue(t, "rate", p.Rate, 100)
	if len(p.PerCPU) != 1 || p.PerCPU[0].CPU != 3 || p.PerCPU[0].Value.Value != 100 {
		t.Errorf("per CPU = %+v, want 100/s on CPU 3", p.PerCPU)
	}
	if !sas[0].Fallback || sas[1].Fallback || sas[2].Outbound {
		t.Errorf("SAs = %+v", sas)
	}

	wantValue(t, "evenness of a CPU that sent all, beside one that sent nothing", evenness(p, []int{3, 4}), 0.5)
	wantValue(t, "evenness of one CPU", evenness(p, []int{3}), 1)

	rows[3].Packets, rows[4].Packets = 11, 10_100 // the first packet of the flow went by the fallback
	p = newPackets(saDeltas(rows, bundle.PhaseStart, bundle.PhaseEnd), rows, nil, 99)
	if len(p.PerCPU) != 1 || p.PerCPU[0].Value.Value != 5000 || p.PerCPU[0].Value.Low != 5000 || p.PerCPU[0].Value.High != 5000.5 {
		t.Errorf("per CPU = %+v, want 5000 to 5000.5/s on CPU 3", p.PerCPU)
	}
	if v := evenness(p, []int{3, 4}); v.Value != 0.5 || !v.Ranged() || v.Low != 0.5 || v.High < 0.50009 || v.High > 0.50011 {
		t.Errorf("evenness = %+v, want 0.5 to 0.5001", v)
	}
	rows[4].Packets = 300

	rows[3].Packets = 60 // now the fallback carries some: CPUs cannot be told apart
	p = newPackets(saDeltas(rows, bundle.PhaseStart, bundle.PhaseEnd), rows, nil, 99)
	wantValue(t, "packets", p.Total, 250)
	if p.PerCPU != nil {
		t.Errorf("per CPU = %+v, want none while the fallback carries packets", p.PerCPU)
	}

	rows[4].Packets = 50 // rekeyed: below its start
	sas = saDeltas(rows, bundle.PhaseStart, bundle.PhaseEnd)
	if !sas[1].Reset || sas[1].DeltaPackets != 50 {
		t.Errorf("SA whose counter fell = %+v, want 50 packets, reset", sas[1])
	}
}

// An SA that was deleted in the window took its packets with it: the rest is
// no rate, and says so. Drops are those of the window.
func TestDeletedSA(t *testing.T) {
	m := makeRun("pcpu", 2)
	drops := bundle.SADrop{Replay: 7, ReplayWindow: 8, Integrity: 9}
	var kept []bundle.SA
	for _, s := range m.sas {
		s.Drops = drops
		if s.Phase == "end" {
			s.Drops.Replay += 3
		}
		if s.SPI != 0x1002 || s.Phase == "start" {
			kept = append(kept, s)
		}
	}
	larval := bundle.SA{Phase: "start", TimeNS: second, SPI: 0x2000, Dir: "out", Larval: true}
	elsewhere := bundle.SA{Phase: "start", TimeNS: second, NetNS: "east", SPI: 0x2001, Dir: "out"} // whose end could not be read
	m.sas = append(kept, larval, elsewhere)
	run := analyse(t, m.open(t, "a")).Runs[0]
	if len(run.SAs) != 2 || run.SAs[0].Deleted || !run.SAs[1].Deleted || run.SAs[1].SPI != 0x1002 || !run.SAs[1].Outbound || run.SAs[1].DeltaPackets != 0 {
		t.Fatalf("SAs %+v, want 0x1001, and 0x1002 as deleted", run.SAs)
	}
	if d := run.SAs[0].Drops; d != (bundle.SADrop{Replay: 3}) || run.SAs[1].Drops != (bundle.SADrop{}) {
		t.Errorf("drops %+v, want 3 in the window", d)
	}
	const why = "SA 0x1002 of CPU 1 was deleted in the window: what it carried until then is not counted"
	if v := run.Packets.Rate; v.Value != 500 || v.Doubt != "SAs were deleted in the window" {
		t.Errorf("rate %+v, want 500/s in doubt", v)
	}
	if len(run.Warnings) != 1 || !strings.HasPrefix(run.Warnings[0].Text, why) {
		t.Errorf("warnings %+v", run.Warnings)
	}
	if run.Packets.BySA = false; len(run.doubts()) != 0 {
		t.Errorf("doubts %+v of packets that the load counted", run.doubts())
	}
}

func TestProbeRate(t *testing.T) {
	sa := func(phase string, ns int64, packets uint64) bundle.SA {
		return bundle.SA{SPI: 1, Dir: "out", Phase: phase, TimeNS: ns, Packets: packets}
	}
	rows := []bundle.SA{sa("start", 0, 0), sa("end", 1e9, 500), sa("probe-start", 2e9, 600), sa("probe-end", 4e9, 1000)}
	wantValue(t, "rate in the probes' window", probeRate(rows), 200)
	if v := probeRate(rows[:2]); v.Measured() {
		t.Errorf("rate without reads = %+v, want not measured", v)
	}
}

func TestPacketsWithoutCounters(t *testing.T) {
	p := newPackets(nil, nil, nil, 1)
	if p.Rate.Measured() || p.Rate.Missing.Fix == "" {
		t.Errorf("rate = %+v, want not measured, with what to do", p.Rate)
	}
	p = newPackets(nil, nil, &bundle.Traffic{Source: "x", Packets: 10, PerCPU: []bundle.CPUPackets{{CPU: 1, Packets: 10}}}, 2)
	wantValue(t, "rate", p.Rate, 5)
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
	got := newDrops([]bundle.Counter{
		c("start", "XfrmOutNoStates", 1), c("start", "XfrmFuture", 0), c("start", "XfrmInError", 4),
		c("end", "XfrmOutNoStates", 1), c("end", "XfrmFuture", 3), c("end", "XfrmInError", 2),
	})
	if len(got) != 1 || got[0] != (Drop{"west", "XfrmFuture", 3}) {
		t.Errorf("drops = %+v, want XfrmFuture 3: unknown names are kept, falling ones are not drops", got)
	}
}

// The end that decrypts has inbound SAs only: its packets are theirs.
func TestPacketsInbound(t *testing.T) {
	rows := []bundle.SA{
		{Phase: "start", TimeNS: 0, SPI: 0x1001, Dir: "in", Packets: 10},
		{Phase: "end", TimeNS: 2e9, SPI: 0x1001, Dir: "in", Packets: 30},
	}
	p := newPackets(saDeltas(rows, bundle.PhaseStart, bundle.PhaseEnd), rows, nil, 2)
	if p.Total.Value != 20 || p.Rate.Value != 10 || p.Source != "SA counters, inbound: the end that decrypts" {
		t.Errorf("packets = %+v", p)
	}
	rows = append(rows, bundle.SA{Phase: "end", TimeNS: 2e9, SPI: 0x1000, Dir: "out", Packets: 5})
	if p := newPackets(saDeltas(rows, bundle.PhaseStart, bundle.PhaseEnd), rows, nil, 2); p.Total.Value != 5 || p.Source != "SA counters, outbound" {
		t.Errorf("packets with an outbound SA = %+v", p)
	}
}
