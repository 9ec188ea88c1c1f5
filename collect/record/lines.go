package record

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/perf"
	"xfrmscope/collect/procfs"
)

// addLines puts beside the events what tells of cache lines that move: the events that
// count them, if the author of the plan had no wish, and samples of accesses to memory,
// if the plan asks for lines.
func (s *setup) addLines(ctx context.Context) error {
	cpu := cpuOf(s.opt.Root)
	if slices.Equal(s.plan.Events, DefaultEvents()) || s.plan.Lines {
		s.tryMore(ctx, perf.Transfers(cpu))
	}
	if !s.plan.Lines {
		return nil
	}
	memory, err := perf.MemoryOf(cpu)
	if err == nil {
		err = s.tool.TrySampling(ctx,
			perf.Options{CPUs: s.plan.CPUs, Events: memory.Events, FrequencyHz: s.hz, Memory: true})
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return &Missing{What: "samples of memory accesses (--lines)",
			Why: err.Error(), Fix: "without --lines events that " +
				"count transfers are recorded where the CPU has them; xfrmscope lab shows the lines " +
				"of this kernel without a PMU",
			Err: errors.ErrUnsupported}
	}
	s.memory, s.blind = memory.Events, memory.Blind
	if hz := memory.FrequencyHz; hz > 0 && hz != s.hz {
		s.warnings = append(s.warnings, bundle.Warn("samples",
			"sampled at %d Hz, not %d: perf takes no frequency beside %s", hz, s.hz, s.memory[0]))
		s.hz = hz
	}
	return nil
}

// tryMore adds events that open; those that do not are no loss that anybody asked for.
// What has no place among the counters of the samples is counted after them.
func (s *setup) tryMore(ctx context.Context, events []string) {
	if len(events) == 0 {
		return
	}
	// A CPU may have no more than six counters, and the watchdog of the kernel takes one.
	const least = "L1-icache-load-misses:k"
	for _, event := range events {
		if !s.asked(event) && s.tool.Try(ctx, event, s.plan.CPUs[0]) == nil {
			s.events = append(slices.DeleteFunc(s.events,
				func(e bundle.Event) bool { return e.Asked == least }),
				bundle.Event{Asked: event, Opened: event})
		}
	}
	for _, event := range perf.Stalls() {
		if !s.asked(event) && s.tool.Try(ctx, event, s.plan.CPUs[0]) == nil {
			s.counts = append(s.counts, event)
		}
	}
}

// mostSlabWords bounds how many words of memory are asked for the slab caches they are in.
const mostSlabWords = 1 << 16

// findSlabs completes perf.data, and asks which slab caches the kernel's memory that was
// sampled belongs to, while most objects that lived in the window live still. Where the
// kernel does not tell, perf.data is not read for it.
func (r *recorder) findSlabs(ctx context.Context) (why string, cause error) {
	gap := func(why string) { r.gap(bundle.Gap{What: "slab caches of the memory that was sampled", Why: why}) }
	slabs, err := r.loader.Slabs()
	if err != nil {
		gap(err.Error())
		return "", nil
	}
	defer slabs.Close()
	if err := r.endPerf(); err != nil {
		return err.Error(), err
	}
	r.say("asking for slab caches")
	words, left, err := r.tool.KernelWords(ctx, filepath.Join(r.dir, bundle.PerfDataFile), mostSlabWords)
	if ctx.Err() != nil {
		why = "interrupted while slab caches were asked for"
		gap(why)
		return why, ctx.Err()
	}
	if err != nil {
		gap(err.Error())
		return "", nil
	}
	unknown := 0
	if r.slabs, unknown, err = slabs.Objects(words); err != nil {
		gap(err.Error())
	}
	const weakens = "names of cache lines"
	if left > 0 {
		r.warn(weakens, "the slab caches of %d words of memory were not asked for, none of which has more "+
			"samples than the %d that were", left, len(words))
	}
	if unknown > 0 {
		r.warn(weakens, "%d of %d words of memory are in slabs that do not tell where their objects begin",
			unknown, len(words))
	}
	return "", nil
}

func (s *setup) asked(event string) bool {
	return slices.ContainsFunc(s.events, func(e bundle.Event) bool { return e.Asked == event })
}

// sampled are the events of perf record, counted those of perf stat: events of memory
// accesses cannot be counted.
func (s *setup) sampled() []string { return append(s.opened(), s.memory...) }
func (s *setup) counted() []string { return append(s.opened(), s.counts...) }

// allEvents are the events with those that sample memory.
func (s *setup) allEvents() []bundle.Event {
	all := slices.Clone(s.events)
	for _, event := range s.memory {
		all = append(all, bundle.Event{Asked: event, Opened: event})
	}
	return all
}

// cpuOf reads what decides which events tell of cache lines.
func cpuOf(root procfs.Root) perf.CPU {
	c := perf.CPU{}
	info, _ := root.Read("/proc/cpuinfo") // without it no vendor is known
	for line := range strings.Lines(string(info)) {
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(name) {
		case "vendor_id":
			c.Vendor = value
		case "cpu family":
			c.Family, _ = strconv.Atoi(value)
		case "model":
			c.Model, _ = strconv.Atoi(value)
		case "CPU implementer":
			c.Vendor = "arm"
		}
		if !ok && c.Vendor != "" {
			break // of the first CPU
		}
	}
	const devices = "/sys/bus/event_source/devices"
	for _, dir := range []string{"", "/cpu/events", "/cpu_core/events", "/ibs_op/format"} {
		entries, _ := os.ReadDir(root.Path(devices + dir)) // not there: no such device
		for _, e := range entries {
			c.Devices = append(c.Devices, filepath.Join(strings.TrimPrefix(dir, "/"), e.Name()))
		}
	}
	return c
}
