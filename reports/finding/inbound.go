package finding

import (
	"fmt"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// inboundFloor is the share of an SPI's packets on other CPUs than its own from
// which it is said to be spread.
const inboundFloor = 0.001

// inbound: does each inbound SPI come in on one CPU? From 6.13 on each packet
// that finds its SA on another CPU's list takes the namespace's xfrm_state_lock
// and moves it (net/xfrm/xfrm_state.c xfrm_input_state_lookup, 6.13).
func inbound(r *result.Result) []result.Finding {
	var spread []string
	total := 0
	for _, run := range r.Runs {
		if run.Lookups == nil {
			continue
		}
		for _, s := range run.Lookups.Inbound {
			var all, most uint64
			for _, n := range s.Packets {
				all += n
				most = max(most, n)
			}
			if all == 0 {
				continue
			}
			total++
			if share := 1 - float64(most)/float64(all); share > inboundFloor {
				spread = append(spread, fmt.Sprintf(
					"%s: SPI %#x on CPUs %v: packets %v, %s of them off its main CPU",
					run.Name, s.SPI, s.CPUs, s.Packets, format.InPercent(share, 1)))
			}
		}
	}
	if len(spread) == 0 {
		return nil
	}
	return []result.Finding{{
		ID: "inbound",
		Claim: fmt.Sprintf("%d of %d inbound SPIs are received on several CPUs: "+
			"each change of CPU takes the namespace's xfrm_state_lock (6.13 on)", len(spread), total),
		Evidence:  cut(spread),
		NotProven: "Why: RSS of the card, RPS or one flow for all SPIs (UDP encapsulation) are candidates.",
		Next: "ethtool -x DEV; steer each SPI to one queue (ethtool -N DEV flow-type esp4 spi ...), " +
			"or give each SA a UDP port of its own",
	}}
}
