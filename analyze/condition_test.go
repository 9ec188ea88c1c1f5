package analyze

import (
	"strings"
	"testing"

	"xfrmscope/analyze/result"
	"xfrmscope/analyze/sides"
)

func TestParseCondition(t *testing.T) {
	for text, want := range map[string]sides.Condition{
		"lock_wait_ns_per_packet>5%": {Metric: "lock_wait_ns_per_packet", Limit: 0.05, Relative: true},
		" packet_rate@4 < -2.5 % ":   {},
		"packet_rate@4<-2.5%": {Metric: "packet_rate", N: 4, Below: true, Limit: -0.025,
			Relative: true},
		"cost_per_packet>50 ns/packet": {Metric: "cost_per_packet", Limit: 50, Unit: "ns/packet"},
		"spin_share>0.02":              {Metric: "spin_share", Limit: 0.02},
		"headline>5%":                  {Metric: "headline", Limit: 0.05, Relative: true},
	} {
		c, err := sides.ParseCondition(text)
		if err != nil {
			if want != (sides.Condition{}) {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		want.Text = strings.TrimSpace(text)
		if c != want && want.Metric != "" {
			t.Errorf("%q: %+v, want %+v", text, c, want)
		}
	}
	for text, want := range map[string]string{
		"":                          "no condition",
		"cost_per_packet":           "no condition",
		"cost_per_packet>":          "no condition",
		"cost_per_packet>NaN%":      "no condition",
		"cost_per_packet=5%":        "no condition",
		"cost_per_packet>5%; rm":    "no condition",
		"wait>5%":                   "there is no metric wait; there are headline, packet_rate",
		"packet_rate>5%":            "better when higher",
		"packet_rate<5%":            "better when higher",
		"cost_per_packet<-5%":       "better when lower",
		"cost_per_packet>-5%":       "better when lower",
		"headline<-5%":              "headline>5%",
		"headline>5":                "headline>5%",
		"headline@4>5%":             "headline>5%",
		"cost_per_packet@9999999>1": "no condition",
		"speedup<-5%":               "speedup is no number of one run",
		"knee<-1":                   "knee is no number of one run",
		"bill>5%":                   "bill is no number of one run",
		"ceiling_ratio<-5%":         "ceiling_ratio is no number of one run",
		"lock_waits>5%":             "lock_waits grows with the length of the window",
	} {
		if c, err := sides.ParseCondition(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v, want an error with %q", text, c, err, want)
		}
	}
}

func FuzzParseCondition(f *testing.F) {
	f.Add("lock_wait_ns_per_packet@4>5%")
	f.Add("cost_per_packet>1e999 ns")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := sides.ParseCondition(text)
		if err == nil && (c.Metric == "" || c.Limit != c.Limit) {
			t.Errorf("%q became %+v", text, c)
		}
	})
}

func TestJudge(t *testing.T) {
	before, after := newLab(1, 4, 0.5).sweep("pcpu", 6, 1, 4), newLab(2, 4.4, 0.5).sweep("pcpu", 6, 1, 4)
	r, err := sides.Compare(before, after, sides.CompareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// 10.5 to 10.9 us at 4 CPUs, 9 to 9.4 at 1: +3.8 and +4.4 %.
	for text, want := range map[string]struct {
		outcome result.Outcome
		unclear bool
		why     string
	}{
		"cost_per_packet>1%":     {outcome: result.Regression},
		"cost_per_packet>10%":    {outcome: result.Held},
		"cost_per_packet>3.8%":   {outcome: result.Held, unclear: true}, // either way, by the medians
		"cost_per_packet>100 ns": {outcome: result.Regression},
		"cost_per_packet>900 ns": {outcome: result.Held},
		"cost_per_packet>1 cycles": {outcome: result.Unmeasured,
			why: "the limit is in cycles, the number in ns/packet"},
		"packet_rate<-1%":            {outcome: result.Regression},
		"packet_rate@1<-10%":         {outcome: result.Held},
		"packet_rate@2<-1%":          {outcome: result.Unmeasured, why: "not both sides have runs at this N"},
		"headline>1%":                {outcome: result.Regression},
		"headline>10%":               {outcome: result.Held},
		"mpki>5%":                    {outcome: result.Unmeasured, why: "no run has it"},
		"contention_ratio>5%":        {outcome: result.Unmeasured, why: "not measured"},
		"lock_wait_ns_per_packet>9%": {outcome: result.Held},
	} {
		c, err := sides.ParseCondition(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		for _, j := range c.Judge(r) {
			if want.unclear {
				if !j.Unclear {
					t.Errorf("%q: clear, at %+v", text, j.C.Ratio)
				}
				continue
			}
			if j.Outcome != want.outcome || j.Unclear || !strings.Contains(j.Why, want.why) {
				t.Errorf("%q: %s, unclear %v, %q, want %+v; ratio %+v", text, j.Outcome, j.Unclear,
					j.Why, want, j.C.Ratio)
			}
		}
	}
	if got := (sides.Condition{Metric: "packet_rate"}).Judge(&result.Result{}); len(got) != 1 ||
		got[0].Outcome != result.Unmeasured {
		t.Errorf("without a comparison: %+v", got)
	}
}

// From nothing there is no relative change: any rise is one.
func TestJudgeFromNothing(t *testing.T) {
	r, err := sides.Compare(newLab(1, 4, 0).sweep("pcpu", 6, 4), newLab(2, 4, 0.5).sweep("pcpu", 6, 4),
		sides.CompareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := sides.ParseCondition("spin_share>5%")
	if got := c.Judge(r); len(got) != 1 || got[0].Outcome != result.Regression || got[0].Unclear {
		t.Errorf("from no spinning to some: %+v", got)
	}
}
