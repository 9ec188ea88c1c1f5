package perfdata

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/fstest"
)

const lockFormat = "name: contention_begin\nID: 48\nformat:\n" +
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\nprint fmt: \"%p\", REC->lock_addr\n"

// lockEvent is a tracepoint that only its recorded format names, with raw payloads.
func lockEvent() testEvent {
	a := attr{Type: typeTracepoint, Config: 48, Size: 128, SampleType: testType | sampleCallchain | sampleRaw,
		SamplePeriod: 1}
	return testEvent{attr: a, ids: []uint64{1}}
}

func lockSamples(w *testWriter) []byte {
	r := w.fork()
	for i := range uint64(3) {
		r.record(recordSample, 0, func(w *testWriter) {
			fixedFields(w, 1, 0x10, 5, 6, 100+i, 2, 1).u64(1, 0x1000).u32(12).raw([]byte("raw payload!"))
		})
	}
	return r.b
}

// seedFeatures are header features as perf writes them.
func seedFeatures(w *testWriter) map[feature][]byte {
	return map[feature][]byte{
		featureTracingData: tracingData(w, "lock", lockFormat),
		featureBuildID: w.fork().record(0, miscBuildIDSize, func(w *testWriter) {
			w.u32(1<<32 - 1).raw(make([]byte, 20)).raw([]byte{4, 0, 0, 0}).name("[kernel.kallsyms]")
		}).b,
		featureOSRelease:   w.fork().text("6.12").b,
		featureCmdLine:     w.fork().u32(2).text("perf").text("record").b,
		featurePMUMappings: w.fork().u32(1, 11).text("ibs_op").b,
		featureClockData:   w.fork().u32(1, 1).u64(3000, 2000).b,
		featureEventDesc:   w.fork().u32(1, 128).attr(lockEvent().attr).u32(1).text("e").u64(1).b,
	}
}

// pipeFile writes what `perf record -o -` does.
func pipeFile(w *testWriter) []byte {
	e := lockEvent()
	out := w.fork().raw([]byte("PERFILE2")).u64(pipeHeaderSize)
	if w.big {
		copy(out.b, "2ELIFREP")
	}
	out.record(recordHeaderAttr, 0, func(w *testWriter) { w.attr(e.attr).u64(e.ids...) })
	for _, id := range []feature{featureOSRelease, featureCmdLine, featurePMUMappings, featureClockData} {
		out.record(recordHeaderFeature, 0, func(w *testWriter) { w.u64(uint64(id)).raw(seedFeatures(w)[id]) })
	}
	tracing := tracingData(w, "lock", lockFormat)
	tracing = append(tracing, make([]byte, (8-len(tracing)%8)%8)...)
	out.record(recordHeaderTracingData, 0, func(w *testWriter) { w.u32(uint32(len(tracing))) }).raw(tracing)
	out.record(recordEventUpdate, 0, func(w *testWriter) { w.u64(updateName, 1).name("lock:contention_begin") })
	return out.raw(lockSamples(w)).record(recordFinishedRound, 0, nil).b
}

// memoryFile writes samples of every field, a branch stack and IBS registers among them.
func memoryFile(w *testWriter) []byte {
	a := attr{Type: 11, Size: 128, SampleType: sampleIP | sampleAddr | sampleRaw | sampleBranchStack |
		sampleWeight | sampleDataSrc |
		samplePhysAddr | sampleDataPageSize | sampleRegsUser | sampleStackUser, BranchSampleType: branchHWIndex,
		SampleRegsUser: 5}
	r := w.fork().record(recordSample, uint16(ModeKernel), func(w *testWriter) {
		w.u64(0x10, 0xadd).u32(20, 0x3ff).u64(1, 2)            // IP, ADDR, RAW
		w.u64(1, 4, 0xa, 0xb, 0).u64(2, 3, 4).u64(16, 1, 2, 8) // BRANCH_STACK, REGS_USER, STACK_USER
		// WEIGHT, DATA_SRC, PHYS_ADDR, DATA_PAGE_SIZE
		w.u64(250, 1<<1|1<<23|3<<33|1<<37, 0xfff000).u64(uint64(4096))
	})
	return w.file([]testEvent{{a, []uint64{1}, "ibs_op//"}}, r.b, seedFeatures(w))
}

// compressedFile writes what `perf record -z` does.
func compressedFile(t testing.TB, w *testWriter) []byte {
	records, _ := noise(w, 30)
	r := w.fork()
	for _, p := range compress(t, records[:500], records[500:]) {
		r.record(recordCompressed, 0, func(w *testWriter) { w.raw(p) }).record(recordFinishedRound, 0, nil)
	}
	return w.file([]testEvent{{attr{Size: 136, SampleType: testType}, []uint64{1}, "c"}}, r.b, nil)
}

