package finding

import (
	"slices"
	"strings"
	"testing"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/scaling"
)

func single(v float64) compare.Estimate {
	return compare.Estimate{Value: v, Interval: compare.NoInterval(compare.Because(compare.TooFewRuns, "one run"))}
}

func between(v, lo, hi float64) compare.Estimate {
	return compare.Estimate{Value: v, Interval: compare.Interval{Lo: lo, Hi: hi, Level: 0.95}}
}

func ceilingAt(ratio float64, from int) *scaling.Ceiling {
	return &scaling.Ceiling{Ceiling: "plain", Verdict: scaling.AtCeiling, Ratio: single(ratio), Reached: from}
}

// A scaled is a curve of 1 and 4 CPUs.
type scaled struct {
	mode    string
	speedup compare.Estimate
	runs    int // at each N
	cost    *scaling.Breakdown
	knee    scaling.Knee
	law     *compare.Reason
	rates   []float64
	broken  bool // a sum that the cost hangs on
}

func scaledResult(modes ...scaled) *result.Result {
	r := &result.Result{}
	for _, m := range modes {
		c := result.Curve{Mode: m.mode, USL: &scaling.USL{Missing: m.law},
			Scaling: &scaling.Scaling{Unit: "packets/s", Base: 1, Knee: m.knee,
				Rows: []scaling.Row{{N: 1, Rate: compare.Summary{N: m.runs}},
					{N: 4, Speedup: m.speedup, Rate: compare.Summary{N: m.runs}}}}}
		if m.knee.N == 0 {
			c.Scaling.Knee.Missing = compare.Because(compare.NotApplicable, "no end")
		}
		if m.cost != nil {
			c.StageBreakdowns = []scaling.Breakdown{*m.cost}
		}
		for i, rate := range m.rates {
			run := &result.Run{Name: m.mode + []string{" n=1", " n=4"}[i],
				Packets: result.Packets{Rate: value(rate, 0, "packets/s")}}
			if m.broken {
				run.ConsistencyChecks = []result.ConsistencyCheck{{ID: "cost-per-packet",
					Verdict: result.CheckBroken,
					Marks:   []string{metric.CostID}}}
			}
			c.Runs = append(c.Runs, len(r.Runs))
			r.Runs = append(r.Runs, run)
		}
		r.Curves = append(r.Curves, c)
	}
	return r
}

// costs is a bill at 4 CPUs: what stages added, in their order.
func costs(base float64, added compare.Estimate, shares ...scaling.BreakdownRow) *scaling.Breakdown {
	return &scaling.Breakdown{Unit: "ns/packet", Base: 1, N: 4, Rows: shares,
		Total: scaling.BreakdownRow{Base: base, Delta: added}}
}

