package perfdata

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// readAll uses every entry point on one recording. Whatever the bytes, only
// Open may fail, and only with a FormatError.
func readAll(t testing.TB, b []byte) (f *File, samples int) {
	t.Helper()
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		var format *FormatError
		if !errors.As(err, &format) {
			t.Fatalf("not a FormatError: %v", err)
		}
		return nil, 0
	}
	stats, err := f.eachSample(context.Background(), func(s *Sample) error {
		samples++
		dumpSample(s, &f.Meta)
		return nil
	})
	if err != nil {
		t.Fatalf("samples: %v", err)
	}
	if n := f.counts(t)[recordSample]; stats.Records != n {
		t.Fatalf("the first pass met %d samples, the second %d", n, stats.Records)
	}
	return f, samples
}

// readOnce opens a recording and reads side-band and samples.
func readOnce(t testing.TB, b []byte) (f *File, samples int) {
	t.Helper()
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		var format *FormatError
		if !errors.As(err, &format) {
			t.Fatalf("not a FormatError: %v", err)
		}
		return nil, 0
	}
	stats, err := f.eachSample(context.Background(), func(s *Sample) error { return nil })
	if err != nil {
		t.Fatalf("samples: %v", err)
	}
	return f, int(stats.Samples)
}

// Cut off anywhere, a recording opens and says what it lost, or says why not.
func TestTruncatedAnywhere(t *testing.T) {
	for _, name := range []string{
		"hotspot/perf.data.true.v2", "quipper/perf.data.piped.header_features-4.16",
		"quipper/perf.data.singleprocess-3.8", "linux-perf-data/sleep.compressed2.data",
	} {
		t.Run(name, func(t *testing.T) {
			b := fixtureNamed(t, name)
			step := 1
			// a decoder for each cut takes a while
			if testing.Short() || strings.Contains(name, "compressed") {
				step = 13
			}
			_, whole := readOnce(t, b)
			most := 0
			for n := 0; n <= len(b); n += step {
				f, samples := readOnce(t, b[:n])
				if f == nil {
					continue
				}
				if samples < most || samples > whole {
					t.Fatalf("cut at %d of %d: %d samples; a shorter cut had %d, all are %d", n,
						len(b), samples, most, whole)
				}
				most = samples
				side, _ := f.Sideband()
				if f.pipe == nil && n < len(b) && len(side.Losses) == 0 {
					t.Fatalf("cut at %d of %d: %d samples and no loss reported", n, len(b), samples)
				}
			}
			if most != whole {
				t.Errorf("whole: %d samples, last cut %d", whole, most)
			}
		})
	}
}

// The bound that doc.go states: allocFactor bytes for each byte of input (or of
// what it decompresses to), and allocConstant.
const (
	allocFactor   = 48
	allocConstant = 16 << 20
)

// allocated returns the bytes that do allocates.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestAllocationIsBounded(t *testing.T) {
	for _, fixture := range fixtures(t) {
		var f *File
		got := allocated(func() {
			f = openBytes(t, fixture.data)
			if _, err := f.Sideband(); err != nil {
				t.Fatal(err)
			}
			if _, err := f.eachSample(context.Background(),
				func(*Sample) error { return nil }); err != nil {
				t.Fatal(err)
			}
		})
		size := uint64(len(fixture.data))
		for _, b := range f.indexed.blocks {
			if b.stream.compressed {
				size += uint64(b.size)
			}
		}
		if limit := allocFactor*size + allocConstant; got > limit {
			t.Errorf("%s: %d bytes allocated for %d of input, limit %d", fixture.name, got, size, limit)
		}
		t.Logf("%-60s %6.1f bytes a byte of input", fixture.name, float64(got)/float64(size))
	}
}

// Inputs that claim a lot cost no more than they are.
func TestClaimsCostNothing(t *testing.T) {
	w := newTestWriter(false)
	events := []testEvent{{attr{Size: 128, SampleType: testType | sampleCallchain, Flags: flagSampleIDAll},
		[]uint64{1}, "c"}}
	huge := ^uint64(0)
	records := w.fork().
		record(recordSample, 0, func(w *testWriter) { fixedFields(w, 1, 1, 1, 1, 1, 1, 1).u64(huge) }).
		record(recordIDIndex, 0, func(w *testWriter) { w.u64(huge) }).
		record(recordCallchainDeferred, 0, func(w *testWriter) { w.u64(1, huge).trailer(1, 0, 1) }).
		record(recordAuxtrace, 0, func(w *testWriter) { w.u64(huge>>1, 0, 0).u32(0, 0, 0, 0) })
	features := map[feature][]byte{
		featureCmdLine: w.fork().u32(1 << 31).b, featurePMUMappings: w.fork().u32(1<<31, 1<<31).b,
		featureEventDesc:   w.fork().u32(1<<31, 128).raw(make([]byte, 128)).u32(1 << 31).text("e").b,
		featureTracingData: tracingData(w, "lock")[:60],
	}
	// A zstd frame that asks for the largest window and holds one block.
	frame := compress(t, bytes.Repeat(w.fork().record(recordFinishedRound, 0, nil).b, 50))[0]
	frame[4], frame[5] = 0, 0x88
	records.record(recordCompressed, 0, func(w *testWriter) { w.raw(frame) })
	file := w.file(events, records.b, features)
	got := allocated(func() { readAll(t, file) })
	if limit := uint64(allocFactor*len(file) + allocConstant); got > limit {
		t.Errorf("%d bytes allocated for a file of %d", got, len(file))
	}
}

