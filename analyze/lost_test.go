package analyze

import (
	"testing"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// What a filter dropped the user asked for: it is no lost sample.
func TestLostGate(t *testing.T) {
	for _, test := range []struct {
		loss           bundle.Loss
		lost, throttle string
	}{
		{bundle.Loss{Kind: bundle.LossFiltered, What: "samples dropped by a BPF filter (LOST_SAMPLES)",
			Count: 90}, result.GateOK, result.GateOK},
		{bundle.Loss{Kind: bundle.LossSamples, What: "samples dropped by the kernel (LOST_SAMPLES)", Count: 90},
			result.GateFailed, result.GateOK},
		{bundle.Loss{Kind: bundle.LossThrottled, What: "throttled intervals (THROTTLE)", Count: 90},
			result.GateOK, result.GateFailed},
	} {
		e := &result.Event{Name: "cycles:k", Unit: "cycles", Losses: []bundle.Loss{test.loss}}
		e.All.Total = metric.Estimate{Samples: 10, Period: 10}
		r := &result.Run{Events: []*result.Event{e}}
		if g := checks.LostGate(r); g.Status != test.lost {
			t.Errorf("%s: lost-samples is %s: %s, want %s", test.loss.What, g.Status, g.Evidence, test.lost)
		}
		if g := checks.ThrottleGate(r); g.Status != test.throttle {
			t.Errorf("%s: throttled is %s: %s, want %s", test.loss.What, g.Status, g.Evidence,
				test.throttle)
		}
	}
}
