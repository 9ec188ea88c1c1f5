package perfdata

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"xfrmscope/collect/bundle"
)

// speTrace writes n loads whose data came from a source, as SPE does: PC at EL2, operation, source, total latency, data
// address, time.
func speTrace(n int, source byte) (b []byte) {
	packet := func(header byte, v uint64, size int) {
		b = append(append(b, header), binary.LittleEndian.AppendUint64(nil, v)[:size]...)
	}
	for i := range uint64(n) {
		packet(0xb0, 0xc0ff800010000000+i, 8)
		packet(0x49, 0, 1)
		packet(0x43, uint64(source), 1)
		packet(0x98, 100+i, 2)
		packet(0xb2, 0x00ff000800000000+64*i, 8)
		packet(0x71, 1000+i, 8)
	}
	return b
}

const (
	speType    = 9
	speTypeTwo = 10 // of another kind of core

	neoverseV2 = 0x410fd4f0
	cortexA520 = 0x410fd801
)

func speAttr(typ uint32) attr {
	return attr{Type: typ, Size: 128, SamplePeriod: 1024, Flags: flagSampleIDAll,
		SampleType: sampleIdentifier | sampleIP | sampleTID | sampleTime | sampleCPU | sampleDataSrc}
}

// auxtrace writes an AUXTRACE record with its trace.
func (w *testWriter) auxtrace(trace []byte, cpu, tid uint32) *testWriter {
	return w.record(recordAuxtrace, 0, func(w *testWriter) {
		w.u64(uint64(len(trace)), 0, 0).u32(0, tid, cpu, 0)
	}).raw(trace)
}

// auxtraceInfo writes version 2 for CPUs, or version 1 for none.
func (w *testWriter) auxtraceInfo(cpus ...traceCPU) *testWriter {
	return w.record(recordAuxtraceInfo, 0, func(w *testWriter) {
		if w.u32(4, 0); len(cpus) == 0 {
			w.u64(speType, 1)
			return
		}
		w.u64(2, 4, speType, uint64(len(cpus)))
		for _, c := range cpus {
			w.u64(0x1010101010101010, uint64(c.cpu), 4, c.midr, c.pmu, 1024, 0)
		}
	})
}

func speEvents() ([]testEvent, map[feature][]byte) {
	dummy := attr{Type: typeSoftware, Config: swDummy, Size: 128, Flags: flagSampleIDAll,
		SampleType: speAttr(0).SampleType &^ sampleDataSrc}
	return []testEvent{{speAttr(speType), []uint64{1, 2}, "arm_spe_0/load_filter=1/"},
		{speAttr(speTypeTwo), []uint64{3}, "arm_spe_1//"}, {dummy, []uint64{9}, "dummy:u"}}, nil
}

// speFile writes what `perf record -e arm_spe_0/load_filter=1/` does on one CPU.
func speFile(w *testWriter, trace []byte) []byte {
	events, features := speEvents()
	r := w.fork().auxtraceInfo(traceCPU{5, neoverseV2, speType}).
		record(recordTimeConv, 0, func(w *testWriter) { w.u64(1, 4, 50_000) }).
		record(recordItraceStart, 0, func(w *testWriter) { w.u32(7, 7).trailer(51_000, 5, 1) }).
		auxtrace(trace, 5, ^uint32(0))
	return w.file(events, r.b, features)
}

