package importer

import (
	"strings"
	"testing"
)

const (
	rates = "# frame size 1440,pps 100,tx per flow " +
		"1G\n#flows,run_1,run_2,avg_2\n1,3.13,3.11,3.12\n2,6.26,6.24,6.25\n"
	losses = "#flows,run_1,run_2,cum_error\n1,0.00,0.00,0.00\n2,0.10,0.30,0.20\n"
)

func TestMergeTraffic(t *testing.T) {
	read := func(name, text string) TrafficFile {
		return TrafficFile{name, readText(t, trexTable, name, text).Traffic}
	}
	merged, err := MergeTraffic([]TrafficFile{read("lp", losses), read("rates", rates)})
	if err != nil {
		t.Fatal(err)
	}
	runs := merged.Runs()
	if len(merged.Points) != 4 || len(runs) != 4 {
		t.Fatalf("%d points, %d runs, want 4", len(merged.Points), len(runs))
	}
	if p := runs[3][0]; p.N != 2 || p.Run != 2 || p.Rx.Rate.Value != 6.24 || p.LossShare == nil ||
		*p.LossShare != 0.003 {
		t.Errorf("last run %+v, want its rate and its loss", p)
	}
	// Rounding is no contradiction; a second direction is a part of the run, a
	// repeat without a number another run.
	rounded := strings.ReplaceAll(rates, "6.24", "6.245")
	if _, err := MergeTraffic([]TrafficFile{read("a", rates), read("b", rounded)}); err != nil {
		t.Error(err)
	}
	// A numbered run that a file holds twice is one run; another measurement of that number is not.
	run := func(packets uint64) Point {
		return Point{N: 1, Run: 1, Factor: "flows", Rx: Side{Packets: &packets}}
	}
	twice, err := MergeTraffic([]TrafficFile{{"t", &Traffic{Points: []Point{run(7), run(7), run(8)}}}})
	if err != nil || len(twice.Points) != 2 || len(twice.Points[0].Warnings) != 1 {
		t.Errorf("%+v, %v, want two points and a warning", twice, err)
	}
	both := Traffic{Points: []Point{{N: 1, Direction: "fwd"}, {N: 1, Direction: "rev"}, {N: 1, Direction: "fwd"}}}
	if runs := both.Runs(); len(runs) != 2 || len(runs[0]) != 2 {
		t.Errorf("runs %+v, want two", runs)
	}
}
