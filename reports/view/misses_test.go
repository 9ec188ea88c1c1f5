package view

import (
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
)

// A column for each event that counts, per packet, the stage that has most first; time,
// instructions and what has no packets have none.
func TestMissStages(t *testing.T) {
	value := func(v float64) metric.Value { return metric.Value{Value: v, Unit: "events/packet"} }
	event := func(name string, lookup, build float64) *result.Event {
		return &result.Event{Name: name, Unit: "count", All: result.CPU{PerPacket: value(lookup + build),
			Stages: []result.Share{{Name: "bundle build", PerPacket: value(build), Share: value(0.5)},
				{Name: "SA lookup", PerPacket: value(lookup), Share: value(0.5)}}}}
	}
	unknown := event("L1-dcache-load-misses:k", 1, 1)
	unknown.All.PerPacket = metric.NotMeasured("", "", result.MissingReading)
	run := &result.Run{Mode: "pcpu", N: 8, Events: []*result.Event{{Name: "cycles:k", Unit: "cycles"},
		event("instructions:k", 7, 7), event("ls_dmnd_fills_from_sys.near_cache:k", 3, 1),
		event("dTLB-load-misses:k", 0.5, 2), unknown},
		Counted: []result.Total{{Event: "cycles:k"}, {Event: "stalled-cycles-backend:k"}}}
	got := MissStages([]*result.Run{run})
	want := [][]string{{"all stages", "4", "2.500"}, {"SA lookup", "3", "0.5000"},
		{"bundle build", "1", "2"}}
	if len(got.Head) != 3 || got.Head[1].Unit != run.Events[2].Name || len(got.Rows) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i, row := range want {
		for k, text := range row {
			if got.Rows[i][k].Text != text {
				t.Errorf("row %d: %q, want %q", i, got.Rows[i][k].Text, text)
			}
		}
	}
	if text := TopStages(run.Events[2], 1); text == "" {
		t.Error("no stage has most")
	}
	if list := UnsampledCounts(run); len(list) != 1 || list[0].Event != "stalled-cycles-backend:k" {
		t.Errorf("%+v", list)
	}
}
