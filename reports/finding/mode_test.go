package finding

import (
	"testing"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// With packet offload the path is bypassed, and that nothing spins is no sign;
// with IPTFS a packet is one of ESP.
func TestModesOfSAs(t *testing.T) {
	run := func(mode, offload string, more ...result.SA) *result.Run {
		r := spinning("pcpu", 4, 0)
		r.Packets.BySA = true
		r.Events[0].All.Busy.Samples = 900
		r.SAs = append(more, result.SA{SA: bundle.SA{Mode: mode, Offload: offload}, DeltaPackets: 75,
			Outbound: true})
		return r
	}
	of := func(runs ...*result.Run) *result.Result { return &result.Result{Runs: runs} }
	const none = "pcpu: none of 900 busy samples on 4 CPUs spins on locks"
	for _, offload := range []string{"", "crypto eth0"} {
		claims(t, bypassed(of(run("tunnel", offload))))
		claims(t, aggregated(of(run("tunnel", offload))))
		claims(t, spin(of(run("tunnel", offload))), none)
	}
	half := run("tunnel", "packet eth0", result.SA{DeltaPackets: 25})
	claims(t, bypassed(of(half)), "pcpu: the path is bypassed: 75 % of packets went over SAs with packet offload")
	claims(t, spin(of(half)), none+", but packet offload bypasses the path")
	unused := run("tunnel", "packet eth0", result.SA{DeltaPackets: 25})
	unused.SAs[1].DeltaPackets = 0
	claims(t, bypassed(of(unused)))
	claims(t, aggregated(of(run("iptfs", ""))),
		"pcpu: packets/s and costs are per ESP packet: IPTFS puts several inner packets into one")
}