func TestSPE(t *testing.T) {
	bothOrders(t, func(t *testing.T, w *testWriter) {
		f := openBytes(t, speFile(w, speTrace(2, 0x9)))
		side, err := f.Sideband()
		if err != nil || len(side.Losses) > 0 || side.FirstNS != 51_000 {
			t.Errorf("%v, %+v, from %d", err, side.Losses, side.FirstNS)
		}
		samples, stats := collect(t, f)
		if len(samples) != 2 || stats.Samples != 2 || stats.Records != 0 || stats.TraceLost != 0 {
			t.Fatalf("%d samples, %+v", len(samples), stats)
		}
		got, access := samples[1], samples[1].Access(&f.Meta)
		if got.Event != f.Events[0] || !got.Event.Memory() || got.IP != 0xffff800010000001 ||
			got.Mode != ModeKernel || got.Period != 1024 || got.CPU != 5 || got.TID != -1 ||
			got.TimeNS != 50_000+1001*4/2 || got.Chain != nil {
			t.Errorf("%+v", got)
		}
		// L2, another core's
		want := Access{Event: "arm_spe_0/load_filter=1/", IP: got.IP, Period: 1024, CPU: 5,
			Addr: 0xffff000800000040, Latency: 101, Source: 1<<1 | 0x22<<5 | 2<<33 | 2<<38}
		if access != want {
			t.Errorf("%+v, want %+v", access, want)
		}
	})
}

