package packets

import (
	"fmt"
	"math"
	"slices"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// SetUnperturbed adds to a run what it sent while neither perf nor a probe ran: the
// median of the phases without a probe, less the first if perf counted in it and
// there is another. A phase in which nothing was sent tells that the load did not
// go on: then there is no such rate.
func SetUnperturbed(r *result.Run, counting bool) {
	if !r.Packets.BySA || !r.Packets.Rate.Measured() {
		return
	}
	var free []bundle.Phase
	for _, p := range r.Manifest.Phases {
		if p.Probe == "" && bundle.IsFreePhase(p.Name) {
			free = append(free, p)
		}
	}
	if counting && len(free) > 1 && free[0].Name == bundle.FreePhase(0) {
		free = free[1:]
	}
	var rates []float64
	seconds := 0.0
	for _, p := range free {
		v := phaseRate(p)
		if !v.Measured() || v.Value <= 0 {
			return
		}
		rates = append(rates, v.Value)
		seconds += p.Window.Seconds()
	}
	if len(rates) == 0 {
		return
	}
	v := metric.Value{ID: metric.RateID, Unit: "packets/s",
		Basis: fmt.Sprintf("without perf or probes, %.0f s after the window", seconds)}
	v.Value, v.SE = median(rates)
	r.Packets.Unperturbed = &v
	if slices.ContainsFunc(r.SAs, func(s result.SA) bool { return s.Deleted && s.Outbound }) {
		return // the rate in the window is too low
	}
	sampled := r.Packets.Rate.Value / v.Value
	r.Packets.PerfEffect = &metric.Value{ID: metric.PerfEffectID, Unit: "ratio", Value: sampled - 1,
		SE: sampled * v.SE / v.Value}
}

// median returns the median and its standard error, 0 of one value: that of the
// mean of normal values, times sqrt(pi/2).
func median(values []float64) (m, se float64) {
	slices.Sort(values)
	n := len(values)
	m = (values[(n-1)/2] + values[n/2]) / 2
	if n < 2 {
		return m, 0
	}
	mean, sum := 0.0, 0.0
	for _, v := range values {
		mean += v / float64(n)
	}
	for _, v := range values {
		sum += (v - mean) * (v - mean)
	}
	return m, math.Sqrt(math.Pi / 2 * sum / float64(n-1) / float64(n))
}
