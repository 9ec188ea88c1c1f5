package perfdata

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// addSeeds gives a fuzz target small recordings, a one-byte flip of each at
// places spread over it, and a cut.
func addSeeds(f *testing.F, add func([]byte)) {
	w := newTestWriter(false)
	seeds := [][]byte{deferredFile(w, 0), deferredFile(newTestWriter(true), 0), groupFile(5),
		lockFile(w, func(event func(bool, uint64, uint32, uint32, uint64, uint32)) {
			event(true, 1, 2, 3, 4, 1)
			event(false, 5, 2, 3, 4, 0)
		})}
	for _, fixture := range fixtures(f) {
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

// FuzzRecording reads any bytes with every entry point.
func FuzzRecording(f *testing.F) {
	addSeeds(f, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<20 {
			return
		}
		got := allocated(func() { readAll(t, b) })
		// readAll reads a recording six times, writes its samples as text, and a
		// compressed one expands.
		if limit := uint64(6 * (maxRatio*len(b) + ratioFree + allocConstant) * allocFactor); got > limit {
			t.Fatalf("%d bytes allocated for %d", got, len(b))
		}
	})
}

// FuzzStream reads any bytes as a pipe and as the file of a directory.
func FuzzStream(f *testing.F) {
	addSeeds(f, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := OpenStream(bytes.NewReader(b))
		if err != nil {
			return
		}
		defer file.Close()
		if _, err := file.Sideband(); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzSample decodes any record with any attr and reads every field of it.
func FuzzSample(f *testing.F) {
	f.Add(uint64(testType|SampleCallchain), uint64(0), uint64(0), uint64(0), false, []byte("1234567812345678123456781234567812345678123456781234567812345678"))
	f.Add(uint64(1<<25-1), uint64(31), uint64(BranchHWIndex|BranchCounters|BranchCallStack), uint64(7), true, make([]byte, 400))
	f.Fuzz(func(t *testing.T, sampleType, readFormat, branchType, regs uint64, big bool, body []byte) {
		if len(body) > maxRecord-headerSize {
			return
		}
		w := newTestWriter(big)
		a := Attr{Type: 8, Size: 144, SampleType: sampleType, ReadFormat: readFormat, BranchSampleType: branchType, SampleRegsUser: regs, SampleRegsIntr: regs, Flags: FlagDeferCallchain | FlagSampleIDAll}
		rec := w.fork().record(RecordSample, 0, func(w *testWriter) { w.raw(body) }).b
		features := map[Feature][]byte{FeaturePMUMappings: w.fork().u32(1, 8).text("ibs_op").b}
		readAll(t, w.file([]testEvent{{a, []uint64{1}, "e"}}, rec, features))
	})
}

// FuzzFeature decodes any bytes as any header feature.
func FuzzFeature(f *testing.F) {
	for _, fixture := range fixtures(f) {
		file, err := Open(bytes.NewReader(fixture.data), int64(len(fixture.data)))
		if err != nil || file.Meta.Pipe {
			continue
		}
		set := featureBits(fixture.data[72:104], order{})
		r := bytes.NewReader(fixture.data)
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
		m.CPUsAvailable = 64
		got := allocated(func() { m.feature(Feature(id), b, order{big}) })
		if limit := uint64(allocFactor*len(b) + 1<<20); got > limit {
			t.Fatalf("feature %d: %d bytes allocated for %d", id, got, len(b))
		}
	})
}

// FuzzFormats reads any bytes as tracepoint formats, and payloads by them.
func FuzzFormats(f *testing.F) {
	f.Add(tracingData(newTestWriter(false), "lock", beginFormat, endFormat), []byte("payload of a tracepoint"))
	f.Add(tracingData(newTestWriter(true), "lock", beginFormat), []byte{})
	f.Fuzz(func(t *testing.T, b, raw []byte) {
		formats, err := parseTracingData(b)
		if err != nil {
			return
		}
		for _, format := range formats.byID {
			for _, field := range format.Fields {
				formats.Uint(raw, field)
				formats.Text(raw, field)
			}
		}
	})
}
