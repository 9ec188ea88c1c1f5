package profile

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/symbols"
)

func BenchmarkBuild(b *testing.B) {
	f, tab := big(100_000).open(b), kallsyms(b)
	for name, o := range map[string]Options{"kernel": {Kallsyms: tab}, "user": {Kallsyms: tab, User: true}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				build(b, f, o)
			}
			b.ReportMetric(100_000*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	p := build(b, big(100_000).open(b), Options{Kallsyms: kallsyms(b), User: true})[0]
	for name, write := range map[string]func(io.Writer) error{
		"pprof":  func(w io.Writer) error { return WritePprof(w, p, PprofOptions{}) },
		"folded": func(w io.Writer) error { return WriteFolded(w, p) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := write(io.Discard); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(p.Cells))*float64(b.N)/b.Elapsed().Seconds(), "cells/s")
		})
	}
}

// Flags of the benchmark of a whole recording; bench.sh gives them.
var (
	recordingFile = flag.String("recording", "", "perf.data file to print the benchmark table of")
	kallsymsFile  = flag.String("kallsyms", "/proc/kallsyms", "kernel symbols for it")
	benchTask     = flag.String("task", "", "run one row of the table, as the table does in a process of its own")
)

// A benchRow is what one task of the table measures.
type benchRow struct {
	Samples uint64
	Wall    time.Duration
	CPU     time.Duration
	RSS     int64 // peak, bytes
	Note    string
}

// TestBenchTable prints the table: every row is measured in a process of its
// own, so that its memory is its own.
func TestBenchTable(t *testing.T) {
	switch {
	case *recordingFile == "":
		t.Skip("no -recording: see bench.sh")
	case *benchTask != "":
		runBenchTask(t, *benchTask)
		return
	}
	info, err := os.Stat(*recordingFile)
	if err != nil {
		t.Fatal(err)
	}
	var perf, once benchRow
	fmt.Printf("%-34s %8s %8s %10s %10s %8s %9s  %s\n", "", "wall s", "CPU s", "samples/s", "MB/s", "RSS MB",
		"perf ×", "")
	for _, task := range []string{"perf script", "read", "walk", "kernel pprof, 1 worker", "kernel pprof",
		"kernel folded", "user pprof", "user folded", "kernel pprof, 10 times the file"} {
		r, err := benchProcess(task)
		if err != nil {
			fmt.Printf("%-34s %v\n", task, err)
			continue
		}
		size := float64(info.Size())
		switch task {
		case "perf script":
			perf = r
		case "kernel pprof":
			once = r
		case "kernel pprof, 10 times the file":
			size *= 10
			r.Note = fmt.Sprintf("RSS %+.0f %% of once", 100*(float64(r.RSS)/float64(once.RSS)-1))
		}
		wall := r.Wall.Seconds()
		perSecond := "-" // not counted: perf script, plain passes
		if r.Samples > 0 {
			perSecond = fmt.Sprintf("%.0f", float64(r.Samples)/wall)
		}
		perfWall := perf.Wall.Seconds() * size / float64(info.Size()) // for as many bytes
		fmt.Printf("%-34s %8.2f %8.2f %10s %10.0f %8.0f %9.1f  %s\n", task, wall, r.CPU.Seconds(), perSecond,
			size/1e6/wall,
			float64(r.RSS)/1e6, perfWall/wall, r.Note)
	}
}

// benchProcess measures one row.
func benchProcess(task string) (benchRow, error) {
	self, err := os.Executable()
	if err != nil {
		return benchRow{}, err
	}
	cmd := exec.Command(self, "-test.run=^TestBenchTable$", "-recording="+*recordingFile,
		"-kallsyms="+*kallsymsFile, "-task="+task)
	if task == "perf script" {
		if cmd.Path, err = exec.LookPath("perf"); err != nil {
			return benchRow{}, errors.New("no perf")
		}
		cmd.Args = []string{"perf", "script", "-i", *recordingFile}
	}
	var out bytes.Buffer
	if task != "perf script" {
		cmd.Stdout = &out
	}
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return benchRow{}, fmt.Errorf("%w: %s", err, &out)
	}
	r := benchRow{Wall: time.Since(start)}
	if line, _, ok := strings.Cut(out.String(), "\n"); ok {
		json.Unmarshal([]byte(line), &r)
	}
	r.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.RSS = u.Maxrss << 10
	}
	return r, nil
}

