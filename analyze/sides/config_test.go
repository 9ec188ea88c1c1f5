package sides

import (
	"slices"
	"testing"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/packets"
	"xfrmscope/collect/bundle"
)

// Settings of SAs and policies that differ between the sides are named; what is
// another in each setup is not.
func TestConfigOfSAs(t *testing.T) {
	cpu := func(n uint32) *uint32 { return &n }
	sas := func(spi uint32) []bundle.SA {
		base := bundle.SA{Phase: bundle.PhaseStart, Proto: "esp", Mode: "tunnel", Src: "192.0.2.2",
			Dst: "192.0.2.3", Replay: 32}
		out, in, spare := base, base, base
		out.SPI, out.Dir, out.PCPU, out.Encap = spi, "out", cpu(3), "udp 4500 4500"
		in.SPI, in.Dir, in.Flags = spi+1, "in", []string{"oseq-may-wrap", "esn"}
		spare.SPI, spare.Dir, spare.Encap = spi+2, "out", "udp 4501 4500"
		end := in
		end.Phase, end.Replay = bundle.PhaseEnd, 64
		larval := bundle.SA{Phase: bundle.PhaseStart, Proto: "esp", Dir: "out", Larval: true}
		return []bundle.SA{out, in, spare, end, larval}
	}
	policies := []bundle.Policy{{Dir: "out", CPUAcquire: true}, {Dir: "out"}, {Dir: "fwd"}}
	before := Config(&bundle.Run{}, &packets.Rows{SAs: sas(0x1000), Policies: policies})
	for key, want := range map[string]string{
		"SAs out": "esp tunnel, replay window 32, udp encap", "number of SAs out": "1 of CPUs, 1 of any CPU",
		"SAs in":           "esp tunnel, replay window 32, esn, oseq-may-wrap",
		"number of SAs in": "0 of CPUs, 1 of any CPU",
		"policies out":     "2, CPU_ACQUIRE on 1", "policies fwd": "1, CPU_ACQUIRE on 0",
	} {
		if before[key] != want {
			t.Errorf("%s: %q, want %q", key, before[key], want)
		}
	}
	for _, tt := range []struct {
		name   string
		change func(sas []bundle.SA, p []bundle.Policy)
		want   []string
	}{
		{"another setup", func([]bundle.SA, []bundle.Policy) {}, nil},
		{"replay window", func(s []bundle.SA, _ []bundle.Policy) { s[1].Replay = 4096 }, []string{"SAs in"}},
		{"ESN", func(s []bundle.SA, _ []bundle.Policy) { s[1].Flags = nil }, []string{"SAs in"}},
		{"encapsulation of one SA", func(s []bundle.SA, _ []bundle.Policy) { s[0].Encap = "" },
			[]string{"SAs out"}},
		{"offload", func(s []bundle.SA, _ []bundle.Policy) {
			s[0].Offload, s[2].Offload = "crypto eth0",
				"crypto eth0"
		}, []string{"SAs out"}},
		{"transport", func(s []bundle.SA, _ []bundle.Policy) { s[1].Mode = "transport" }, []string{"SAs in"}},
		{"not per CPU", func(s []bundle.SA, _ []bundle.Policy) { s[0].PCPU = nil },
			[]string{"number of SAs out"}},
		{"CPU_ACQUIRE", func(_ []bundle.SA, p []bundle.Policy) { p[0].CPUAcquire = false },
			[]string{"policies out"}},
	} {
		after, p := sas(0x7000), slices.Clone(policies)
		tt.change(after, p)
		var got []string
		for _, v := range compare.Variation(compare.Side{Runs: []map[string]string{before}},
			compare.Side{Runs: []map[string]string{Config(&bundle.Run{},
				&packets.Rows{SAs: after, Policies: p})}}) {
			got = append(got, v.Key)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q differ, want %q", tt.name, got, tt.want)
		}
	}
	old := []bundle.SA{{Phase: bundle.PhaseStart, Proto: "esp", Mode: "tunnel", OSeq: 5},
		{Phase: bundle.PhaseStart, Proto: "esp", Mode: "tunnel", Seq: 5},
		{Phase: bundle.PhaseStart, Proto: "esp", Mode: "tunnel"}}
	c := Config(&bundle.Run{}, &packets.Rows{SAs: old}) // a kernel before XFRMA_SA_DIR
	for _, dir := range []string{"out", "in", "unused"} {
		if c["number of SAs "+dir] != "0 of CPUs, 1 of any CPU" {
			t.Errorf("without a direction: %q", c)
		}
	}
}