// The shortest records of each kind, many of them.
func TestShortRecordsCostLittle(t *testing.T) {
	w := newTestWriter(false)
	events := []testEvent{{attr{Size: 128, SampleType: testType | sampleCallchain, Flags: flagSampleIDAll |
		flagDeferCallchain}, []uint64{1}, "c"}}
	for typ := range recordType(90) {
		if typ == recordCompressed || typ == recordCompressed2 {
			continue
		}
		for _, size := range []int{0, 8, 16, 24, 32, 40, 80} {
			records := w.fork()
			for i := range uint64(5000) {
				records.record(typ, 0, func(w *testWriter) {
					for range size / 8 {
						w.u64(i)
					}
				})
			}
			file := w.file(events, records.b, nil)
			got := allocated(func() { readOnce(t, file) })
			if limit := uint64(allocFactor*len(file) + 1<<20); got > limit {
				t.Errorf("%v of %d bytes: %.1f bytes allocated for each of the file's %d", typ,
					headerSize+size, float64(got)/float64(len(file)), len(file))
			}
		}
	}
}

// decodeWith decodes with n workers and returns what each block held.
func decodeWith(t *testing.T, f *File, n int) string {
	t.Helper()
	blocks := make(chan *Block)
	var mu sync.Mutex
	out := map[int]string{}
	var total Stats
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			d, err := f.NewDecoder()
			if err != nil {
				t.Error(err)
			}
			for b := range blocks {
				var text strings.Builder
				if err := d.Decode(b, func(s *Sample) error {
					text.WriteString(dumpSample(s, &f.Meta))
					return nil
				}); err != nil {
					t.Error(err)
				}
				mu.Lock()
				out[b.seq] = text.String()
				mu.Unlock()
			}
			mu.Lock()
			total.Add(d.Stats)
			mu.Unlock()
		})
	}
	for b, err := range f.Blocks(context.Background()) {
		if err != nil {
			t.Error(err)
			break
		}
		blocks <- b
	}
	close(blocks)
	group.Wait()
	var all strings.Builder
	for i := range len(out) {
		all.WriteString(out[i] + "\n")
	}
	fmt.Fprintf(&all, "%+v", total)
	return all.String()
}

// Neither the number of workers nor where blocks end changes a sample.
func TestWorkersAndBlocksChangeNothing(t *testing.T) {
	files := map[string][]byte{"deferred": deferredFile(newTestWriter(false), 100), "groups": groupFile(2000)}
	for _, fixture := range fixtures(t) {
		if len(fixture.data) < 500_000 {
			files[fixture.name] = fixture.data
		}
	}
	for name, b := range files {
		whole := strings.ReplaceAll(decodeWith(t, openBytes(t, b), 1), "\n", "")
		for _, workers := range []int{1, 2, 8} {
			f := openBytes(t, b)
			if f.pipe != nil {
				f.indexed = nil
			}
			f.streams[0].block = 1 << 16
			if got := strings.ReplaceAll(decodeWith(t, f, workers), "\n", ""); got != whole {
				t.Errorf("%s: %d workers, blocks of 64 KiB: %x, want %x", name, workers, hashOf(got),
					hashOf(whole))
			}
		}
	}
}

// groupFile writes group reads of two CPUs over many blocks, padded.
func groupFile(n int) []byte {
	w := newTestWriter(false)
	a := attr{Size: 128, SampleType: testType | sampleRead | sampleCallchain, ReadFormat: formatID | formatGroup}
	r := w.fork()
	for i := range uint64(n) {
		id := 1 + i%2
		r.record(recordSample, 0, func(w *testWriter) {
			fixedFields(w, id, 0x10, 5, 6, i, uint32(id), 1).u64(2, 1000*i+i*i%7, id, i/5,
				10+id).u64(100).u64(make([]uint64, 100)...)
		})
	}
	return w.file([]testEvent{{a, []uint64{1, 2}, "cycles"}, {a, []uint64{11, 12}, "misses"}}, r.b, nil)
}
