package analyze

import (
	"math"
	"testing"

	"xfrmscope/analyze/cost"
	"xfrmscope/analyze/curves"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

// curveRun is a run of n CPUs at a rate, whose busy time is all in two stages.
func curveRun(mode string, n int, rate float64, lookup, output uint64) *result.Run {
	r := &result.Run{Mode: mode, N: n, Packets: result.Packets{Rate: metric.Value{Value: rate, Unit: "packets/s"}}}
	p := testrun.Profile(testrun.At(0, "xfrm_state_find", lookup), testrun.At(0, "xfrm_output", output))
	r.Events = []*result.Event{cost.NewEvent(cost.Classify(p, stage.Default()), 1, r.Packets)}
	return r
}

func TestCurves(t *testing.T) {
	runs := []*result.Run{
		curveRun("pcpu", 1, 1000, 100, 100), curveRun("pcpu", 2, 2000, 200, 200),
		curveRun("shared", 1, 1000, 100, 100), curveRun("shared", 2, 1000, 100, 300),
	}
	curves := curves.New(runs)
	if len(curves) != 2 || curves[0].Mode != "pcpu" || len(curves[1].Runs) != 2 {
		t.Fatalf("curves = %+v", curves)
	}
	for i, want := range []float64{1, 0.5} { // efficiency at N=2
		if got := curves[i].Scaling.Rows[1].Efficiency.Value; math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: efficiency at 2 CPUs = %v, want %v", curves[i].Mode, got, want)
		}
	}
	if curves[0].USL.Known() {
		t.Error("a law of three parameters was fitted to two points")
	}
	bill := curves[1].StageBreakdowns[0]
	if bill.Rows[0].Key != "XFRM output" || math.Abs(bill.Rows[0].Delta.Value-200e3) > 1e-6 ||
		math.Abs(bill.Total.Delta.Value-200e3) > 1e-6 {
		t.Errorf("bill of the shared SA = %+v, want XFRM output +200,000 ns/packet and nothing else", bill)
	}
}

// Without packets, or without modes, there is a list of runs and no curve.
func TestCurvesWithoutPackets(t *testing.T) {
	a, b := curveRun("pcpu", 1, 1, 1, 1), curveRun("pcpu", 2, 1, 1, 1)
	a.Packets.Rate = metric.NotMeasured(metric.RateID, "packets/s", bundle.Gap{Why: "none"})
	for _, c := range append(curves.New([]*result.Run{a, b}),
		curves.New([]*result.Run{{Path: "x"}, {Path: "y"}})...) {
		if c.Scaling != nil || c.USL != nil || c.StageBreakdowns != nil {
			t.Errorf("curve = %+v, want no scaling", c)
		}
	}
}
