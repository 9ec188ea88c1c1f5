package analyze

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"xfrmscope/analyze/testdata/testrun"
	"xfrmscope/collect/bundle"
)

// kernelBase is where the made kernel begins; its functions are 4 KiB apart.
const kernelBase = 0xffffffff81000000

// madeFunctions is the number of functions of the made kernel.
const madeFunctions = 3000

// recording makes a perf.data of samples with as many different stacks of 20
// frames, over some CPUs and two seconds from one second on.
func recording(samples, cpus int) []byte {
	// include/uapi/linux/perf_event.h: IDENTIFIER, IP, TID, TIME, CPU, PERIOD, CALLCHAIN; the
	// records MMAP and SAMPLE.
	const sampleType = 1<<16 | 1<<0 | 1<<1 | 1<<2 | 1<<7 | 1<<8 | 1<<5
	const recordMmap, recordSample, kernelMode = 1, 9, 1
	const headerSize, attrSize, depth = 104, 128 + 16, 20
	rnd := rand.New(rand.NewPCG(1, uint64(cpus)))
	var data, b bytes.Buffer
	words := func(to *bytes.Buffer, vs ...uint64) {
		for _, v := range vs {
			to.Write(binary.LittleEndian.AppendUint64(nil, v))
		}
	}
	record := func(typ, misc, size uint64) { words(&data, typ|misc<<32|size<<48) }
	// The kernel: pid -1, tid 0, start, length, pgoff, name, then the sample_id.
	name := append([]byte("[kernel.kallsyms]_text"), make([]byte, 2)...)
	record(recordMmap, kernelMode, uint64(8+8+3*8+len(name)+4*8))
	words(&data, 0xffffffff, kernelBase, madeFunctions*4096, kernelBase)
	data.Write(name)
	words(&data, 0, 0, 0, 1)
	for i := range samples {
		record(recordSample, kernelMode, 8+8*(7+1+depth))
		cpu := rnd.IntN(cpus)
		words(&data, 1, kernelBase+8, 1|1<<32,
			uint64(testrun.Second)+uint64(i)*uint64(2*testrun.Second)/uint64(samples), uint64(cpu), 1000000,
			depth+1)
		words(&data, 0xffffffffffffff80) // PERF_CONTEXT_KERNEL
		for range depth {
			words(&data, kernelBase+uint64(rnd.IntN(madeFunctions))*4096+16)
		}
	}
	attrsAt := uint64(headerSize + 8)
	b.WriteString("PERFILE2")
	words(&b, headerSize, attrSize, attrsAt, attrSize, attrsAt+attrSize, uint64(data.Len()), 0, 0, 0, 0, 0, 0)
	words(&b, 1)
	attr := make([]byte, 128)
	binary.LittleEndian.PutUint32(attr, 1) // software
	binary.LittleEndian.PutUint32(attr[4:], 128)
	binary.LittleEndian.PutUint64(attr[16:], 1000000)
	binary.LittleEndian.PutUint64(attr[24:], sampleType)
	binary.LittleEndian.PutUint64(attr[40:], 1<<18|1<<8|1<<20) // sample_id_all, mmap, exclude_guest
	b.Write(attr)
	words(&b, headerSize, 8)
	b.Write(data.Bytes())
	return b.Bytes()
}

// kallsymsOf names the made kernel: every tenth function is of the XFRM path.
func kallsymsOf() []byte {
	path := []string{"xfrm_state_find", "xfrm_lookup", "esp_output", "xfrm_output_resume", "ip_forward",
		"_raw_spin_lock_bh", "native_queued_spin_lock_slowpath", "crypto_aead_encrypt", "dst_release", "kfree"}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%x T _text\n", uint64(kernelBase))
	for i := range madeFunctions {
		name := fmt.Sprintf("function_%d", i)
		if i%10 == 0 {
			name = fmt.Sprintf("%s.part.%d", path[i/10%len(path)], i)
		}
		fmt.Fprintf(&b, "%x t %s\n", uint64(kernelBase)+uint64(i)*4096, name)
	}
	return b.Bytes()
}

