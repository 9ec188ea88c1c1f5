package analyze

import (
	"math"
	"strings"
	"testing"

	"xfrmscope/analyze/cost"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/stage"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

// What is measured on two CPUs costs as much whether or not two others send
// beside them.
func TestCostOfMeasuredCPUs(t *testing.T) {
	alone, among := testrun.Make("pcpu", 2), testrun.Make("pcpu", 4)
	among.Manifest.Plan.CPUs = bundle.CPUSet{0, 1}
	var kept []bundle.LockLine
	for _, l := range among.Locks { // the recorder keeps the waits of measured CPUs
		if (l.Row == nil || l.Row.CPU < 2) && (l.Account == nil || l.Account.CPU < 2) {
			kept = append(kept, l)
		}
	}
	among.Locks = kept
	a, b := analyse(t, alone.Open(t, "alone")).Runs[0], analyse(t, among.Open(t, "among")).Runs[0]
	testrun.WantValue(t, "packets/s of all", b.Packets.Rate, 2*a.Packets.Rate.Value)
	if a.Packets.Measured != nil || b.Packets.Measured == nil || b.Packets.Measured.Value != a.Packets.Rate.Value {
		t.Errorf("packets/s of the CPUs measured: %+v alone, %+v among others, want none and %v",
			a.Packets.Measured, b.Packets.Measured, a.Packets.Rate.Value)
	}
	testrun.WantValue(t, "lock wait per packet", b.Locks.PerPkt, a.Locks.PerPkt.Value)
	for i, l := range b.Locks.Rows[:2] {
		testrun.WantValue(t, "wait per packet of "+l.Name, l.PerPkt, a.Locks.Rows[i].PerPkt.Value)
	}
	samples := testrun.Profile(testrun.At(0, out+"xfrm_state_find", 100), testrun.At(1, out+"xfrm_state_find", 300))
	testrun.WantValue(t, "cost", cost.NewEvent(cost.Classify(samples, stage.Default()), 2, b.Packets).All.PerPacket,
		cost.NewEvent(cost.Classify(samples, stage.Default()), 2, a.Packets).All.PerPacket.Value)
	if w := b.Warnings; len(w) == 0 || !strings.Contains(w[0].Text, "costs, misses and lock wait per packet are "+
		"over the 50.0 % of the packets that CPUs 0-1 sent; packets/s are of all") {
		t.Errorf("warnings %+v", w)
	}
}

// Errors of the packet rate are those of what is divided by it.
func TestWeakenedBy(t *testing.T) {
	v := packets.WeakenedBy(metric.Value{Value: 10, SE: 0.3}, metric.Value{Value: 100, SE: 4, Low: 80, High: 125})
	if math.Abs(v.SE-0.5) > 1e-12 || v.Low != 8 || v.High != 12.5 {
		t.Errorf("%+v, want 10 +- 0.5, 8 to 12.5", v)
	}
}