// runBenchTask does what a row says and prints a benchRow.
func runBenchTask(t *testing.T, task string) {
	debug.SetGCPercent(25) // as a command of its own should: the heap is tables without pointers
	start := time.Now()
	f, err := os.Open(*recordingFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r benchRow
	switch task {
	case "read":
		_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, make([]byte, 1<<20))
	case "walk":
		_, err = openRecording(t, f, 1).Sideband()
	case "kernel pprof, 10 times the file":
		r.Samples, r.Note, err = benchBuild(openRecording(t, f, 10), task)
	default:
		r.Samples, r.Note, err = benchBuild(openRecording(t, f, 1), task)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.Wall = time.Since(start)
	line, _ := json.Marshal(r)
	fmt.Printf("%s\n", line)
}

// benchBuild goes from a recording to its output.
func benchBuild(f *perfdata.File, task string) (samples uint64, note string, err error) {
	text, err := os.Open(*kallsymsFile)
	if err != nil {
		return 0, "", err
	}
	defer text.Close()
	o := Options{User: strings.HasPrefix(task, "user")}
	if o.Kallsyms, err = symbols.ReadKallsyms(text); err != nil {
		return 0, "", err
	}
	if o.User {
		o.Store = symbols.NewStore(symbols.Places{Root: os.DirFS("/"), PerfMaps: os.DirFS("/tmp")})
	}
	if strings.HasSuffix(task, "1 worker") {
		o.Workers = 1
	}
	ps, err := Build(context.Background(), f, o)
	if err != nil {
		return 0, "", err
	}
	for _, p := range ps {
		var n counting
		if strings.Contains(task, "folded") {
			err = WriteFolded(&n, p)
		} else {
			err = WritePprof(&n, p, PprofOptions{})
		}
		if err != nil {
			return 0, "", err
		}
		count, _ := p.Total()
		samples += count
		note += fmt.Sprintf("%d stacks, %d cells, %.1f MB written ", len(p.Stacks), len(p.Cells),
			float64(n)/1e6)
	}
	return samples, note, nil
}

// counting counts the bytes written to it.
type counting int

func (n *counting) Write(p []byte) (int, error) {
	*n += counting(len(p))
	return len(p), nil
}

// openRecording opens the recording as if its data were there several times.
func openRecording(t *testing.T, f *os.File, times int64) *perfdata.File {
	t.Helper()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	r, size := io.ReaderAt(f), info.Size()
	if times > 1 {
		rep, err := newRepeated(f, size, times)
		if err != nil {
			t.Fatal(err)
		}
		r, size = rep, rep.size
	}
	p, err := perfdata.Open(r, size)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// repeated is a perf.data file whose data section is another's several times.
type repeated struct {
	f              io.ReaderAt
	head, tail     []byte // before and behind the data
	data, dataSize int64  // the section in f
	repeatedSize   int64
	size           int64
}

func newRepeated(f io.ReaderAt, size, times int64) (*repeated, error) {
	header := make([]byte, 104)
	if _, err := f.ReadAt(header, 0); err != nil {
		return nil, err
	}
	r := &repeated{f: f, data: int64(binary.LittleEndian.Uint64(header[40:])),
		dataSize: int64(binary.LittleEndian.Uint64(header[48:]))}
	r.repeatedSize = r.dataSize * times
	shift := r.repeatedSize - r.dataSize
	end := r.data + r.dataSize
	if r.data < 104 || r.dataSize <= 0 || end > size {
		return nil, errors.New("not a perf.data file of this machine's byte order in file mode")
	}
	r.head, r.tail = make([]byte, r.data), make([]byte, size-end)
	if _, err := f.ReadAt(r.head, 0); err != nil {
		return nil, err
	}
	if _, err := f.ReadAt(r.tail, end); err != nil && err != io.EOF {
		return nil, err
	}
	binary.LittleEndian.PutUint64(r.head[48:], uint64(r.repeatedSize))
	features := 0
	for _, b := range header[72:104] {
		for ; b != 0; b &= b - 1 {
			features++
		}
	}
	for i := range features { // the table of features: offset, size
		at := r.tail[16*i:]
		binary.LittleEndian.PutUint64(at, binary.LittleEndian.Uint64(at)+uint64(shift))
	}
	r.size = size + shift
	return r, nil
}

func (r *repeated) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) && err == nil {
		var k int
		k, err = r.readPart(p[n:], off+int64(n))
		n += k
	}
	return n, err
}

func (r *repeated) readPart(p []byte, off int64) (int, error) {
	end := r.data + r.repeatedSize
	switch {
	case off < r.data:
		return copy(p, r.head[off:]), nil
	case off >= r.size:
		return 0, io.EOF
	case off >= end:
		return copy(p, r.tail[off-end:]), nil
	}
	in := (off - r.data) % r.dataSize
	return r.f.ReadAt(p[:min(int64(len(p)), r.dataSize-in)], r.data+in)
}
