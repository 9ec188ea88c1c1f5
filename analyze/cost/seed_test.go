package cost

import (
	"math"
	"os"
	"strings"
	"testing"

	"xfrmscope/analyze/importer"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
)

// seedGraph is the published flame graph of a sending CPU, drawn from cycles.
const seedGraph = "../../shared/fixtures/seed/flamegraph-xfrm_state_find.svg"

func seedEvent(t *testing.T) *result.Event {
	t.Helper()
	f, err := os.Open(seedGraph)
	if err != nil {
		t.Skipf("the published flame graph is not here: %v", err)
	}
	defer f.Close()
	im, err := importer.Read(f, importer.Options{Name: "graph.svg"})
	if err != nil {
		t.Fatal(err)
	}
	return NewEvent(Classify(im.Profiles[0], stage.Default()), 0, packets.None(bundle.Gap{}))
}

// The shares that were computed by hand from the graph when the table was made.
func TestStagesOfPublishedGraph(t *testing.T) {
	e := seedEvent(t)
	got, sum := map[string]float64{}, 0.0
	for _, s := range e.All.Stages {
		got[s.Name] = 100 * s.Share.Value
		sum += s.Share.Value
	}
	for name, want := range map[string]float64{
		"SA lookup": 11.6, "bundle build": 10.3, "DMA/IOMMU": 9.8, "SPD lookup": 9.5, "XFRM output": 9.3,
		"slab/page":           9.1,
		"IP forward/route/nf": 7.6, "dst/SA refcount": 5.7, "qdisc": 5.5, "crypto": 5.4, "device TX": 5.4,
		"RX driver/GRO/NAPI": 3.8,
		"bundle free (RCU)":  3.5, "ESP framing": 1.9, "skb alloc/free": 1.5, "RCU/softirq/other": 0.3,
	} {
		if math.Abs(got[name]-want) > 0.1 {
			t.Errorf("%s: %.3f %%, want %.1f", name, got[name], want)
		}
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("stages sum to %v", sum)
	}
	if got[stage.Unmatched] > 0.1 {
		t.Errorf("%.4f %% unmatched, want at most 0.1: %+v", got[stage.Unmatched], e.Unmatched)
	}
	t.Logf("unmatched: %.4f %%", got[stage.Unmatched])
}

// No XFRM lock is waited for in that graph: the lock word is what costs. All
// spinning is of the IOVA allocator and the page allocator.
func TestLocksOfPublishedGraph(t *testing.T) {
	e := seedEvent(t)
	self := 0.0
	for _, f := range e.All.Functions {
		if strings.HasPrefix(f.Name, "_raw_spin_lock_bh") {
			self += f.Share.Value
		}
	}
	for _, v := range []struct {
		name      string
		got, want float64
	}{
		{"_raw_spin_lock_bh, self", self, 3.13},
		{"spin share", e.All.SpinShare.Value, 1.63},
		{"spin in IOVA allocation", spinBelow(e, "iova"), 1.21},
		{"spin in the page allocator", spinBelow(e, "rmqueue", "free_unref", "free_pcppages", "free_pages"),
			0.42},
		{"spin below XFRM and ESP", spinBelow(e, "xfrm_output", "xfrm_state", "esp_output", "xfrm4_dst"), 0},
	} {
		if math.Abs(100*v.got-v.want) > 0.005 {
			t.Errorf("%s: %.4f %%, want %.2f", v.name, 100*v.got, v.want)
		}
	}
	callers := map[string]float64{}
	for _, c := range e.All.LockWordCallers {
		callers[stage.Strip(c.Name)] += 100 * c.Share.Value
	}
	for name, want := range map[string]float64{"xfrm_output_resume": 1.96, "esp_output": 0.81,
		"xfrm4_dst_destroy": 0.29, "xfrm4_fill_dst": 0.06} {
		if math.Abs(callers[name]-want) > 0.006 {
			t.Errorf("lock word below %s: %.4f %%, want %.2f", name, callers[name], want)
		}
	}
	if e.All.LockWordShare.ID != metric.LockWordID || e.All.LockWordShare.Value < self {
		t.Errorf("lock-word share %+v, want at least the %.4f of _raw_spin_lock_bh", e.All.LockWordShare, self)
	}
}

// spinBelow is the share of stacks that end in a slow path entered on the way
// of a function whose name holds one of the words, closest to the leaf first.
func spinBelow(e *result.Event, words ...string) float64 {
	sum := 0.0
	places := Classify(e.Profile, stage.Default()).places
	for i := range e.Profile.Cells {
		c := &e.Profile.Cells[i]
		if places[c.Stack].Lock == stage.Spin && nearLeaf(e.Profile, e.Profile.Stacks[c.Stack], words) {
			sum += float64(c.Period)
		}
	}
	return sum / e.All.Busy.Period
}

func nearLeaf(p *profile.Profile, s profile.Stack, words []string) bool {
	for _, loc := range s[:min(4, len(s))] {
		for _, w := range words {
			if strings.Contains(p.FunctionName(loc), w) {
				return true
			}
		}
	}
	return false
}
