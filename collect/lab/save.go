package lab

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"xfrmscope/collect/bundle"
)

// Save writes what a cell counted as a run: all its windows together. The window of
// the run is what its CPUs' clocks went by, a nanosecond for a cycle.
func (k *Kernel) Save(dir, tool string, cell Cell, repeat int, c *Counts) error {
	var cpus bundle.CPUSet
	for cpu := range cell.CPUs {
		cpus = append(cpus, cpu)
	}
	var end, packets uint64
	var forgotten int64
	perCPU := make([]bundle.CPUPackets, cell.CPUs)
	for _, w := range c.windows {
		end += w.cpus[0].cycles
		forgotten = w.forgotten // since the start
		for cpu := range perCPU {
			perCPU[cpu].CPU = cpu
			perCPU[cpu].Packets += w.cpus[cpu].packets
			packets += w.cpus[cpu].packets
		}
	}
	const start = 1 // 0 is no time
	window := bundle.Window{StartNS: start, EndNS: start + int64(end)}
	warnings := []bundle.Warning{bundle.Warn(bundle.EveryNumber, "%s", NotModelled+"; a nanosecond is a cycle")}
	if forgotten > 0 {
		warnings = append(warnings, bundle.Warn("transfers",
			"the directory had no room for %d lines: a transfer of them is not counted", forgotten))
	}
	w, err := bundle.Create(dir, bundle.Manifest{
		Tool: tool, Source: "lab", Started: time.Now(), Window: window,
		Host: bundle.Host{Kernel: k.Release,
			BuildID: bundle.BuildIDOfNotes(k.files[fileNotes], binary.LittleEndian), BootID: k.boot(cell),
			Arch: "x86_64", CPUModel: NotModelled, Online: cpus},
		Plan: bundle.Plan{CPUs: cpus, Events: events, Labels: map[string]string{
			bundle.LabelMode: cell.Mode, bundle.LabelN: strconv.Itoa(cell.CPUs),
			bundle.LabelRepeat: strconv.Itoa(repeat),
		}},
		Warnings: warnings,
	})
	if err != nil {
		return err
	}
	functions := newFunctions(c.kallsyms)
	sums := c.byContext()
	recording, err := perfData(sums, c.windows[len(c.windows)-1], functions, start) // the last knows all contexts
	if err != nil {
		return err
	}
	if err := w.WriteFile(bundle.PerfDataFile, recording); err != nil {
		return err
	}
	if err := bundle.WriteLines(w, bundle.TotalsFile, totals(sums, cpus, end)); err != nil {
		return err
	}
	source := "simulated: calls of " + cell.packetFunction()
	traffic := bundle.Traffic{Source: source, Window: window, Packets: packets, PerCPU: perCPU}
	if err := w.WriteJSON(bundle.TrafficFile, traffic); err != nil {
		return err
	}
	namer, why := k.newNamer(c.memory.mem, cell.CPUs+1, c.addresses())
	if why != nil {
		gap := bundle.Gap{What: "names of the fields whose lines moved", Why: why.Error(),
			Fix: "build the kernel with what `xfrmscope lab kernel` prints"}
		if err := w.Update(func(m *bundle.Manifest) { m.Gaps = append(m.Gaps, gap) }); err != nil {
			return err
		}
	}
	if err := bundle.WriteLines(w, bundle.LinesFile, c.lines(functions, namer)); err != nil {
		return err
	}
	if !cell.NoFields {
		if err := bundle.WriteLines(w, bundle.FieldsFile, c.fields(functions, namer)); err != nil {
			return err
		}
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(functions.seen(c.windows)); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if err := w.WriteFile(bundle.KallsymsFile, packed.Bytes()); err != nil {
		return err
	}
	if err := w.WriteFile(bundle.ModulesFile, c.modules); err != nil {
		return err
	}
	return w.Finish("")
}

// boot names the boot of a cell: the same one is made again by the same cell.
func (k *Kernel) boot(cell Cell) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %+v", k.sum, cell))
	return hex.EncodeToString(sum[:16])
}

func totals(sums map[place]tally, cpus bundle.CPUSet, cycles uint64) []bundle.Total {
	perCPU := make([]tally, len(cpus))
	for p, t := range sums {
		for i, n := range t {
			perCPU[p.cpu][i] += n
		}
	}
	var rows []bundle.Total
	for i, event := range events {
		for _, cpu := range cpus {
			rows = append(rows, bundle.Total{Event: event, CPU: cpu, Value: perCPU[cpu][i],
				RunningNS: int64(cycles), Running: 1})
		}
	}
	return rows
}
