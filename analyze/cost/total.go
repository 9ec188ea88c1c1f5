package cost

import (
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// NewTotals relates what perf stat counted to the packets of the phase it
// counted in, the first, and to the cycles it counted. sent is the part of the
// packets that the CPUs measured sent, nil: all.
func NewTotals(rows []bundle.Total, phases []result.Phase, sent *metric.Value) []result.Total {
	var order []string
	counts := map[string]*count{}
	for _, row := range rows {
		if counts[row.Event] == nil {
			counts[row.Event] = &count{unit: perfdata.UnitOf(row.Event), running: 1}
			order = append(order, row.Event)
		}
		counts[row.Event].add(row)
	}
	counted := metric.NotMeasured(metric.RateID, "packets/s",
		bundle.Gap{What: "packets while events were counted", Why: "the run has no phase for it"})
	if len(phases) > 0 {
		counted = packets.PartOfRate(phases[0].Rate, sent)
	}
	var cycles *count
	for _, name := range order {
		if cycles == nil && counts[name].unit == "cycles" {
			cycles = counts[name]
		}
	}
	var out []result.Total
	for _, name := range order {
		c := counts[name]
		out = append(out, result.Total{
			Event: name, PerSecond: metric.Value{ID: metric.CountRateID, Value: c.rate, Unit: "1/s"},
			PerPacket: c.perPacket(counted), PerKiloCycle: c.perKiloCycle(cycles),
			Running: metric.Value{ID: metric.RunningID, Value: c.running, Unit: "ratio"},
		})
	}
	return out
}

// A count is one event over all CPUs.
type count struct {
	unit    string
	rate    float64 // per second that the event was enabled
	running float64 // of the CPU where it was on least
}

func (c *count) add(row bundle.Total) {
	c.running = min(c.running, row.Running)
	if row.RunningNS > 0 && row.Running > 0 {
		enabled := float64(row.RunningNS) / 1e9 / row.Running
		c.rate += float64(row.Value) / enabled
	}
}

func (c *count) perPacket(counted metric.Value) metric.Value {
	unit := costUnit(c.unit)
	switch {
	case !counted.Measured():
		return metric.NotMeasured(metric.CountedID, unit, *counted.Missing)
	case counted.Value <= 0:
		return metric.NotMeasured(metric.CountedID, unit,
			bundle.Gap{What: "counts per packet", Why: "no packets were sent while events were counted"})
	case c.running == 0:
		return metric.NotMeasured(metric.CountedID, unit,
			bundle.Gap{What: "counts per packet", Why: "on one CPU the event was never on"})
	}
	v := c.rate / counted.Value
	return packets.WeakenedBy(metric.Value{ID: metric.CountedID, Value: v, Unit: unit}, counted)
}

func (c *count) perKiloCycle(cycles *count) metric.Value {
	const unit = "1/1000 cycles"
	if cycles == nil || cycles.rate == 0 {
		return metric.NotMeasured(metric.CountedKID, unit,
			bundle.Gap{What: "counts per 1000 cycles", Why: "no cycles were counted"})
	}
	return metric.Value{ID: metric.CountedKID, Value: 1000 * c.rate / cycles.rate, Unit: unit}
}
