package perfdata

import (
	"bytes"
	"context"
	"io"
	"os"
	"sync"
	"syscall"
	"testing"
)

// reportCPU adds how much processor time an operation took, which other
// programs on the machine disturb less than its duration.
func reportCPU(b *testing.B) func() {
	b.Helper()
	now := func() float64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
	}
	before := now()
	return func() { b.ReportMetric((now()-before)/float64(b.N), "cpu-ms/op") }
}

// benchFile returns the recording that PERFDATA_BENCH names, or a made one of
// 64 MB with stacks of 12 frames.
func benchFile(b *testing.B) (io.ReaderAt, int64) {
	b.Helper()
	if name := os.Getenv("PERFDATA_BENCH"); name != "" {
		file, err := os.Open(name)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { file.Close() })
		info, err := file.Stat()
		if err != nil {
			b.Fatal(err)
		}
		return file, info.Size()
	}
	w := newTestWriter(false)
	a := attr{Type: typeSoftware, Size: 128, SampleType: testType | sampleCallchain, Flags: flagSampleIDAll}
	r := w.fork()
	chain := []uint64{ContextKernel, 1, 2, 3, 4, 5, 6, ContextUser, 7, 8, 9, 10, 11, 12}
	for i := uint64(0); len(r.b) < 64<<20; i++ {
		r.record(recordSample, 0, func(w *testWriter) {
			fixedFields(w, 1+i%4, i, 1, uint32(i%64), i, uint32(i%4),
				1).u64(uint64(len(chain))).u64(chain...)
		})
	}
	file := w.file([]testEvent{{a, []uint64{1, 2, 3, 4}, "cpu-clock"}}, r.b, nil)
	return bytes.NewReader(file), int64(len(file))
}

// BenchmarkRead reads the bytes and does nothing: the floor.
func BenchmarkRead(b *testing.B) {
	r, size := benchFile(b)
	buf := make([]byte, blockSize)
	b.SetBytes(size)
	defer reportCPU(b)()
	for b.Loop() {
		for off := int64(0); off < size; off += blockSize {
			if _, err := r.ReadAt(buf[:min(blockSize, size-off)], off); err != nil && err != io.EOF {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkSideband is the first pass.
func BenchmarkSideband(b *testing.B) {
	r, size := benchFile(b)
	b.SetBytes(size)
	b.ReportAllocs()
	samples := uint64(0)
	defer reportCPU(b)()
	for b.Loop() {
		f, err := Open(r, size)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := f.Sideband(); err != nil {
			b.Fatal(err)
		}
		samples = f.indexed.samples(f.Events[0], -1)
	}
	b.ReportMetric(float64(samples)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Msamples/s")
}

// BenchmarkDecode is the second pass with 1 and 2 workers, each sample's chain
// read once.
func BenchmarkDecode(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(map[int]string{1: "1 worker", 2: "2 workers"}[workers], func(b *testing.B) {
			r, size := benchFile(b)
			f, err := Open(r, size)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := f.Sideband(); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(size)
			b.ReportAllocs()
			samples := uint64(0)
			defer reportCPU(b)()
			for b.Loop() {
				samples = decodeAll(b, f, workers)
			}
			b.ReportMetric(float64(samples)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Msamples/s")
		})
	}
}

func decodeAll(b *testing.B, f *File, workers int) uint64 {
	blocks := make(chan *Block)
	var group sync.WaitGroup
	counts, sums := make([]uint64, workers), make([]uint64, workers)
	for i := range workers {
		group.Go(func() {
			d, err := f.NewDecoder()
			if err != nil {
				b.Error(err)
				return
			}
			var sum uint64
			for block := range blocks {
				if err := d.Decode(block, func(s *Sample) error {
					for _, a := range s.Chain {
						sum += a
					}
					return nil
				}); err != nil {
					b.Error(err)
				}
			}
			counts[i], sums[i] = d.Stats.Samples, sum
		})
	}
	for block, err := range f.Blocks(context.Background()) {
		if err != nil {
			b.Error(err)
			break
		}
		blocks <- block
	}
	close(blocks)
	group.Wait()
	total := uint64(0)
	for _, n := range counts {
		total += n
	}
	return total
}
