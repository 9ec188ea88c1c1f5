package reports

import (
	"fmt"
	"io"
	"math"
	"slices"

	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
)

// perPackets is the number of packets the weights of a per-packet profile stand
// for: weights are whole numbers, and one packet costs few of them.
const perPackets = 1_000_000

// packetScale is what a weight of an event is multiplied by to be the weight of
// perPackets packets; ok is false if no cost per packet was measured.
func packetScale(e *result.Event) (scale float64, ok bool) {
	cost, busy := e.All.PerPacket, e.All.Busy.Period
	if e.Profile == nil || !format.Finite(cost) || cost.Value <= 0 || busy <= 0 {
		return 0, false
	}
	return cost.Value / busy * perPackets, true
}

// writePacketPprof writes the profile of an event with its weights for a million
// packets, without idle time: their sum is the cost per packet. Two of them can
// be subtracted by `go tool pprof -diff_base` as they are, where profiles of
// equal time cannot: at saturation time is fixed and packets vary.
func writePacketPprof(w io.Writer, e *result.Event, c *stage.Classifier) error {
	scale, ok := packetScale(e)
	if !ok {
		return fmt.Errorf("event %s: no cost per packet", e.Name)
	}
	p := *e.Profile
	p.Event.Name, p.Event.PeriodFixed = p.Event.Name+"/Mpacket", 0 // of one million packets
	p.Cells = nil
	rest := 0.0 // what rounding left, carried on so that the sum is exact
	for _, cell := range e.Profile.Cells {
		if c.Idle(c.Of(e.Profile.Stacks[cell.Stack])) {
			continue
		}
		v := float64(cell.Period)*scale + rest
		cell.Period = uint64(math.Max(math.Round(v), 0))
		rest = v - float64(cell.Period)
		cell.PeriodSq *= scale * scale
		p.Cells = append(p.Cells, cell)
	}
	p.Warnings = append(slices.Clone(p.Warnings), bundle.Warn("weights",
		"weights are %s of %d packets, idle time left out: subtract such profiles as they are", p.Event.Unit,
		perPackets))
	return profile.WritePprof(w, &p, pprofOptions(c))
}
