package collect

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"xfrmscope/collect/bundle"
)

// readTraffic reads the packet counts a load left in a file: one number, the
// packets it sent in the window, or lines "CPU PACKETS", one for each CPU. A
// line that begins with # is passed over. A file older than since was not
// written by this run's load.
func readTraffic(name string, since time.Time) (*bundle.Traffic, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reading the packet counts: %w", err)
	}
	if info.ModTime().Before(since) {
		return nil, fmt.Errorf("reading the packet counts: %s was last written %s, before this run began", name, info.ModTime().Format(time.RFC3339))
	}
	if info.Size() > maxPacketsFile {
		return nil, fmt.Errorf("reading the packet counts: %s has %d bytes, more than one number or a line for each CPU", name, info.Size())
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the packet counts: %w", err)
	}
	t, err := parseTraffic(string(data))
	if err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	t.Source = "packets file " + name
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
			return nil, fmt.Errorf("%d: %q: want one number, or lines of CPU PACKETS", number, strings.TrimSpace(line))
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
