package record

import (
	"slices"
	"testing"
	"time"

	"xfrmscope/collect/bundle"
)

func TestPhases(t *testing.T) {
	plan := bundle.Plan{DurationNS: 20e9, Probes: bundle.Probes()}
	want := []string{"none-0", "wait", "none-1", "count", "none-2", "time", "none-3", "find", "none-4", "stacks",
		"none-5"}
	if got := phaseNames(plan.Probes); !slices.Equal(got, want) {
		t.Errorf("phases %q", got)
	}
	for _, test := range []struct {
		phase, duration time.Duration
		probe, free     time.Duration
	}{{0, 20e9, 2e9, 1e9}, {0, 1e9, 1e9, 5e8}, {4e9, 1e9, 4e9, 2e9}} {
		plan := bundle.Plan{DurationNS: 1, PhaseNS: 0}
		plan.PhaseNS, plan.DurationNS = test.phase, test.duration
		if phaseLength(plan, "count") != test.probe || phaseLength(plan, "none-1") != test.free {
			t.Errorf("phase %v of a run of %v: %v, %v", plan.PhaseNS, plan.DurationNS,
				phaseLength(plan, "count"), phaseLength(plan, "none-1"))
		}
	}
}

func TestSentBetween(t *testing.T) {
	sa := func(spi uint32, dir string, packets, oseq uint64) bundle.SA {
		return bundle.SA{Proto: "esp", SPI: spi, Dir: dir, Packets: packets, OSeq: oseq}
	}
	tests := []struct {
		name          string
		before, after []bundle.SA
		packets       uint64
		counted       bool
	}{
		{"none", nil, nil, 0, false},
		{"inbound", []bundle.SA{sa(1, "in", 1, 0)}, []bundle.SA{sa(1, "in", 9, 0)}, 0, false},
		{"outbound", []bundle.SA{sa(1, "out", 1, 1), sa(2, "out", 0, 0)},
			[]bundle.SA{sa(1, "out", 9, 9), sa(2, "out", 0, 0)}, 8, true},
		{"new", nil, []bundle.SA{sa(1, "out", 9, 9)}, 9, true},
		{"anew", []bundle.SA{sa(1, "out", 10, 1)}, []bundle.SA{sa(1, "out", 9, 9)}, 9, true},
		{"by the sequence number", []bundle.SA{sa(1, "", 1, 1), sa(2, "", 1, 0)},
			[]bundle.SA{sa(1, "", 5, 5), sa(2, "", 7, 0)}, 4, true},
	}
	for _, test := range tests {
		if packets, counted := sentBetween(test.before, test.after); packets != test.packets ||
			counted != test.counted {
			t.Errorf("%s: %d packets, counted %t", test.name, packets, counted)
		}
	}
}

// What an SA carried that was deleted in between is not known.
func TestDeletedBetween(t *testing.T) {
	cpu := uint32(3)
	there := bundle.SA{NetNS: "west", SPI: 1, Dir: "out"}
	before := []bundle.SA{there, {NetNS: "west", SPI: 2, Dir: "out", PCPU: &cpu}, {NetNS: "west", SPI: 3, OSeq: 9},
		{NetNS: "west", SPI: 4, Dir: "in"}, {NetNS: "west", SPI: 5, Dir: "out", Larval: true},
		{NetNS: "east", SPI: 6, Dir: "out"}}
	if got := deletedBetween(before, []bundle.SA{there}); !slices.Equal(got, []string{"0x2 of CPU 3", "0x3"}) {
		t.Errorf("%q were deleted, want 0x2 and 0x3: not an inbound or a larval one, nor one of a namespace "+
			"that was not read", got)
	}
}

func TestSentWithin(t *testing.T) {
	read := func(at int64, packets uint64) saRead {
		return saRead{at, []bundle.SA{{Proto: "esp", SPI: 1, Dir: "out", Packets: packets}}}
	}
	tests := []struct {
		name  string
		reads []saRead
		want  uint64
		edge  uint64
	}{
		{"in the middle", []saRead{read(90, 0), read(110, 20), read(190, 100), read(210, 120)}, 100, 40},
		{"at once", []saRead{read(100, 0), read(100, 0), read(200, 100), read(200, 100)}, 100, 0},
		{"late to start", []saRead{read(100, 0), read(140, 40), read(200, 100), read(200, 100)}, 100, 40},
		{"late to end", []saRead{read(100, 0), read(100, 0), read(180, 80), read(220, 120)}, 100, 40},
		{"none within", []saRead{read(90, 0), read(215, 125)}, 100, 0},
	}
	for _, test := range tests {
		if got, counted := sentWithin(bundle.Window{StartNS: 100, EndNS: 200}, test.reads); got != test.want ||
			!counted {
			t.Errorf("%s: %d, %t", test.name, got, counted)
		}
		if edge := sentAtEnds(test.reads); edge != test.edge {
			t.Errorf("%s: %d at the ends", test.name, edge)
		}
	}
}
