package perfdata

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"xfrmscope/analyze/spe"
	"xfrmscope/collect/bundle"
)

// spePMU begins the names of the PMUs of Arm's SPE: a machine with unlike cores has several.
const spePMU = "arm_spe"

// A trace is what the first pass finds of the hardware's own records, which perf keeps behind AUXTRACE records. That of
// SPE is read.
type trace struct {
	spe   bool
	any   traceCPU // what all CPUs have in common
	cpus  []traceCPU
	clock traceClock
	parts []aux
}

// A traceCPU is what AUXTRACE_INFO says of a CPU.
type traceCPU struct {
	cpu       int32
	midr, pmu uint64
}

// An aux is the trace behind one AUXTRACE record, of one CPU or one thread.
type aux struct {
	r        io.ReaderAt
	at, size int64
	offset   uint64 // where in the buffer of the trace it began
	cpu, tid int32  // -1 if not told
}

// describe reads AUXTRACE_INFO: u32 type, u32 reserved, then of SPE u64s. Version 1 has two, the PMU's type first;
// version 2 its number, the words of its header, the PMU's type, how many CPUs, and of each a mark, its number, how
// many words follow, MIDR_EL1, the PMU's type and more (tools/perf/util/arm-spe.h, 6.14).
func (t *trace) describe(body *fields) {
	const armSPE, version1Bytes, header2Words = 4, 16, 4
	if typ := body.u32(); typ != armSPE {
		return
	}
	_ = body.u32()
	t.spe = true
	if len(body.b) <= version1Bytes {
		t.any.pmu = body.u64()
		return
	}
	_ = body.u64()
	words := body.u64()
	t.any.pmu = body.u64()
	n := body.u64()
	body.take(8 * int(min(max(words, header2Words)-header2Words, maxRecord)))
	for ; n > 0 && !body.short; n-- {
		_, cpu, words := body.u64(), body.u64(), body.u64()
		of := fields{o: body.o, b: body.take(8 * int(min(words, maxRecord)))}
		c := traceCPU{cpu: int32(cpu), midr: of.u64(), pmu: of.u64()}
		if len(t.cpus) == 0 {
			t.any.midr = c.midr
		} else if c.midr != t.any.midr {
			t.any.midr = 0
		}
		t.cpus = append(t.cpus, c)
	}
}

// cpu returns what is known of a CPU, of a thread's trace what all have in common.
func (t *trace) cpu(cpu int32) traceCPU {
	for _, c := range t.cpus {
		if c.cpu == cpu {
			return c
		}
	}
	if cpu >= 0 && len(t.cpus) > 0 {
		return traceCPU{pmu: t.any.pmu}
	}
	return t.any
}

// A traceClock makes times of the recording of those in a trace: TIME_CONV, of perf_event_mmap_page. A counter may
// wrap: mask are the bits it has, cycles is a time that is not far.
type traceClock struct {
	shift, mult, zero, cycles, mask uint64
}

func (c *traceClock) set(body *fields) {
	c.shift, c.mult, c.zero = body.u64(), body.u64(), body.u64()
	if body.short {
		c.mult = 0
	}
	c.cycles, c.mask, _ = body.u64(), body.u64(), body.u8()
	if short := body.u8() != 0; !short {
		c.cycles, c.mask = 0, math.MaxUint64
	}
}

// ns is tsc_to_perf_time (tools/perf/util/tsc.c, 6.1), 0 if the time is not known.
func (c *traceClock) ns(ticks uint64) uint64 {
	if c.mult == 0 || c.shift > 63 || ticks == 0 {
		return 0
	}
	ticks = c.cycles + (ticks-c.cycles)&c.mask
	return c.zero + ticks>>c.shift*c.mult + ticks&(1<<c.shift-1)*c.mult>>c.shift
}

