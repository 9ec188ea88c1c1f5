package finding

import (
	"strings"
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
)

func TestFills(t *testing.T) {
	value := metric.Value{Value: 2.5, SE: 0.1, Unit: "events/packet"}
	run := &result.Run{Mode: "pcpu", N: 4, Misses: []result.Miss{
		{Event: "L1-dcache-load-misses:k", CPU: result.AllCPUs, PerPacket: value},
		{Event: "ls_dmnd_fills_from_sys.near_cache:k", CPU: 2, PerPacket: value},
		{Event: "ls_dmnd_fills_from_sys.near_cache:k", CPU: result.AllCPUs, PerPacket: value,
			Functions: []result.Intensity{{Name: "xfrm_state_find",
				Misses: metric.Value{Value: 0.5, SE: 0.01}}}}}}
	r := &result.Result{Runs: []*result.Run{run}, Curves: []result.Curve{{Mode: "pcpu", Runs: []int{0}}}}
	found := fills(r)
	if len(found) != 1 || found[0].Claim != "pcpu on 4 CPUs: lines from other caches: 2.5 +- 0.196 events/packet "+
		"of "+
		"ls_dmnd_fills_from_sys.near_cache:k" ||
		!strings.Contains(found[0].Evidence[0], "50.0 +- 2.0 % in xfrm_state_find") {
		t.Errorf("%+v", found)
	}
	run.Misses = run.Misses[:2]
	if found := fills(r); len(found) != 0 {
		t.Errorf("no transfers counted: %+v", found)
	}
}
