package record

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
)

// takePackets reads the packets file, if the plan names one. It holds counts
// that run while the load does: a statistic of sysfs, or what the load writes.
func (s *snapshot) takePackets(phase string) {
	if s.packetsFile == "" {
		return
	}
	now := probe.Monotonic()
	t, err := ReadTraffic(s.packetsFile)
	if err != nil {
		s.gaps = append(s.gaps, bundle.Gap{
			What: "packets counted by the load, at the " + phase + " of the window", Why: err.Error(),
			Fix: "name a file that holds one running count or lines of CPU PACKETS throughout the " +
				"window, such as /sys/class/net/NIC/statistics/tx_packets",
		})
		return
	}
	if phase == bundle.PhaseStart {
		s.packets[0], s.packetsAt.StartNS = t, now
		return
	}
	s.packets[1], s.packetsAt.EndNS = t, now
}

// traffic returns the packets between the two reads, nil if there were none.
func (s *snapshot) traffic() (*bundle.Traffic, error) {
	first, last := s.packets[0], s.packets[1]
	if first == nil || last == nil {
		return nil, nil
	}
	if last.Packets < first.Packets || len(last.PerCPU) != len(first.PerCPU) {
		return nil, fmt.Errorf("%s: the counts fell from %d to %d, or name other CPUs than before",
			s.packetsFile, first.Packets, last.Packets)
	}
	t := &bundle.Traffic{Source: "counter " + s.packetsFile, Packets: last.Packets - first.Packets,
		Window: s.packetsAt}
	for i, c := range last.PerCPU {
		was := first.PerCPU[i]
		if was.CPU != c.CPU || was.Packets > c.Packets {
			return nil, fmt.Errorf("%s: the counts of CPU %d fell, or its line moved", s.packetsFile, c.CPU)
		}
		t.PerCPU = append(t.PerCPU, bundle.CPUPackets{CPU: c.CPU, Packets: c.Packets - was.Packets})
	}
	return t, nil
}

// ReadTraffic reads packet counts: one number, or lines "CPU PACKETS", one for
// each CPU. A line that begins with # is passed over.
func ReadTraffic(name string) (*bundle.Traffic, error) {
	f, err := bundle.OpenRegular(name, 0)
	if err != nil {
		return nil, fmt.Errorf("reading the packet counts: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPacketsFile))
	if err != nil {
		return nil, fmt.Errorf("reading the packet counts: %w", err)
	}
	t, err := parseTraffic(string(data))
	if err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	return t, nil
}

const maxPacketsFile = 1 << 20

// parseTraffic reads the text of a packets file; its errors begin with the
// number of the line.
func parseTraffic(text string) (*bundle.Traffic, error) {
	t := &bundle.Traffic{}
	seen := make(map[int]bool)
	lines, number := 0, 0
	for line := range strings.Lines(text) {
		number++
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		lines++
		if len(fields) > 2 || len(fields) == 1 && lines > 1 || len(fields) == 2 && lines != len(t.PerCPU)+1 {
			return nil, fmt.Errorf("%d: %q: want one number, or lines of CPU PACKETS", number,
				strings.TrimSpace(line))
		}
		packets, err := strconv.ParseUint(fields[len(fields)-1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%d: packets: %w", number, err)
		}
		t.Packets += packets
		if len(fields) == 1 {
			continue
		}
		cpu, err := strconv.Atoi(fields[0])
		if err != nil || cpu < 0 || cpu > bundle.MaxCPU || seen[cpu] {
			return nil, fmt.Errorf("%d: %q is no CPU, or was there before", number, fields[0])
		}
		seen[cpu] = true
		t.PerCPU = append(t.PerCPU, bundle.CPUPackets{CPU: cpu, Packets: packets})
	}
	if lines == 0 {
		return nil, fmt.Errorf("1: holds no number")
	}
	return t, nil
}