// Whose trace it is, and what that CPU's sources are.
func TestSPEOfCPUs(t *testing.T) {
	both := []traceCPU{{0, neoverseV2, speType}, {1, cortexA520, speTypeTwo}}
	for name, test := range map[string]struct {
		cpus     []traceCPU
		cpuid    string
		cpu, tid uint32
		want     string // event, CPU, thread, whether the line was another core's, source unknown
	}{
		"CPU":                       {both, "", 0, ^uint32(0), "0 0 -1 true false"},
		"CPU of the other kind":     {both, "", 1, ^uint32(0), "1 1 -1 false true"},
		"CPU that is not described": {both, "", 7, ^uint32(0), "0 7 -1 false true"},
		"thread on unlike CPUs":     {both, "", ^uint32(0), 4711, "0 -1 4711 false true"},
		"thread on CPUs all alike":  {both[:1], "", ^uint32(0), 4711, "0 -1 4711 true false"},
		"before 6.14":               {nil, "0x00000000410fd4f0", 3, ^uint32(0), "0 3 -1 true false"},
		"before 6.14, CPU not said": {nil, "", 3, ^uint32(0), "0 3 -1 false true"},
	} {
		w := newTestWriter(false)
		events, _ := speEvents()
		r := w.fork().auxtraceInfo(test.cpus...).auxtrace(speTrace(1, 0x9), test.cpu, test.tid)
		f := openBytes(t, w.file(events, r.b, map[feature][]byte{featureCPUID: w.fork().text(test.cpuid).b}))
		samples, _ := collect(t, f)
		if len(samples) != 1 || samples[0].TimeNS != 0 {
			t.Fatalf("%s: %+v", name, samples)
		}
		s, a := samples[0], samples[0].Access(&f.Meta)
		got := fmt.Sprintf("%d %d %d %v %v", s.Event.Index, s.CPU, s.TID, a.Source.Peer(), a.SourceUnknown)
		if got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// What is damaged or cut off is lost, with a number; what is whole is read.
func TestSPELosses(t *testing.T) {
	w := newTestWriter(false)
	whole := speTrace(3, 9)
	one := len(whole) / 3
	damaged := slices.Clone(whole)
	damaged[one] = 0xff
	f := openBytes(t, speFile(w, damaged))
	samples, stats := collect(t, f)
	losses := stats.Losses()
	if len(samples) != 2 || stats.TraceLost != uint64(one) || len(losses) != 1 || losses[0].Count != uint64(one) ||
		losses[0].Of != uint64(3*one) || !strings.Contains(losses[0].What, "SPE trace") {
		t.Errorf("%d samples, %+v", len(samples), losses)
	}
	file := speFile(w, whole)
	start := bytes.Index(file, whole)
	for end := start; end < start+len(whole); end += 7 {
		f := openBytes(t, file[:end])
		samples, _ := collect(t, f)
		side, _ := f.Sideband()
		told := slices.ContainsFunc(side.Losses, func(l bundle.Loss) bool {
			return l.What == "bytes of a hardware trace" && l.Kind == bundle.LossEnd &&
				l.Count == uint64(start+len(whole)-end) && l.Of == uint64(len(whole))
		})
		if len(samples) != (end-start)/one || !told || side.FirstNS == 0 || f.Events[0].Name != "arm_spe" {
			t.Fatalf("cut at %d of %d: %d samples, %+v", end-start, len(whole), len(samples), side.Losses)
		}
	}
}

// The flags of AUX records are losses, of the CPU that they are of.
func TestSPEFlags(t *testing.T) {
	w := newTestWriter(false)
	events, _ := speEvents()
	r := w.fork().auxtraceInfo()
	for _, flags := range []uint64{0, 1, 4, 8, 1 | 4} {
		r.record(recordAux, 0, func(w *testWriter) { w.u64(0, 64, flags).trailer(90, 5, 1) })
	}
	side, err := openBytes(t, w.file(events, r.b, nil)).Sideband()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range side.Losses {
		got = append(got, fmt.Sprint(l.What, " ", l.Count, " cpu ", *l.CPU))
	}
	want := "AUX areas truncated (AUX) 2 cpu 5, AUX areas with gaps (AUX) 2 cpu 5, " +
		"AUX samples that collided (AUX) 1 cpu 5"
	if strings.Join(got, ", ") != want || side.FirstNS != 90 || side.LastNS != 90 {
		t.Errorf("%s; want %s; %d to %d", strings.Join(got, ", "), want, side.FirstNS, side.LastNS)
	}
}

// A long trace is read in pieces, and the records that lie across their ends are whole.
func TestSPELong(t *testing.T) {
	trace := speTrace(200_000, 9)
	if len(trace) < blockSize {
		t.Fatal("the trace is too short for the test")
	}
	f := openBytes(t, speFile(newTestWriter(false), trace))
	n := uint64(0)
	stats, err := f.eachSample(t.Context(), func(s *Sample) error {
		if s.Access(&f.Meta).Addr != 0xffff000800000000+64*n {
			return fmt.Errorf("sample %d at %x", n, s.Access(&f.Meta).Addr)
		}
		n++
		return nil
	})
	if err != nil || n != 200_000 || stats.TraceLost != 0 || stats.TraceBytes != uint64(len(trace)) {
		t.Errorf("%d samples, %v, %+v", n, err, stats)
	}
}

// A trace stands as it is between compressed records, in a pipe, and in a thread's file of a directory.
func TestSPEForms(t *testing.T) {
	w := newTestWriter(false)
	events, _ := speEvents()
	noise := w.fork()
	for range 50 {
		noise.record(recordFinishedRound, 0, nil)
	}
	pieces := compress(t, noise.b, noise.b)
	r := w.fork().record(recordCompressed, 0, func(w *testWriter) { w.raw(pieces[0]) }).
		auxtraceInfo(traceCPU{5, neoverseV2, speType}).auxtrace(speTrace(2, 9), 5, ^uint32(0)).
		record(recordCompressed, 0, func(w *testWriter) { w.raw(pieces[1]) }).
		auxtrace(speTrace(1, 9), 5, ^uint32(0))
	pipe := w.fork().raw([]byte("PERFILE2")).u64(pipeHeaderSize)
	pipe.record(recordHeaderAttr, 0, func(w *testWriter) { w.attr(speAttr(speType)).u64(1) }).
		record(recordHeaderFeature, 0, func(w *testWriter) {
			w.u64(uint64(featurePMUMappings)).u32(1, speType).text("arm_spe_0")
		}).auxtraceInfo().auxtrace(speTrace(3, 9), 5, ^uint32(0))
	head := w.fork().auxtraceInfo(traceCPU{5, neoverseV2, speType}).b
	fsys := fstest.MapFS{"compressed": {Data: w.file(events, r.b, nil)}, "pipe": {Data: pipe.b},
		"directory/data":   {Data: w.file(events, head, nil)},
		"directory/data.0": {Data: w.fork().auxtrace(speTrace(1, 9), 4, ^uint32(0)).b},
		"directory/data.1": {Data: w.fork().auxtrace(speTrace(2, 9), 5, ^uint32(0)).b}}
	for _, name := range []string{"compressed", "pipe", "directory"} {
		f, err := OpenFS(fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		samples, stats := collect(t, f)
		if len(samples) != 3 || stats.TraceLost > 0 || !samples[0].Event.Memory() {
			t.Errorf("%s: %d samples, %+v", name, len(samples), stats)
		}
		if side, _ := f.Sideband(); len(side.Losses) > 0 {
			t.Errorf("%s: %+v", name, side.Losses)
		}
	}
}

// A reader that is told to end does so between traces.
func TestSPEInterrupted(t *testing.T) {
	w := newTestWriter(false)
	f := openBytes(t, speFile(w, speTrace(3, 9)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for b, err := range f.Blocks(ctx) {
		if b != nil && b.aux != nil {
			t.Error("a trace was handed out")
		}
		cancel()
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("%v", last)
	}
}

// The traces of other PMUs stay where they are. So does what perf inject leaves: the event, its trace gone, and samples
// of events that perf made of it.
func TestNoSPE(t *testing.T) {
	w := newTestWriter(false)
	events, _ := speEvents()
	other := w.fork().record(recordAuxtraceInfo, 0, func(w *testWriter) { w.u32(3, 0).u64(speType, 1) }).
		auxtrace(speTrace(3, 9), 5, ^uint32(0))
	injected := attr{Type: typeHardware, Size: 128,
		SampleType: sampleIdentifier | sampleIP | sampleAddr | sampleDataSrc}
	made := w.fork().record(recordSample, 0, func(w *testWriter) { w.u64(20, 1, 2, 1<<1|2<<38) })
	for name, test := range map[string]struct {
		events  []testEvent
		records []byte
		samples int
	}{
		"CoreSight": {events, other.b, 0},
		"injected":  {append(events, testEvent{injected, []uint64{20}, "memory"}), made.b, 1},
	} {
		f := openBytes(t, w.file(test.events, test.records, nil))
		samples, stats := collect(t, f)
		if len(samples) != test.samples || len(stats.Losses()) > 0 {
			t.Errorf("%s: %d samples, %+v", name, len(samples), stats)
		}
		if side, _ := f.Sideband(); len(side.Losses) > 0 {
			t.Errorf("%s: %+v", name, side.Losses)
		}
	}
	// A trace whose event is not among those of the file.
	lost := w.fork().auxtraceInfo().auxtrace(speTrace(3, 9), 5, ^uint32(0))
	_, stats := collect(t, openBytes(t, w.file(events[2:], lost.b, nil)))
	if stats.TraceLost != uint64(len(speTrace(3, 9))) {
		t.Errorf("no event: %+v", stats)
	}
}

// The perf that is installed decodes what this test wrote, and finds what we find: perf 6.1 of a Neoverse V1. Accesses
// to TLBs, which it adds, and the lock of an atomic, which we do, are left out.
func TestSPEAsPerfDecodesIt(t *testing.T) {
	needPerf(t)
	w, random := newTestWriter(false), rand.New(rand.NewPCG(5, 6))
	var trace []byte
	packet := func(header byte, v uint64, size int) {
		trace = append(append(trace, header), binary.LittleEndian.AppendUint64(nil, v)[:size]...)
		if random.IntN(4) == 0 {
			trace = append(trace, make([]byte, random.IntN(9))...)
		}
	}
	for i := range uint64(2000) {
		packet(0xb0, random.Uint64()>>8|0x80<<56|random.Uint64N(3)<<61, 8)
		packet(0x64, 100+random.Uint64N(50), 4)
		op := []byte{0x49, 0x49, 0x49, 0x48, 0x4a}[random.IntN(5)]
		if op == 0x49 {
			packet(op, []uint64{0, 1, 4, 6, 0x16, 0x0a, 0x0b}[random.IntN(7)], 1)
		} else {
			packet(op, random.Uint64N(2), 1)
		}
		packet(0x62, random.Uint64()&0x3fe, 4)
		packet(0x99, random.Uint64(), 2)
		packet(0x98, random.Uint64(), 2)
		if op == 0x49 {
			packet(0xb2, random.Uint64(), 8)
			packet(0x9a, random.Uint64(), 2)
			packet(0xb3, random.Uint64(), 8)
			packet(0x43, []uint64{0, 8, 9, 10, 11, 12, 13, 14}[random.IntN(8)], 1)
		}
		packet(0x71, 1000*i+random.Uint64N(900), 8)
	}
	events, _ := speEvents()
	events[0].attr.SampleType |= sampleAddr | sampleWeight | samplePhysAddr // perf record -d -W
	r := w.fork().record(recordTimeConv, 0, func(w *testWriter) { w.u64(10, 1025, 50_000, 0, 0, 1) }).
		auxtraceInfo().record(recordItraceStart, 0, func(w *testWriter) { w.u32(7, 7).trailer(40_000, 5, 1) }).
		auxtrace(trace, 5, ^uint32(0)).record(recordFinishedRound, 0, nil)
	data := w.file([]testEvent{events[0], events[2]}, r.b, map[feature][]byte{
		featureArch: w.fork().text("aarch64").b, featureCPUID: w.fork().text("0x00000000411fd401").b})
	path := filepath.Join(t.TempDir(), "perf.data")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	out, refused := perfOutput(t, path, "script", "--itrace=M", "--ns", "-F",
		"tid,cpu,time,ip,addr,data_src,weight,phys_addr")
	if refused != "" {
		t.Skip(refused)
	}
	printed := regexp.MustCompile(
		`(?m)^ *(\d+) +\[(\d+)\] +(\d+)\.(\d+): +([0-9a-f]+) +([0-9a-f]+) .* (\d+) +([0-9a-f]+) +([0-9a-f]+)$`)
	// What is told of the source: operation, level, snoop; level, remote, peer.
	const compared = 1<<19 - 1 | 1<<24 - 1<<20 | 1<<40 - 1<<33
	var want, got []string
	for _, m := range printed.FindAllStringSubmatch(string(out), -1) {
		source, err := strconv.ParseUint(m[6], 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprintf("%s %s %s%s %s %x %s %s %s", m[1], m[2], strings.TrimLeft(m[3], "0"),
			strings.TrimLeft(m[4], "0"), m[5], source&compared, m[7], m[8], m[9]))
	}
	f := openBytes(t, data)
	stats, err := f.eachSample(t.Context(), func(s *Sample) error {
		a := s.Access(&f.Meta)
		got = append(got, fmt.Sprintf("%d %03d %d %x %x %d %x %x", s.TID, s.CPU, s.TimeNS, a.Addr,
			uint64(a.Source)&compared, a.Latency, a.IP, a.Phys))
		return nil
	})
	if err != nil || stats.TraceLost > 0 || len(got) < 1000 {
		t.Fatalf("%d accesses, %+v, %v", len(got), stats, err)
	}
	diffLines(t, "perf and we", strings.Join(want, "\n"), strings.Join(got, "\n"))
}

func TestTraceClock(t *testing.T) {
	for _, test := range []struct {
		words []uint64
		ticks uint64
		want  uint64
	}{
		{[]uint64{0, 1, 5}, 7, 12},
		{[]uint64{24, 40 << 24, 1000}, 1<<33 + 25, 1000 + 40*(1<<33+25)}, // 25 MHz
		{[]uint64{0, 1, 0, 1<<40 + 10, 1<<40 - 1, 1 << 8}, 3, 2<<40 + 3}, // wrapped since
		{[]uint64{0, 1, 0, 1<<40 + 10, 1<<40 - 1, 0}, 3, 3},
		{[]uint64{64, 1, 5}, 7, 0},
		{[]uint64{1, 1}, 7, 0},
		{[]uint64{0, 1, 5}, 0, 0},
	} {
		w := newTestWriter(false)
		var c traceClock
		if c.set(&fields{b: w.u64(test.words...).b}); c.ns(test.ticks) != test.want {
			t.Errorf("%x: %d ticks are %d ns, want %d", test.words, test.ticks, c.ns(test.ticks), test.want)
		}
	}
}