// addSeeds gives a fuzz target small recordings of either byte order, flips of a bit of each at places spread over it,
// and a cut; those kept beside the project too where they are.
func addSeeds(f *testing.F, add func([]byte)) {
	seeds := [][]byte{groupFile(5)}
	for _, big := range []bool{false, true} {
		w := newTestWriter(big)
		locks := w.file([]testEvent{lockEvent()}, lockSamples(w), seedFeatures(w))
		seeds = append(seeds, deferredFile(w, 0), locks, pipeFile(w), memoryFile(w), compressedFile(f, w),
			speFile(w, speTrace(3, 9)))
	}
	for _, fixture := range kept(f) {
		if len(fixture.data) < 32<<10 {
			seeds = append(seeds, fixture.data)
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for _, b := range seeds {
		add(b)
		for range 8 {
			flipped := slices.Clone(b)
			flipped[r.IntN(len(b))] ^= 1 << r.IntN(8)
			add(flipped)
		}
		add(b[:r.IntN(len(b))])
	}
}

// The seeds are recordings that read whole, or a fuzz target would start from nothing.
func TestSeedsReadWhole(t *testing.T) {
	bothOrders(t, func(t *testing.T, w *testWriter) {
		locks := w.file([]testEvent{lockEvent()}, lockSamples(w), seedFeatures(w))
		for name, seed := range map[string]struct {
			b       []byte
			samples int
		}{"locks": {locks, 3}, "pipe": {pipeFile(w), 3}, "memory": {memoryFile(w), 1},
			"spe": {speFile(w, speTrace(3, 9)), 3}, "compressed": {compressedFile(t, w), 30}} {
			f, samples := readAll(t, seed.b)
			if f == nil || samples != seed.samples {
				t.Fatalf("%s: %d samples", name, samples)
			}
			if side, _ := f.Sideband(); len(side.Losses) > 0 {
				t.Errorf("%s: %+v", name, side.Losses)
			}
			if e := f.Events[0]; e.attr.Type == typeTracepoint && e.Name != "e" &&
				e.Name != "lock:contention_begin" {
				t.Errorf("%s: the event is named %s", name, e.Name)
			}
		}
	})
}

// FuzzRecording reads any bytes with every entry point.
func FuzzRecording(f *testing.F) {
	addSeeds(f, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<20 {
			return
		}
		got := allocated(func() { readAll(t, b) })
		// readAll reads a recording several times, writes its samples as text, and a compressed one expands.
		if limit := uint64(6 * (maxRatio*len(b) + ratioFree + allocConstant) * allocFactor); got > limit {
			t.Fatalf("%d bytes allocated for %d", got, len(b))
		}
	})
}

// FuzzStream reads any bytes as a recording below a file system and as the records of one thread of a directory.
func FuzzStream(f *testing.F) {
	w := newTestWriter(false)
	head := w.file([]testEvent{lockEvent()}, lockSamples(w), nil)
	addSeeds(f, func(b []byte) { f.Add(b) })
	f.Add(lockSamples(w))
	f.Fuzz(func(t *testing.T, b []byte) {
		fsys := fstest.MapFS{"perf.data": {Data: b}, "dir/data": {Data: head}, "dir/data.0": {Data: b}}
		for _, name := range []string{"perf.data", "dir"} {
			file, err := OpenFS(fsys, name)
			if err != nil {
				continue
			}
			if _, err := file.Sideband(); err != nil {
				t.Fatal(err)
			}
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzSample decodes any record with any attr and reads every field of it.
func FuzzSample(f *testing.F) {
	f.Add(uint64(testType|sampleCallchain), uint64(0), uint64(0), uint64(0), false,
		bytes.Repeat([]byte("12345678"), 8))
	f.Add(uint64(1<<25-1), uint64(31), uint64(branchHWIndex|branchCounters|branchCallStack), uint64(7), true,
		make([]byte, 400))
	f.Fuzz(func(t *testing.T, sampleType, readFormat, branchType, regs uint64, big bool, body []byte) {
		if len(body) > maxRecord-headerSize {
			return
		}
		w := newTestWriter(big)
		a := attr{Type: 11, Size: 144, SampleType: sampleType, ReadFormat: readFormat,
			BranchSampleType: branchType,
			SampleRegsUser:   regs, SampleRegsIntr: regs, Flags: flagDeferCallchain | flagSampleIDAll}
		rec := w.fork().record(recordSample, 0, func(w *testWriter) { w.raw(body) }).b
		readAll(t, w.file([]testEvent{{a, []uint64{1}, "e"}}, rec, seedFeatures(w)))
	})
}

// FuzzFeature decodes any bytes as any header feature.
func FuzzFeature(f *testing.F) {
	for _, big := range []bool{false, true} {
		for id, b := range seedFeatures(newTestWriter(big)) {
			f.Add(uint32(id), big, b)
		}
	}
	for _, fixture := range kept(f) {
		r := bytes.NewReader(fixture.data)
		file, err := Open(r, int64(len(fixture.data)))
		if err != nil || file.pipe != nil {
			continue
		}
		set := featureBits(fixture.data[72:104], order{})
		sections, err := file.featureTable(r, file.streams[0].end, set)
		if err != nil {
			continue
		}
		for i, s := range sections {
			if s.within(int64(len(fixture.data))) && s.size < 16<<10 {
				f.Add(uint32(set[i]), false, fixture.data[s.off:s.off+s.size])
			}
		}
	}
	f.Fuzz(func(t *testing.T, id uint32, big bool, b []byte) {
		var m Meta
		got := allocated(func() { m.feature(feature(id), b, order{big}) })
		if limit := uint64(allocFactor*len(b) + 1<<20); got > limit {
			t.Fatalf("feature %d: %d bytes allocated for %d", id, got, len(b))
		}
	})
}
