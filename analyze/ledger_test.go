package analyze

import (
	"math"
	"strings"
	"testing"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

// ledgerRun has two SAs whose counters were read around the count probe's phase
// of 1980 packets, 20 before and after it.
func ledgerRun() *testrun.Run {
	m := testrun.Make("pcpu", 2)
	for cpu := range uint32(2) {
		for phase, n := range map[string]uint64{"count-start": 0, "count-end": 1000} {
			m.SAs = append(m.SAs, bundle.SA{Phase: phase, SPI: 0x1001 + cpu, Dir: "out", PCPU: &cpu,
				Packets: n})
		}
	}
	return m
}

func TestLockLedger(t *testing.T) {
	encap := func(m *testrun.Run, spi uint32, kind string) {
		for i := range m.SAs {
			if m.SAs[i].SPI == spi {
				m.SAs[i].Encap = kind
			}
		}
	}
	taken := func(m *testrun.Run, cpu int, n uint64) {
		for _, l := range m.Locks {
			if l.Acquire != nil && l.Acquire.Phase == "count" && l.Acquire.CPU == cpu {
				l.Acquire.Count = n
			}
		}
	}
	const limit = checks.LedgerLimit + 20.0/1980
	for _, tt := range []struct {
		name        string
		make        func(m *testrun.Run)
		verdict     string
		residual    float64
		limit       float64
		left, right string // parts of the texts
	}{
		{"as packets", func(m *testrun.Run) {}, result.CheckHolds, 0, limit + 2.0/990,
			"SA 0x1001 of CPU 0, of 2 the furthest off", "its packets in the phase"},
		{"its ends are known to be open",
			func(m *testrun.Run) { phase(m, "count").Edge = 198 }, result.CheckHolds,
			0, checks.LedgerLimit + 0.1 + 2.0/990, "SA 0x1001", "its packets"},
		{"one is taken twice without encapsulation",
			func(m *testrun.Run) { taken(m, 1, 1980) }, result.CheckBroken,
			1, limit + 2.0/990, "SA 0x1002 of CPU 1", "its packets"},
		{"all are taken twice without encapsulation",
			func(m *testrun.Run) { taken(m, 0, 1980); taken(m, 1, 1980) }, result.CheckBroken, 1, limit +
				2.0/990, "SA 0x1001", "its packets"},
		{"UDP takes it twice", func(m *testrun.Run) {
			encap(m, 0x1001, "udp 4500 4500")
			encap(m, 0x1002, "udp 4500 4500")
			taken(m, 0, 1980)
			taken(m, 1, 1990)
		},
			result.CheckHolds, 10.0 / 1980, limit + 4.0/1980, "SA 0x1002",
			"2 x its packets in the phase (UDP encapsulation)"},
		{"UDP that takes it once",
			func(m *testrun.Run) { encap(m, 0x1002, "udp 4500 4500") }, result.CheckBroken,
			-0.5, limit + 4.0/1980, "SA 0x1002", "2 x its packets"},
		{"one misses what the other has too much", func(m *testrun.Run) { taken(m, 0, 900); taken(m, 1, 1080) },
			result.CheckBroken, -1.0 / 11, limit + 2.0/990, "SA 0x1001", "its packets"},
		{"TCP is not known",
			func(m *testrun.Run) { encap(m, 0x1001, "tcp 4500 4500"); encap(m, 0x1002, "tcp 4500 4500") },
			result.NotMeasured, 0, checks.RoughLimit, "", ""},
	} {
		m := ledgerRun()
		tt.make(m)
		run := analyse(t, m.Open(t, "a")).Runs[0]
		for _, id := range run.ConsistencyChecks {
			if id.ID != "lock-packets" {
				continue
			}
			if id.Verdict != tt.verdict || math.Abs(id.Residual-tt.residual) > 1e-9 ||
				math.Abs(id.Limit-tt.limit) > 1e-9 ||
				!strings.Contains(id.Left.Text, tt.left) || !strings.Contains(id.Right.Text, tt.right) {
				t.Errorf("%s: %+v, want %s, residual %v, limit %v", tt.name, id, tt.verdict,
					tt.residual, tt.limit)
			}
		}
	}
}

// phase is the phase of a name.
func phase(m *testrun.Run, name string) *bundle.Phase {
	for i := range m.Manifest.Phases {
		if m.Manifest.Phases[i].Name == name {
			return &m.Manifest.Phases[i]
		}
	}
	return nil
}

// Calls are held against the packets within 1 % and what the ends leave open.
func TestFindLedger(t *testing.T) {
	for _, tt := range []struct {
		edge    uint64
		verdict string
	}{{0, result.CheckBroken}, {10, result.CheckBroken}, {100, result.CheckHolds}} { // 42 of 1980 calls too many
		m := testrun.Make("pcpu", 2)
		phase(m, "find").Edge = tt.edge
		for i := range m.Finds {
			if a := m.Finds[i].Account; a != nil {
				a.Calls += 21
			}
		}
		for _, id := range analyse(t, m.Open(t, "a")).Runs[0].ConsistencyChecks {
			if id.ID == "find-packets" && id.Verdict != tt.verdict {
				t.Errorf("%d packets at the ends: %+v, want %s", tt.edge, id, tt.verdict)
			}
		}
	}
}
