package finding

import (
	"strings"
	"testing"

	"xfrmscope/analyze/compare"
)

func TestScale(t *testing.T) {
	single := func(v float64) compare.Estimate {
		return compare.Estimate{Value: v, Interval: compare.NoInterval(compare.Because(compare.TooFewRuns, "one run"))}
	}
	got := Scale([]ScalePoint{
		{Mode: "pcpu", Base: 1, N: 4, Speedup: compare.Estimate{Value: 3.6, Interval: compare.Interval{Lo: 3.5, Hi: 3.7, Level: 0.95}}, Repeats: 5},
		{
			Mode: "shared", Base: 1, N: 4, Speedup: single(1.02), Repeats: 1, CostUnit: "ns/packet", CostBase: 1000, CostAdded: single(1666),
			Stages:   []Added{{"XFRM input", 800, 0.48}, {"XFRM output", 300, 0.18}, {"crypto", 100, 0.06}},
			Rates:    []Rate{{"shared n=1", 10150}, {"shared n=4", 10343}},
			KneeText: "at 2 CPUs", LawMissing: "too few N",
		},
	})
	vague := Scale([]ScalePoint{{Mode: "two runs", Base: 1, N: 4, Speedup: single(1), CostUnit: "ns/packet", CostBase: 100,
		CostAdded: compare.Estimate{Value: 50, Interval: compare.Interval{Lo: -300, Hi: 400, Level: 0.95}}}})
	if c := vague[0].Claim; !strings.HasSuffix(c, "a packet costs 50 % more ns (not shown: the interval holds 0)") {
		t.Errorf("claim %q, want that it is not shown", c)
	}
	doubted := Scale([]ScalePoint{{Mode: "m", Base: 1, N: 4, CostUnit: "ns/packet", CostBase: 100, CostAdded: single(50), CostDoubt: "sum cost-per-packet is broken (1 of 2 runs)"}})[0]
	if !strings.HasSuffix(doubted.Claim, "50 % more ns (in doubt)") || !strings.Contains(strings.Join(doubted.Evidence, "\n"), "in doubt: sum cost-per-packet is broken (1 of 2 runs)") {
		t.Errorf("%+v, want the doubt in claim and evidence", doubted)
	}
	want := []string{
		"shared: 4 CPUs send 1.0 times what 1 CPU sends (ideal 4); a packet costs 167 % more ns, 48 % of it in XFRM input, 18 % of it in XFRM output",
		"pcpu: 4 CPUs send 3.6 times what 1 CPU sends (ideal 4)",
	}
	for i := range want {
		if got[i].Claim != want[i] {
			t.Errorf("claim %d = %q\nwant %q", i, got[i].Claim, want[i])
		}
	}
	if e := got[1].Evidence; len(e) != 1 || e[0] != "speed-up 3.60 of 4 (95 % interval 3.5 to 3.7)" {
		t.Errorf("evidence = %q, want the interval", e)
	}
	if strings.Contains(strings.Join(got[0].Evidence, "\n"), "interval") {
		t.Errorf("evidence of single runs = %q", got[0].Evidence)
	}
	if len(got[0].Evidence) != 5 {
		t.Errorf("evidence = %q", got[0].Evidence)
	}
}
