package checks

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// A ledger is one SA, or all, in the phase of the count probe.
type ledger struct {
	of    string
	takes float64 // acquisitions a packet
	taken float64 // acquisitions counted
	want  float64 // takes x packets
}

// locksByPackets: each packet takes its SA's x->lock as often as the SA's
// encapsulation has it. The SA that is furthest off stands for all.
func locksByPackets(r *result.Run, rows []bundle.SA) result.ConsistencyCheck {
	id := result.ConsistencyCheck{
		ID: "lock-packets", Limit: RoughLimit, Marks: []string{metric.AcquireID, metric.ContentionID},
		Left:  result.Side{Text: "acquisitions of outbound x->lock", Unit: "count"},
		Right: result.Side{Text: "packets of the phase", Unit: "packets"},
	}
	count := packets.SpanOf(&r.Manifest, bundle.ProbeCount)
	switch {
	case count.Phases == 0:
		return unchecked(id, "no count probe ran")
	case !count.Counted:
		return unchecked(id, "packets of the count probe's phase were not counted")
	}
	countStart, countEnd := bundle.Ends(bundle.ProbeCount)
	sas, each := packets.SADeltas(rows, countStart, countEnd), true
	if len(sas) == 0 {
		sas, each = r.SAs, false
	}
	ledgers, read, why := saLedgers(r.Locks.Rows, sas, float64(count.Packets))
	if why != "" {
		return unchecked(id, why)
	}
	worst := sumLedgers(ledgers)
	if each {
		// Recordings that do not say how far the packets may be off: by what was
		// carried between the reads and the window.
		spread := max(count.EdgeShare(), (read-float64(count.Packets))/max(1, float64(count.Packets)))
		worst = slices.MaxFunc(ledgers, func(a, b ledger) int {
			return cmp.Compare(a.off(spread), b.off(spread))
		})
		id.Limit = worst.limit(spread)
		if len(ledgers) > 1 {
			worst.of += fmt.Sprintf(", of %d the furthest off", len(ledgers))
		}
		id.Left.Text, id.Right.Text = "acquisitions of x->lock of SA "+worst.of, "its packets in the phase"
	}
	if worst.takes != 1 {
		id.Right.Text = fmt.Sprintf("%.3g x %s (UDP encapsulation)", worst.takes, id.Right.Text)
	}
	id.Left.Value, id.Right.Value = worst.taken, worst.want
	return settle(id)
}

// limit is how far an SA may be off: a packet is under way at either end of the
// phase.
func (l ledger) limit(spread float64) float64 { return LedgerLimit + spread + 2*l.takes/max(1, l.want) }

// off is how far an SA is off, in limits.
func (l ledger) off(spread float64) float64 {
	return math.Abs(l.taken-l.want) / max(1, l.want) / l.limit(spread)
}

// saLedgers sets the acquisitions of each outbound SA's lock against its packets.
// The counters were read over more than the phase: its packets are spread as
// theirs, which sum to read.
func saLedgers(locks []result.Lock, sas []result.SA, packets float64) (out []ledger, read float64, why string) {
	taken := map[uint32]float64{}
	for _, l := range locks {
		// A gateway and its peer on one machine have an SA each of one SPI.
		if l.SPI != 0 && !l.ID.Inbound && l.Acquisitions.Measured() {
			taken[l.SPI] += l.Acquisitions.Value
		}
	}
	bySPI := map[uint32]int{}
	for _, s := range sas {
		if !s.Outbound {
			continue
		}
		read += float64(s.DeltaPackets)
		takes := lockTakes(&s.SA)
		if _, known := taken[s.SPI]; !known || takes == 0 {
			continue
		}
		i, seen := bySPI[s.SPI]
		if !seen {
			i = len(out)
			bySPI[s.SPI] = i
			out = append(out, ledger{of: s.Name(), takes: takes, taken: taken[s.SPI]})
		}
		out[i].want += takes * float64(s.DeltaPackets)
	}
	switch {
	case len(out) == 0:
		return nil, 0, "no lock was known to be an outbound SA's, or the SAs take it in a way that is not known"
	case read == 0:
		return nil, 0, "the SAs carried no packets"
	}
	for i := range out {
		out[i].want *= packets / read
	}
	return out, read, ""
}

func sumLedgers(each []ledger) ledger {
	var all ledger
	packets := 0.0
	for _, l := range each {
		all.taken += l.taken
		all.want += l.want
		packets += l.want / l.takes
	}
	all.takes = all.want / max(packets, math.SmallestNonzeroFloat64)
	if packets == 0 {
		all.takes = 1
	}
	return all
}

// lockTakes is how often a packet takes its SA's x->lock: once in
// xfrm_output_one, in UDP encapsulation once more in esp_output_encap
// (net/xfrm/xfrm_output.c, net/ipv4/esp4.c, 6.12). It is 0 if that is not known:
// in TCP, and where the card does it all.
func lockTakes(s *bundle.SA) float64 {
	switch {
	case strings.HasPrefix(s.Offload, "packet"):
		return 0
	case s.Encap == "":
		return 1
	case strings.HasPrefix(s.Encap, "udp"):
		return 2
	}
	return 0
}
