package finding

import (
	"slices"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
)

// saTraffic gathers the evidence of finding.SACPU.
func saTraffic(runs []*result.Run) []SATraffic {
	var out []SATraffic
	for _, r := range runs {
		t := SATraffic{Run: r.Name, Mode: r.ModeName(), CPUs: r.Manifest.Plan.CPUs}
		if r.Finds != nil {
			t.Fallback, t.WrongCPU = r.Finds.Fallback, r.Finds.WrongCPU
		}
		for _, s := range r.SAs {
			if !s.Outbound || s.Deleted {
				continue
			}
			sa := OutboundSA{SPI: s.SPI, CPU: -1, Packets: s.DeltaPackets, New: s.Reset}
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
func cpuLoads(runs []*result.Run) []CPULoad {
	var out []CPULoad
	for _, r := range runs {
		e := r.Main()
		if e == nil || e.Unit != "nanoseconds" {
			continue
		}
		load := CPULoad{Run: r.Name, Mode: r.ModeName()}
		for _, c := range e.CPUs {
			idle, _ := metric.Share(c.Idle, c.Total)
			load.CPUs = append(load.CPUs, IdleCPU{CPU: c.CPU, Idle: idle})
		}
		out = append(out, load)
	}
	return out
}

// inboundFacts gathers the evidence of finding.Inbound.
func inboundFacts(runs []*result.Run) []InboundFacts {
	var out []InboundFacts
	for _, r := range runs {
		if r.Finds == nil {
			continue
		}
		f := InboundFacts{Run: r.Name}
		for _, in := range r.Finds.Inbound {
			f.SPIs = append(f.SPIs, InboundSPI{SPI: in.SPI, CPUs: in.CPUs, Packets: in.Packets})
		}
		out = append(out, f)
	}
	return out
}

// driftFacts gathers the evidence of finding.Drift.
func driftFacts(runs []*result.Run) []DriftFacts {
	var out []DriftFacts
	for _, r := range runs {
		f := DriftFacts{Run: r.Name}
		for _, d := range r.Drift {
			f.Moved = append(f.Moved, Move(d))
		}
		out = append(out, f)
	}
	return out
}

// cachePoints gathers the evidence of finding.Cache.
func cachePoints(runs []*result.Run) []CachePoint {
	var out []CachePoint
	for _, r := range runs {
		if r.Finds != nil {
			out = append(out, CachePoint{Run: r.Name, Kernel: r.KernelName(), Empty: r.Finds.CacheEmpty, Walk: r.Finds.Walk, Mean: r.Finds.Mean})
		}
	}
	return out
}

// layoutFacts gathers the evidence of finding.SharedLines.
func layoutFacts(runs []*result.Run) []LayoutFacts {
	var out []LayoutFacts
	var kernels []string
	for _, r := range runs {
		kernel := r.KernelName()
		if len(r.Layouts) == 0 || slices.Contains(kernels, kernel+r.Manifest.Host.BuildID) {
			continue
		}
		kernels = append(kernels, kernel+r.Manifest.Host.BuildID)
		for _, l := range r.Layouts {
			f := LayoutFacts{Struct: l.Struct, Kernel: kernel, Size: l.Size}
			for _, field := range l.Fields {
				f.Fields = append(f.Fields, HotField{
					Name: field.Name, Offset: field.Offset, Line: field.Line, Use: field.Use, Written: field.Written(), AllCPUs: field.AllCPUs(),
				})
			}
			out = append(out, f)
		}
	}
	return out
}
