package record

import (
	"maps"
	"slices"

	"xfrmscope/collect/bundle"
)

// Shares from which CPUs count as used, or as left out.
const (
	strayShare = 0.05 // of the packets, on CPUs that are not measured
	idleShare  = 0.1  // of the mean busy time, on one that is
)

// minProcessed is how many packets the network softirqs must have processed in
// the window for CPUs to be judged by them.
const minProcessed = 1000

// cpuWarnings says which of the planned CPUs did next to nothing in the window,
// by their busy time, and which others took part, by the packets that the
// network softirq of each processed; and which was there at one end alone.
func cpuWarnings(planned bundle.CPUSet, counters []bundle.Counter) []bundle.Warning {
	packets, busy := map[int]float64{}, map[int]float64{}
	ends := map[int]map[string]bool{} // by CPU: the phases in which it had times
	for _, c := range counters {
		if c.CPU != nil && c.Source == "/proc/stat" && c.Name == "user" {
			if ends[*c.CPU] == nil {
				ends[*c.CPU] = map[string]bool{}
			}
			ends[*c.CPU][c.Phase] = true
		}
	}
	away := func(cpu int) bool { return ends[cpu][bundle.PhaseStart] != ends[cpu][bundle.PhaseEnd] }
	for _, c := range counters {
		if c.CPU == nil || away(*c.CPU) {
			continue
		}
		v := float64(c.Value)
		switch c.Phase {
		case bundle.PhaseStart:
			v = -v
		case bundle.PhaseEnd:
		default:
			continue
		}
		switch {
		case c.Source == "/proc/net/softnet_stat" && c.Name == "processed":
			packets[*c.CPU] += v
		case c.Source == "/proc/stat" && c.Name != "idle" && c.Name != "iowait" && c.Name != "steal":
			busy[*c.CPU] += v / 1e9
		}
	}
	for cpu, n := range packets {
		if n < 0 {
			packets[cpu] = n + 1<<32 // the kernel's counter has 32 bits
		}
	}
	var there bundle.CPUSet
	var out []bundle.Warning
	for _, cpu := range planned {
		if !away(cpu) {
			there = append(there, cpu)
			continue
		}
		out = append(out, bundle.Warn(bundle.EveryNumber,
			"CPU %d went offline, or came online, in the window: it is measured for a part of it", cpu))
	}
	return slices.Concat(out, idle(there, busy), stray(planned, packets))
}

// idle finds the planned CPUs that did next to nothing; busy is in seconds.
func idle(planned bundle.CPUSet, busy map[int]float64) []bundle.Warning {
	all := 0.0
	for _, cpu := range planned {
		all += busy[cpu]
	}
	mean := all / float64(len(planned))
	var out []bundle.Warning
	for _, cpu := range planned {
		if busy[cpu] < idleShare*mean {
			out = append(out, bundle.Warn("packet_rate",
				"CPU %d was busy %.2f s of the window, one of CPUs %s %.2f s on average: it is not "+
					"one of those that send", cpu, busy[cpu], planned, mean))
		}
	}
	return out
}

// stray finds CPUs that are not measured and took part.
func stray(planned bundle.CPUSet, packets map[int]float64) []bundle.Warning {
	total, outside := 0.0, 0.0
	var others bundle.CPUSet
	for _, cpu := range slices.Sorted(maps.Keys(packets)) {
		total += packets[cpu]
		if !planned.Contains(cpu) && packets[cpu] > 0 {
			outside += packets[cpu]
			others = append(others, cpu)
		}
	}
	if total < minProcessed || outside < strayShare*total {
		return nil
	}
	return []bundle.Warning{bundle.Warn("packet_rate",
		"%.0f %% of the packets that network softirqs processed in the window were on CPUs that are not "+
			"measured (%s): their cost is in no number", 100*outside/total, others)}
}
