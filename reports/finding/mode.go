package finding

import (
	"fmt"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// bypassed: does a device do what XFRM would? With packet offload the path that
// is measured here is passed by: that nothing waits in it shows no lack of
// contention.
func bypassed(r *result.Result) []result.Finding {
	return overSAs(r, offloaded, "with packet offload", func(f *result.Finding, last *result.Run) {
		f.ID = "bypassed"
		f.NotProven = "What the device could do: its queues and engines are not sampled."
		f.Next = "the same without offload, or with crypto offload, measures the path; " +
			"ethtool -S DEV counts the device"
		f.Say(last.ModeName(), "the path is bypassed: %s of packets went over SAs with packet offload",
			format.InPercent(offloaded(last), 0))
	})
}

// offloaded is the share of a run's packets that a device made ESP of, or took
// from it.
func offloaded(run *result.Run) float64 {
	return carried(run, func(s result.SA) bool { return strings.HasPrefix(s.Offload, "packet") })
}

// aggregated: what is a packet? With IPTFS an ESP packet holds several inner
// ones, or a part of one, and SAs count ESP packets.
func aggregated(r *result.Result) []result.Finding {
	share := func(run *result.Run) float64 {
		if !run.Packets.BySA {
			return 0
		}
		return carried(run, func(s result.SA) bool { return s.Mode == "iptfs" })
	}
	return overSAs(r, share, "of mode iptfs", func(f *result.Finding, last *result.Run) {
		f.ID = "iptfs"
		f.NotProven = "What an inner packet costs: how many an ESP packet held is not counted."
		f.Next = "packets/s of the inner packets, as the traffic generator counts them, beside it"
		f.Say(last.ModeName(),
			"packets/s and costs are per ESP packet: IPTFS puts several inner packets into one")
	})
}

// overSAs has a finding for each mode of which a share of the packets went over SAs of
// some kind.
func overSAs(r *result.Result, share func(*result.Run) float64, kind string,
	claim func(f *result.Finding, last *result.Run)) []result.Finding {
	return eachMode(r, func(run *result.Run) bool { return share(run) > 0 },
		func(runs []*result.Run) (f result.Finding, ok bool) {
			claim(&f, lastOf(runs))
			for _, run := range runs {
				f.Evidence = append(f.Evidence,
					fmt.Sprintf("%s: %s of packets over SAs %s", run.Name,
						format.InPercent(share(run), 1),
						kind))
			}
			f.Evidence = cut(f.Evidence)
			return f, true
		})
}

// carried is the share of a run's packets on some of its SAs.
func carried(run *result.Run, some func(result.SA) bool) float64 {
	var all, of uint64
	for _, s := range run.SAs {
		all += s.DeltaPackets
		if some(s) {
			of += s.DeltaPackets
		}
	}
	if all == 0 {
		return 0
	}
	return float64(of) / float64(all)
}
