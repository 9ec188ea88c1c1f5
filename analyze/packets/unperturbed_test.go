package packets

import (
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

func TestUnperturbed(t *testing.T) {
	phase := func(name, probe string, packets uint64) bundle.Phase {
		return bundle.Phase{Name: name, Probe: probe, Packets: packets, Counted: true,
			Window: bundle.Window{StartNS: 0, EndNS: 1e9}}
	}
	for _, tt := range []struct {
		name     string
		phases   []bundle.Phase
		counting bool
		want, se float64 // want 0: none
	}{
		{"none", nil, false, 0, 0},
		{"perf counts in the only one", []bundle.Phase{phase("none-0", "", 900)}, true, 900, 0},
		{"perf counts in the first", []bundle.Phase{phase("none-0", "", 900), phase("wait", "wait", 500),
			phase("none-1", "", 1000)}, true, 1000, 0},
		{"the median", []bundle.Phase{phase("none-0", "", 1000), phase("none-1", "", 1030),
			phase("none-2", "", 970)}, false, 1000, 21.708},
		{"the load ended", []bundle.Phase{phase("none-0", "", 1000), phase("none-1", "", 0)}, false, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &result.Run{Packets: result.Packets{BySA: true,
				Rate: metric.Value{Value: 800, Unit: "packets/s"}}}
			r.Manifest.Phases = tt.phases
			SetUnperturbed(r, tt.counting)
			v := r.Packets.Unperturbed
			if tt.want == 0 {
				if v != nil || r.Packets.PerfEffect != nil || r.Packets.Headline().Value != 800 {
					t.Fatalf("unperturbed %+v, want none", v)
				}
				return
			}
			if v == nil || v.Value != tt.want || v.SE < tt.se-.01 || v.SE > tt.se+.01 {
				t.Fatalf("unperturbed %+v, want %v +- %v", v, tt.want, tt.se)
			}
			if e := r.Packets.PerfEffect; e.Value != 800/tt.want-1 {
				t.Errorf("effect of perf %+v", e)
			}
		})
	}
}
