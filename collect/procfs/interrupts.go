package procfs

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"xfrmscope/collect/bundle"
)

// An Interrupt is one line of /proc/interrupts that has a number (kernel/irq/proc.c
// show_interrupts, 6.12).
type Interrupt struct {
	Number    int
	Name      string // its handler's: "mlx5_comp3@pci:0000:01:00.0", "virtio2-input.0"; of several the last
	Counts    []CPUCount
	Affinity  string // CPUs it may be sent to, as "0-3"; "" if not known
	Effective string // CPUs it is sent to
}

// A CPUCount is how often one CPU has done something.
type CPUCount struct {
	CPU   int
	Count uint64
}

// Interrupts returns the numbered interrupts with their affinity. CPUs that took
// none are left out of the counts.
func (r Root) Interrupts() ([]Interrupt, error) {
	const source = "/proc/interrupts"
	data, err := r.Read(source)
	if err != nil {
		return nil, fmt.Errorf("reading interrupts: %w", err)
	}
	all, err := parseInterrupts(data)
	if err != nil {
		return all, fmt.Errorf("%s%w", source, err)
	}
	for i := range all {
		dir := "/proc/irq/" + strconv.Itoa(all[i].Number)
		all[i].Affinity = r.ReadTrimmed(dir + "/smp_affinity_list")
		all[i].Effective = r.ReadTrimmed(dir + "/effective_affinity_list")
	}
	return all, nil
}

func parseInterrupts(data []byte) ([]Interrupt, error) {
	header, rest, _ := bytes.Cut(data, []byte("\n"))
	cpus, err := cpuColumns(string(header))
	if err != nil {
		return nil, fmt.Errorf(":1: %w", err)
	}
	var all []Interrupt
	line := 1
	for text := range bytes.Lines(rest) {
		line++
		label, values, _ := strings.Cut(string(text), ":")
		number, err := strconv.Atoi(strings.TrimSpace(label))
		if err != nil {
			continue // NMI, LOC and others that have no affinity
		}
		fields := strings.Fields(values)
		if len(fields) < len(cpus) {
			return all, fmt.Errorf(":%d: %d columns, want one for each of %d CPUs", line, len(fields),
				len(cpus))
		}
		irq := Interrupt{Number: number}
		for i, cpu := range cpus {
			count, err := strconv.ParseUint(fields[i], 10, 64)
			if err != nil {
				return all, fmt.Errorf(":%d: CPU %d: %w", line, cpu, err)
			}
			if count > 0 {
				irq.Counts = append(irq.Counts, CPUCount{cpu, count})
			}
		}
		if len(fields) > len(cpus) {
			irq.Name = fields[len(fields)-1]
		}
		all = append(all, irq)
	}
	return all, nil
}

// ReadMask returns a file that holds a bitmap of CPUs, "0000,0000000f"
// (lib/vsprintf.c bitmap_string, 6.12), as a set.
func (r Root) ReadMask(name string) (bundle.CPUSet, error) {
	data, err := r.Read(name)
	if err != nil {
		return nil, err
	}
	set, err := parseMask(strings.TrimSpace(string(data)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return set, nil
}

func parseMask(text string) (bundle.CPUSet, error) {
	words := strings.Split(text, ",")
	if len(words) > (bundle.MaxCPU+32)/32 {
		return nil, fmt.Errorf("a mask of %d words is of no machine", len(words))
	}
	var set bundle.CPUSet
	for i := range words {
		word, err := strconv.ParseUint(words[len(words)-1-i], 16, 32)
		if err != nil {
			return nil, fmt.Errorf("%q is no mask of CPUs", text)
		}
		for bit := range 32 {
			if word&(1<<bit) != 0 {
				set = append(set, 32*i+bit)
			}
		}
	}
	return set, nil
}