// sweepOnDisk writes runs of 1, 2, 4 and 8 CPUs in turn, of two modes, with the
// same number of samples each.
func sweepOnDisk(t testing.TB, runs, samples int) []*bundle.Run {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []int{1, 2, 4, 8} {
		write(filepath.Join(dir, strconv.Itoa(n)), recording(samples, n))
	}
	var out []*bundle.Run
	for i := range runs {
		n := 1 << (i % 4)
		m := testrun.Make([]string{"pcpu", "shared"}[i/4%2], n)
		m.Manifest.Plan.Labels["repeat"] = strconv.Itoa(i / 8)
		m.Manifest.Phases, m.Locks, m.Finds = nil, nil, nil
		manifest, err := json.Marshal(m.Manifest)
		if err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(dir, fmt.Sprintf("run-%d", i))
		write(filepath.Join(at, "manifest.json"), manifest)
		write(filepath.Join(at, "sas.jsonl"), testrun.Lines(m.SAs).Data)
		write(filepath.Join(at, "symbols/kallsyms.gz"), kallsymsOf())
		if err := os.Link(filepath.Join(dir, strconv.Itoa(n)), filepath.Join(at, "perf.data")); err != nil {
			t.Fatal(err)
		}
		b, err := bundle.Open(os.DirFS(at), at)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// BenchmarkSweep analyses everything of a sweep of 16 runs with 100,000
// different stacks each, on two CPUs. CPU-s is of both together, maxrss-MB of the
// process.
func BenchmarkSweep(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	defer debug.SetGCPercent(debug.SetGCPercent(25)) // as the program does, with room for a small heap
	ballast := make([]byte, 256<<20)
	defer runtime.KeepAlive(ballast)
	runs := sweepOnDisk(b, 16, 100_000)
	runtime.GC()
	before := usage(b)
	for b.Loop() {
		if _, err := Runs(context.Background(), runs, Options{}); err != nil {
			b.Fatal(err)
		}
	}
	after := usage(b)
	b.ReportMetric((cpuSeconds(after)-cpuSeconds(before))/float64(b.N), "CPU-s/op")
	b.ReportMetric(float64(after.Maxrss)/1e3, "maxrss-MB")
}

// BenchmarkManyRuns analyses 1,000 runs: memory must not grow with them as
// profiles would.
func BenchmarkManyRuns(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	for _, n := range []int{100, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			runs := sweepOnDisk(b, n, 5_000)
			runtime.GC()
			for b.Loop() {
				stop := watchHeap()
				r, err := Runs(context.Background(), runs, Options{})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(stop())/1e6, "peak-heap-MB")
				runtime.KeepAlive(r)
			}
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N)/float64(n), "ms/run")
		})
	}
}

// watchHeap samples the live heap until stop is called, which returns the most.
func watchHeap() (stop func() uint64) {
	var most atomic.Uint64
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapAlloc))
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() uint64 {
		close(done)
		<-ended
		return most.Load()
	}
}

func usage(b *testing.B) (u syscall.Rusage) {
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u
}

func cpuSeconds(u syscall.Rusage) float64 {
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// Every stack is its own, and every sample is counted: the benchmark measures
// what it says.
func TestMadeRecording(t *testing.T) {
	r := analyse(t, sweepOnDisk(t, 1, 2000)...)
	e := r.Runs[0].Main()
	if e == nil || len(e.Profile.Stacks) != 2000 || e.All.Total.Samples != 2000 {
		t.Fatalf("event %+v, gaps %+v: want 2000 samples of 2000 stacks", e, r.Runs[0].Gaps)
	}
	if e.All.SpinShare.Value == 0 || len(e.Self) < 10 || r.Runs[0].Heat == nil {
		t.Errorf("spin share %v, %d functions, heat %v", e.All.SpinShare.Value, len(e.Self), r.Runs[0].Heat)
	}
}