// auxtrace notes the trace behind an AUXTRACE record: u64 size, offset, reference; u32 idx, tid, cpu.
func (x *index) auxtrace(rec rawRecord, body *fields) {
	size, offset, _, _ := body.u64(), body.u64(), body.u64(), body.u32()
	a := aux{x.stream.r, rec.file, int64(size), offset, -1, int32(body.u32())}
	if cpu := body.u32(); cpu <= bundle.MaxCPU {
		a.cpu = int32(cpu)
	}
	if body.short || !rec.stored || a.size <= 0 {
		return
	}
	if left := x.stream.end - rec.file; a.size > left {
		l := lossOf("bytes of a hardware trace", uint64(a.size-left), "the recording is cut off there")
		l.Kind, l.Of = bundle.LossEnd, size
		x.losses.notes = append(x.losses.notes, l)
		a.size = left
	}
	x.trace.parts = append(x.trace.parts, a)
}

// lacksNames reports whether no PMU has a name: the end of the file is missing.
func (f *File) lacksNames() bool {
	return f.Meta.pmus == nil && f.Meta.described == nil &&
		slices.ContainsFunc(f.Events, func(e *Event) bool { return e.attr.Type > typeBreakpoint })
}

// nameTraced tells the event of a trace by what stands among the records, where its PMU has no name.
func (x *index) nameTraced() {
	for _, e := range x.f.Events {
		if x.trace.spe && !e.spe && uint64(e.attr.Type) == x.trace.any.pmu && x.f.lacksNames() {
			e.Name, e.spe = spePMU, true
		}
	}
}

// trace decodes the accesses to memory of a trace, a piece at a time.
func (d *Decoder) trace(a *aux, fn func(*Sample) error) error {
	t, e := &d.f.indexed.trace, (*Event)(nil)
	cpu := t.cpu(a.cpu)
	for _, of := range d.f.Events {
		if of.spe && (e == nil || uint64(of.attr.Type) == cpu.pmu) {
			e = of
		}
	}
	d.Stats.TraceBytes += uint64(a.size)
	if e == nil {
		d.Stats.TraceLost += uint64(a.size)
		return nil
	}
	if len(t.cpus) == 0 { // version 1: all CPUs are that of the header
		cpu.midr, _ = strconv.ParseUint(strings.TrimPrefix(d.f.Meta.CPUID, "0x"), 16, 64)
	}
	if size := int(min(a.size, blockSize)); cap(d.buf) < size {
		d.buf = alignedBuffer(size)
	}
	buf, kept := d.buf[:cap(d.buf)], 0
	decode, sources := spe.Decoder{At: a.offset}, spe.SourcesOf(cpu.midr)
	for read := int64(0); read < a.size; {
		part := buf[kept:min(int64(len(buf)), int64(kept)+a.size-read)]
		if n, err := a.r.ReadAt(part, a.at+read); n < len(part) {
			return fmt.Errorf("reading %d bytes of a trace at byte %d: %w", len(part), a.at+read, err)
		}
		read += int64(len(part))
		rest, err := decode.Decode(buf[:kept+len(part)], read == a.size, func(r *spe.Record) error {
			d.Stats.Samples++
			return fn(d.traced(e, a, sources, r))
		})
		if err != nil {
			return err
		}
		kept = copy(buf, rest)
	}
	d.Stats.TraceLost += uint64(decode.Lost)
	return nil
}

// traced makes the sample of a record.
func (d *Decoder) traced(e *Event, a *aux, sources spe.Sources, r *spe.Record) *Sample {
	s := &d.s
	*s = Sample{Event: e, owner: e, o: d.f.o, IP: r.PC, Period: max(e.attr.SamplePeriod, 1), PID: -1, TID: a.tid,
		CPU: a.cpu, Mode: ModeUser, traced: &d.access}
	if r.PC>>63 != 0 {
		s.Mode = ModeKernel
	}
	if r.Context != 0 {
		s.TID = int32(r.Context)
	}
	if e.attr.Flags&flagUseClockID == 0 { // else the recording has another clock
		s.TimeNS = d.f.indexed.trace.clock.ns(r.Timestamp)
	}
	d.access = Access{Event: e.Name, IP: r.PC, Period: s.Period, CPU: s.CPU, Addr: r.Addr, Phys: r.Phys,
		Latency: r.Latency}
	source, known := sources.Of(r)
	d.access.Source, d.access.SourceUnknown = DataSrc(source), !known
	d.access.Write = d.access.Source.Writes()
	return s
}
