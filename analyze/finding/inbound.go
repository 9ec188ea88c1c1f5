package finding

import (
	"fmt"

	"xfrmscope/analyze/result"
)

// An InboundFacts is the evidence of one run for the question "does each inbound
// SPI come in on one CPU?".
type InboundFacts struct {
	Run  string
	SPIs []InboundSPI
}

// An InboundSPI is one inbound SA and the packets of each CPU.
type InboundSPI struct {
	SPI     uint32
	CPUs    []int
	Packets []uint64 // in the order of CPUs
}

// InboundFloor is the share of an SPI's packets on other CPUs than its own from
// which it is said to be spread.
const InboundFloor = 0.001

// Inbound reports SPIs that several CPUs receive. From 6.13 on each packet that
// finds its SA on another CPU's list takes the namespace's xfrm_state_lock and
// moves it (net/xfrm/xfrm_state.c xfrm_input_state_lookup, 6.13).
func Inbound(runs []InboundFacts) []result.Finding {
	var evidence []string
	spread, total := 0, 0
	for _, r := range runs {
		for _, s := range r.SPIs {
			var all, most uint64
			for _, n := range s.Packets {
				all += n
				most = max(most, n)
			}
			if all == 0 {
				continue
			}
			total++
			if share := 1 - float64(most)/float64(all); share > InboundFloor {
				spread++
				evidence = append(evidence, fmt.Sprintf("%s: SPI %#x on CPUs %v: packets %v, %.1f %% of them off its main CPU", r.Run, s.SPI, s.CPUs, s.Packets, 100*share))
			}
		}
	}
	if spread == 0 {
		return nil
	}
	if len(evidence) > maxMoves {
		evidence = append(evidence[:maxMoves], fmt.Sprintf("and %d more", spread-maxMoves))
	}
	return []result.Finding{{
		ID:        "inbound",
		Claim:     fmt.Sprintf("%d of %d inbound SPIs are received on several CPUs: each change of CPU takes the namespace's xfrm_state_lock (6.13 on)", spread, total),
		Evidence:  evidence,
		NotProven: "Why: RSS of the card, RPS or one flow for all SPIs (UDP encapsulation) are candidates.",
		Next:      "ethtool -x DEV; steer each SPI to one queue (ethtool -N DEV flow-type esp4 spi ...), or give each SA a UDP port of its own",
	}}
}
