package analyze

import (
	"strings"
	"testing"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

// An SA that was deleted in the window took its packets with it: the rest is
// no rate, and says so. Drops are those of the window.
func TestDeletedSA(t *testing.T) {
	m := testrun.Make("pcpu", 2)
	drops := bundle.SADrop{Replay: 7, ReplayWindow: 8, Integrity: 9}
	var kept []bundle.SA
	for _, s := range m.SAs {
		s.Drops = drops
		if s.Phase == "end" {
			s.Drops.Replay += 3
		}
		if s.SPI != 0x1002 || s.Phase == "start" {
			kept = append(kept, s)
		}
	}
	larval := bundle.SA{Phase: "start", TimeNS: testrun.Second, SPI: 0x2000, Dir: "out", Larval: true}
	// whose end could not be read
	elsewhere := bundle.SA{Phase: "start", TimeNS: testrun.Second, NetNS: "east", SPI: 0x2001, Dir: "out"}
	m.SAs = append(kept, larval, elsewhere)
	run := analyse(t, m.Open(t, "a")).Runs[0]
	if len(run.SAs) != 2 || run.SAs[0].Deleted || !run.SAs[1].Deleted || run.SAs[1].SPI != 0x1002 ||
		!run.SAs[1].Outbound || run.SAs[1].DeltaPackets != 0 {
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
	if run.Packets.BySA = false; len(checks.Doubts(run)) != 0 {
		t.Errorf("doubts %+v of packets that the load counted", checks.Doubts(run))
	}
}

func TestPacketsWithoutCounters(t *testing.T) {
	p := packets.New(nil, nil, nil, 1)
	if p.Rate.Measured() || p.Rate.Missing.Fix == "" {
		t.Errorf("rate = %+v, want not measured, with what to do", p.Rate)
	}
	p = packets.New(nil, nil, &bundle.Traffic{Source: "x", Packets: 10,
		PerCPU: []bundle.CPUPackets{{CPU: 1, Packets: 10}}}, 2)
	testrun.WantValue(t, "rate", p.Rate, 5)
}

// The end that decrypts has inbound SAs only: its packets are theirs.
func TestPacketsInbound(t *testing.T) {
	rows := []bundle.SA{
		{Phase: "start", TimeNS: 0, SPI: 0x1001, Dir: "in", Packets: 10},
		{Phase: "end", TimeNS: 2e9, SPI: 0x1001, Dir: "in", Packets: 30},
	}
	p := packets.New(packets.SADeltas(rows, bundle.PhaseStart, bundle.PhaseEnd), rows, nil, 2)
	if p.Total.Value != 20 || p.Rate.Value != 10 || p.Source != "SA counters, inbound: the end that decrypts" {
		t.Errorf("packets = %+v", p)
	}
	rows = append(rows, bundle.SA{Phase: "end", TimeNS: 2e9, SPI: 0x1000, Dir: "out", Packets: 5})
	if p := packets.New(packets.SADeltas(rows, bundle.PhaseStart, bundle.PhaseEnd), rows, nil,
		2); p.Total.Value != 5 || p.Source != "SA counters, outbound" {
		t.Errorf("packets with an outbound SA = %+v", p)
	}
}
