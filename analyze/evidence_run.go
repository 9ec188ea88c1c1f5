package analyze

import (
	"cmp"
	"slices"

	"xfrmscope/analyze/finding"
	"xfrmscope/analyze/metric"
)

// saTraffic gathers the evidence of finding.SACPU.
func saTraffic(runs []*Run) []finding.SATraffic {
	var out []finding.SATraffic
	for _, r := range runs {
		t := finding.SATraffic{Run: r.Name, Mode: r.modeName(), CPUs: r.Manifest.Plan.CPUs}
		if r.Finds != nil {
			t.Fallback, t.WrongCPU = r.Finds.Fallback, r.Finds.WrongCPU
		}
		for _, s := range r.SAs {
			if !s.Outbound || s.Deleted {
				continue
			}
			sa := finding.OutboundSA{SPI: s.SPI, CPU: -1, Packets: s.DeltaPackets, New: s.Reset}
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
		load := finding.CPULoad{Run: r.Name, Mode: r.modeName()}
		for _, c := range e.CPUs {
			idle, _ := metric.Share(c.Idle, c.Total)
			load.CPUs = append(load.CPUs, finding.IdleCPU{CPU: c.CPU, Idle: idle})
		}
		out = append(out, load)
	}
	return out
}

// inboundFacts gathers the evidence of finding.Inbound.
func inboundFacts(runs []*Run) []finding.InboundFacts {
	var out []finding.InboundFacts
	for _, r := range runs {
		if r.Finds == nil {
			continue
		}
		f := finding.InboundFacts{Run: r.Name}
		for _, in := range r.Finds.Inbound {
			f.SPIs = append(f.SPIs, finding.InboundSPI{SPI: in.SPI, CPUs: in.CPUs, Packets: in.Packets})
		}
		out = append(out, f)
	}
	return out
}

// driftFacts gathers the evidence of finding.Drift.
func driftFacts(runs []*Run) []finding.DriftFacts {
	var out []finding.DriftFacts
	for _, r := range runs {
		f := finding.DriftFacts{Run: r.Name}
		for _, d := range r.Drift {
			f.Moved = append(f.Moved, finding.Move(d))
		}
		out = append(out, f)
	}
	return out
}

// cachePoints gathers the evidence of finding.Cache.
func cachePoints(runs []*Run) []finding.CachePoint {
	var out []finding.CachePoint
	for _, r := range runs {
		if r.Finds != nil {
			out = append(out, finding.CachePoint{Run: r.Name, Kernel: r.kernelName(), Empty: r.Finds.CacheEmpty, Walk: r.Finds.Walk, Mean: r.Finds.Mean})
		}
	}
	return out
}

func (r *Run) kernelName() string { return cmp.Or(r.Manifest.Host.Kernel, "kernel unnamed") }

// layoutFacts gathers the evidence of finding.SharedLines.
func layoutFacts(runs []*Run) []finding.LayoutFacts {
	var out []finding.LayoutFacts
	var kernels []string
	for _, r := range runs {
		kernel := r.kernelName()
		if len(r.Layouts) == 0 || slices.Contains(kernels, kernel+r.Manifest.Host.BuildID) {
			continue
		}
		kernels = append(kernels, kernel+r.Manifest.Host.BuildID)
		for _, l := range r.Layouts {
			f := finding.LayoutFacts{Struct: l.Struct, Kernel: kernel, Size: l.Size}
			for _, field := range l.Fields {
				f.Fields = append(f.Fields, finding.HotField{
					Name: field.Name, Offset: field.Offset, Line: field.Line, Use: field.Use, Written: field.Written(), AllCPUs: field.AllCPUs(),
				})
			}
			out = append(out, f)
		}
	}
	return out
}
