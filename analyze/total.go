package analyze

import (
	"math"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/perfdata"
	"xfrmscope/collect/bundle"
)

// newTotals relates what perf stat counted to the packets of the phase it
// counted in, the first, and to the cycles it counted. sent is the part of the
// packets that the CPUs measured sent, nil: all.
func newTotals(rows []bundle.Total, phases []Phase, sent *metric.Value) []Total {
	var order []string
	counts := map[string]*count{}
	for _, row := range rows {
		if counts[row.Event] == nil {
			counts[row.Event] = &count{unit: perfdata.UnitOf(row.Event), running: 1}
			order = append(order, row.Event)
		}
		counts[row.Event].add(row)
	}
	packets := metric.NotMeasured(metric.RateID, "packets/s", bundle.Gap{What: "packets while events were counted", Why: "the run has no phase for it"})
	if len(phases) > 0 {
		packets = partOfRate(phases[0].Rate, sent)
	}
	var cycles *count
	for _, name := range order {
		if cycles == nil && counts[name].unit == "cycles" {
			cycles = counts[name]
		}
	}
	var out []Total
	for _, name := range order {
		c := counts[name]
		out = append(out, Total{
			Event: name, PerSecond: metric.Value{ID: metric.CountRateID, Value: c.rate, Unit: "1/s"},
			PerPacket: c.perPacket(packets), PerKiloCycle: c.perKiloCycle(cycles), Running: metric.Value{ID: metric.RunningID, Value: c.running, Unit: "ratio"},
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

func (c *count) perPacket(packets metric.Value) metric.Value {
	unit := costUnit(c.unit)
	switch {
	case !packets.Measured():
		return metric.NotMeasured(metric.CountedID, unit, *packets.Missing)
	case packets.Value <= 0:
		return metric.NotMeasured(metric.CountedID, unit, bundle.Gap{What: "counts per packet", Why: "no packets were sent while events were counted"})
	case c.running == 0:
		return metric.NotMeasured(metric.CountedID, unit, bundle.Gap{What: "counts per packet", Why: "on one CPU the event was never on"})
	}
	v := c.rate / packets.Value
	return weakenedBy(metric.Value{ID: metric.CountedID, Value: v, Unit: unit}, packets)
}

func (c *count) perKiloCycle(cycles *count) metric.Value {
	const unit = "1/1000 cycles"
	if cycles == nil || cycles.rate == 0 {
		return metric.NotMeasured(metric.CountedKID, unit, bundle.Gap{What: "counts per 1000 cycles", Why: "no cycles were counted"})
	}
	return metric.Value{ID: metric.CountedKID, Value: 1000 * c.rate / cycles.rate, Unit: unit}
}

// relative is the standard error of a value as a ratio of it.
func relative(v metric.Value) float64 {
	if v.Value == 0 {
		return 0
	}
	return math.Abs(v.SE / v.Value)
}
