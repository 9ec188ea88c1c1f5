package packets

import (
	"math"
	"strings"
	"testing"

	"xfrmscope/analyze/result"
	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

// softnet is packets that the network softirqs of CPU 0, 1, ... processed.
func softnet(processed ...uint64) []bundle.Counter {
	var out []bundle.Counter
	for cpu, n := range processed {
		const before = 1<<32 - 100 // the kernel's counter wraps
		row := bundle.Counter{Source: "/proc/net/softnet_stat", Name: "processed", CPU: &cpu}
		row.Phase, row.Value = "start", before
		out = append(out, row)
		row.Phase, row.Value = "end", (before+n)%(1<<32)
		out = append(out, row)
	}
	return out
}

func TestSenders(t *testing.T) {
	of := func(spi uint32, packets uint64, pcpu *uint32) result.SA {
		return result.SA{SA: bundle.SA{NetNS: "west", SPI: spi, PCPU: pcpu}, DeltaPackets: packets,
			Outbound: true}
	}
	found := func(netns string, spi uint32, cpu int, n uint64) bundle.FindRow {
		return bundle.FindRow{NetNS: netns, SPI: spi, CPU: cpu, State: "0x1", Count: n}
	}
	perCPU := []result.SA{of(1, 300, testrun.PCPU(0)), of(2, 100, testrun.PCPU(1)), of(3, 600, testrun.PCPU(5))}
	shared := []result.SA{of(9, 1000, nil)}
	inbound := []result.SA{{SA: bundle.SA{NetNS: "west", SPI: 7, Dir: "in", PCPU: testrun.PCPU(0)},
		DeltaPackets: 1000}}
	for _, tt := range []struct {
		name      string
		sas       []result.SA
		in        Rows
		want      float64 // 1: nothing to say
		low, high float64
		se        float64
		missing   string
	}{
		{name: "all are measured", sas: perCPU[:2], want: 1},
		{name: "more send than are measured", sas: perCPU, want: 0.4},
		{name: "as above, whatever the softirqs say", sas: perCPU,
			in: Rows{Counters: softnet(1, 1, 0, 0, 0, 98)}, want: 0.4},
		{name: "the load counts by CPU", sas: shared,
			in: Rows{Traffic: &bundle.Traffic{Packets: 100,
				PerCPU: []bundle.CPUPackets{{CPU: 0, Packets: 20}, {CPU: 9, Packets: 80}}}}, want: 0.2},
		{name: "shared, nothing tells", sas: shared, want: 1},
		{name: "shared, looked up on measured CPUs", sas: shared,
			in: Rows{Counters: softnet(10, 10, 80),
				Finds: bundle.Finds{Rows: []bundle.FindRow{found("west", 9, 0, 500),
					found("west", 9, 1, 500)}}}, want: 1},
		{name: "shared, looked up elsewhere, too", sas: shared,
			in: Rows{Finds: bundle.Finds{Rows: []bundle.FindRow{found("west", 9, 1, 100),
				found("west", 9, 5, 300), found("east", 9, 0, 900)}}},
			want: 0.25, se: math.Sqrt(0.25 * 0.75 / 400)},
		{name: "too few lookups to tell", sas: shared,
			in: Rows{Counters: softnet(90, 0, 10),
				Finds: bundle.Finds{Rows: []bundle.FindRow{found("west", 9, 1, 3),
					found("west", 9, 5, 7)}}},
			missing: "network softirqs processed 10 % of the packets on CPUs other than 0-1"},
		{name: "shared, 1 to 5 % elsewhere", sas: shared, in: Rows{Counters: softnet(97, 0, 3)}, want: 1,
			low: 0.97, high: 1},
		{name: "shared, less than 1 % elsewhere", sas: shared, in: Rows{Counters: softnet(997, 0, 3)}, want: 1},
		{name: "first packets on the fallback", sas: append([]result.SA{of(8, 1, nil)}, perCPU...),
			in: Rows{Counters: softnet(40, 0, 60)}, want: 401.0 / 1001, low: 400.0 / 1001,
			high: 401.0 / 1001},
		{name: "no SA", in: Rows{Counters: softnet(50, 0, 50)}, missing: "50 % of the packets"},
		{name: "received elsewhere", sas: inbound,
			in: Rows{Finds: bundle.Finds{Inbound: []bundle.InboundRow{{NetNS: "west", SPI: 7, CPU: 0,
				Packets: 100}, {NetNS: "west", SPI: 7, CPU: 3, Packets: 100}}}}, want: 0.5,
			se: math.Sqrt(0.25 / 200)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := NewSenders(bundle.CPUSet{0, 1}, &tt.in).share(tt.sas)
			switch {
			case tt.missing != "":
				if got == nil || got.Measured() || !strings.Contains(got.Missing.Why, tt.missing) {
					t.Fatalf("share %+v, want not measured: %s", got, tt.missing)
				}
			case tt.want == 1 && tt.high == 0:
				if got != nil {
					t.Fatalf("share %+v, want none: all that send are measured", got)
				}
			case got == nil || !got.Measured() || math.Abs(got.Value-tt.want) > 1e-12 ||
				math.Abs(got.SE-tt.se) > 1e-12 ||
				math.Abs(got.Low-tt.low) > 1e-12 || math.Abs(got.High-tt.high) > 1e-12:
				t.Fatalf("share %+v, want %v (%v to %v) +- %v", got, tt.want, tt.low, tt.high, tt.se)
			}
		})
	}
	if got := NewSenders(nil, &Rows{}).share(perCPU); got != nil {
		t.Errorf("of an import, which says no CPUs: %+v", got)
	}
}
