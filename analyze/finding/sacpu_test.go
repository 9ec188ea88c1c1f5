package finding

import (
	"strings"
	"testing"
)

func TestSACPU(t *testing.T) {
	for _, tt := range []struct {
		name string
		run  SATraffic
		want []string // in the evidence, in order; none: no finding
	}{
		{"as meant", SATraffic{CPUs: []int{0, 1}, SAs: []OutboundSA{{SPI: 0x1000, CPU: -1, Packets: 3}, {SPI: 0x1001, CPU: 0, Packets: 5000}, {SPI: 0x1002, CPU: 1, Packets: 5000}}}, nil},
		{"shared on purpose", SATraffic{CPUs: []int{0, 1}, SAs: []OutboundSA{{SPI: 0x1000, CPU: -1, Packets: 9000}}}, nil},
		{"no traffic", SATraffic{CPUs: []int{0}, SAs: []OutboundSA{{SPI: 0x1001, CPU: 0, Packets: 0}}}, nil},
		{"fallback and a CPU without", SATraffic{CPUs: []int{0, 1}, SAs: []OutboundSA{{SPI: 0x1000, CPU: -1, Packets: 1000}, {SPI: 0x1001, CPU: 0, Packets: 3000}}},
			[]string{"1000 of 4000 packets (25.0 %)", "CPU 1 has no SA"}},
		{"idle and duplicate", SATraffic{CPUs: []int{0, 1}, SAs: []OutboundSA{{SPI: 0x1001, CPU: 0, Packets: 10}, {SPI: 0x1002, CPU: 1, Packets: 0}, {SPI: 0x1003, CPU: 0, Packets: 5}}},
			[]string{"CPU 0 has 2 SAs (0x1001, 0x1003)", "CPU 1: its SA 0x1002 carried nothing"}},
	} {
		got := SACPU([]SATraffic{tt.run})
		if len(tt.want) == 0 {
			if len(got) != 0 {
				t.Errorf("%s: found %+v, want nothing", tt.name, got)
			}
			continue
		}
		if len(got) != 1 || len(got[0].Evidence) != len(tt.want) {
			t.Errorf("%s: found %+v, want evidence %q", tt.name, got, tt.want)
			continue
		}
		for i, want := range tt.want {
			if !strings.Contains(got[0].Evidence[i], want) {
				t.Errorf("%s: evidence %q, want %q in it", tt.name, got[0].Evidence[i], want)
			}
		}
	}
}

func TestIdle(t *testing.T) {
	got := Idle([]CPULoad{
		{Run: "busy", Mode: "a", CPUs: []IdleCPU{{0, 0.01}, {1, 0.05}}},
		{Run: "half", Mode: "b", CPUs: []IdleCPU{{0, 0.5}, {1, 0}}},
	})
	if len(got) != 1 || got[0].Claim != "half: 1 of 2 CPUs had time to spare and were not the limit" {
		t.Errorf("found %+v", got)
	}
}