func TestScale(t *testing.T) {
	row := func(stage string, share float64) scaling.BreakdownRow {
		return scaling.BreakdownRow{Key: stage, Share: &share}
	}
	got := scale(scaledResult(
		scaled{mode: "pcpu", speedup: between(3.6, 3.5, 3.7), runs: 5},
		scaled{mode: "shared", speedup: single(1.02), runs: 1, rates: []float64{10150, 10343},
			cost: costs(1000, single(1666), row("XFRM input", 0.48), row("XFRM output", 0.18),
				row("crypto", 0.06)),
			knee: scaling.Knee{N: 2, Text: "efficiency 0.51", Shown: true},
			law:  compare.Because(compare.TooFewRuns, "too few N")},
	))
	claims(t, got,
		"shared: 4 CPUs send 1.0 times what 1 CPU sends (ideal 4); a packet costs 167 % more ns, 48 % of it "+
			"in XFRM input, 18 % of it in XFRM output",
		"pcpu: 4 CPUs send 3.6 times what 1 CPU sends (ideal 4)",
	)
	if want := []string{"speed-up 3.60 of 4 (95 % interval 3.5 to 3.7)"}; !slices.Equal(got[1].Evidence, want) {
		t.Errorf("evidence = %q, want the interval", got[1].Evidence)
	}
	if want := []string{
		"cost per packet: 1000 at 1 CPU, 2666 at 4 CPUs (ns/packet)", "shared n=1: 10150 packets/s",
		"shared n=4: 10343 packets/s",
		"knee: at N=2 efficiency 0.51", "no scaling law: too few N",
	}; !slices.Equal(got[0].Evidence, want) {
		t.Errorf("evidence = %q, want %q", got[0].Evidence, want)
	}
	vague := scale(scaledResult(scaled{mode: "two runs", speedup: single(1),
		cost: costs(100, between(50, -300, 400))}))[0]
	if !strings.HasSuffix(vague.Claim, "a packet costs 50 % more ns (not shown: the interval holds 0)") {
		t.Errorf("claim %q, want that it is not shown", vague.Claim)
	}
	doubted := scale(scaledResult(scaled{mode: "m", speedup: single(1), cost: costs(100, single(50)),
		rates: []float64{1, 1}, broken: true}))[0]
	if !strings.HasSuffix(doubted.Claim, "50 % more ns (in doubt)") ||
		!slices.Contains(doubted.Evidence,
			"the cost is in doubt: fails cross-check cost-per-packet (2 of 2 runs)") {
		t.Errorf("%+v, want the doubt in claim and evidence", doubted)
	}
}

func TestFramesAndWalk(t *testing.T) {
	known := func(v, lo, hi float64) compare.Estimate {
		return compare.Estimate{Value: v, Interval: compare.Interval{Lo: lo, Hi: hi, Level: 0.95}}
	}
	table := &scaling.FrameTable{Unit: "ns/packet", Base: 1, Last: 8, Tested: 12, Stops: 1,
		Rows: []scaling.FrameRow{
			{Key: "xfrm_state_find", Base: 50, AtLast: 300, Added: 250, Stops: true,
				Exponent: scaling.Exponent{Slope: known(0.86, 0.7, 1.0)}, First: scaling.First{N: 4}},
			{Key: "esp_output", Base: 50, AtLast: 52, Added: 2},
		}}
	timed := &scaling.Walk{PerSA: known(1.5, 1.2, 1.8), Fixed: known(80, 70, 90), Walks: true, Share: 0.6,
		Most: 100, Runs: 20}
	r := &result.Result{Curves: []result.Curve{{Mode: "pcpu", Walk: timed,
		CurveCost: result.CurveCost{Frames: table}}, {Mode: "plain"}}}
	claims(t, frames(r), "pcpu: 1 of 12 functions tested stop scaling: xfrm_state_find (N^0.86)")
	claims(t, walk(r), "pcpu: xfrm_state_find is O(SAs): 1.5 ns for each SA in the bucket (95 % interval 1.2 to "+
		"1.8), at 100 SAs 60 % of the lookup")
	timed.Walks = false
	claims(t, walk(r), "pcpu: xfrm_state_find was not shown to get slower with SAs: 1.5 ns for each SA in the "+
		"bucket (95 % interval 1.2 to 1.8)")
}

// Where there are runs without IPsec, it is not said that there are none.
func TestScaleOfUnknownCeiling(t *testing.T) {
	r := scaledResult(scaled{mode: "shared", speedup: single(3), runs: 5},
		scaled{mode: "plain", speedup: single(4), runs: 5},
		scaled{mode: "pcpu", speedup: single(5), runs: 5})
	r.Curves[0].Ceiling = &scaling.Ceiling{Missing: compare.Because(compare.NotApplicable, "no plateau")}
	for i, want := range []string{"the ceiling is not known, no plateau.", "rings, pauses",
		"without a run without IPsec"} {
		if got := scale(r)[i].NotProven; !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", r.Curves[i].Mode, got, want)
		}
	}
}
