package analyze

import (
	"slices"

	"xfrmscope/analyze/finding"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/scaling"
)

// spinPoints gathers the evidence of finding.Spin.
func spinPoints(runs []*Run) []finding.SpinPoint {
	var points []finding.SpinPoint
	for _, r := range runs {
		e := r.Main()
		if e == nil {
			continue
		}
		p := finding.SpinPoint{Run: r.Name, Mode: r.Mode, N: r.N, Event: e.Name, Busy: e.All.Busy.Samples, Spin: e.All.SpinShare, Waits: r.Locks.Waits}
		if r.Mode == "" {
			p.Mode = r.Name // unlabelled runs are not a curve: each stands for itself
		}
		for _, c := range e.All.SpinCallers {
			if spin := e.All.SpinShare.Value; spin > 0 {
				p.Callers = append(p.Callers, finding.Caller{Name: c.Name, Share: c.Share.Value / spin})
			}
		}
		points = append(points, p)
	}
	return points
}

// scalePoints gathers the evidence of finding.Scale.
func scalePoints(r *Result) []finding.ScalePoint {
	var points []finding.ScalePoint
	for _, c := range r.Curves {
		if c.Scaling == nil || len(c.Scaling.Rows) < 2 || c.Scaling.Unit != "packets/s" {
			continue
		}
		last := c.Scaling.Rows[len(c.Scaling.Rows)-1]
		p := finding.ScalePoint{Mode: c.Mode, Base: c.Scaling.Base, N: last.N, Speedup: last.Speedup.Value, Repeats: last.Rate.N}
		for _, row := range c.Scaling.Rows {
			p.Repeats = min(p.Repeats, row.Rate.N)
		}
		for _, i := range c.Runs {
			if rate := r.Runs[i].Packets.Rate; rate.Measured() {
				p.Rates = append(p.Rates, finding.Rate{Run: r.Runs[i].Name, Value: rate.Value})
			}
		}
		if c.Scaling.Knee.Found() {
			p.KneeText = c.Scaling.Knee.Text
		}
		if c.USL.Missing != nil {
			p.LawMissing = c.USL.Missing.Text
		}
		if len(c.StageBills) > 0 {
			addBill(&p, c.StageBills[len(c.StageBills)-1])
		}
		points = append(points, p)
	}
	return points
}

func addBill(p *finding.ScalePoint, b scaling.Bill) {
	if b.N != p.N || b.Total.Base <= 0 {
		return
	}
	p.CostUnit, p.CostBase, p.CostAdded = b.Unit, b.Total.Base, b.Total.Delta.Value
	for _, row := range b.Rows {
		if row.Share != nil {
			p.Stages = append(p.Stages, finding.Added{Stage: row.Key, Cost: row.Delta.Value, Share: *row.Share})
		}
	}
}

// saTraffic gathers the evidence of finding.SACPU.
func saTraffic(runs []*Run) []finding.SATraffic {
	var out []finding.SATraffic
	for _, r := range runs {
		t := finding.SATraffic{Run: r.Name, CPUs: r.Manifest.Plan.CPUs}
		for _, s := range r.SAs {
			if !s.Outbound {
				continue
			}
			sa := finding.OutboundSA{SPI: s.SPI, CPU: -1, Packets: s.DeltaPackets}
			if s.PCPU != nil {
				sa.CPU = int(*s.PCPU)
			}
			t.SAs = append(t.SAs, sa)
		}
		out = append(out, t)
	}
	return out
}

// cpuLoads gathers the evidence of finding.Idle. Only a clock samples idle time:
// cycles do not count in a sleeping CPU.
func cpuLoads(runs []*Run) []finding.CPULoad {
	var out []finding.CPULoad
	for _, r := range runs {
		e := r.Main()
		if e == nil || e.Unit != "nanoseconds" {
			continue
		}
		load := finding.CPULoad{Run: r.Name}
		for _, c := range e.CPUs {
			idle, _ := metric.Share(c.Idle, c.Total)
			load.CPUs = append(load.CPUs, finding.IdleCPU{CPU: c.CPU, Idle: idle})
		}
		out = append(out, load)
	}
	return out
}

// findings answers the questions of package finding, in their order.
func findings(r *Result) []finding.Finding {
	return slices.Concat(
		finding.Scale(scalePoints(r)),
		rateFindings(r),
		finding.Spin(spinPoints(r.Runs)),
		finding.SACPU(saTraffic(r.Runs)),
		finding.Idle(cpuLoads(r.Runs)),
	)
}
