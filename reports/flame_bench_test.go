package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/flame"
	"xfrmscope/reports/page"
	"xfrmscope/reports/testdata/sample"
)

// TestBenchFlame prints what a page of 200 000 unique stacks costs to write
// and to use, beside the page that flamegraph.pl makes of the same stacks where
// perl and flamegraph.pl are (on the PATH, or named by FLAMEGRAPH). It asserts
// nothing; `make bench-flame` runs it.
func TestBenchFlame(t *testing.T) {
	if os.Getenv("XFRMSCOPE_BENCH") == "" {
		t.Skip("a benchmark: make bench-flame")
	}
	const stacks, cpus = 200_000, 8
	r := sample.BigResult(stacks, cpus)
	dir := t.TempDir()
	fmt.Printf("%d unique stacks of 6 to 45 frames, %d CPUs; milliseconds: CPU time to write, else time that "+
		"passes, median of 9 (usable: of 3)\n\n", stacks, cpus)
	fmt.Printf("%-22s %10s %9s %8s %15s %15s\n", "", "bytes", "written", "usable", "zoom", "search")
	fmt.Printf("%-22s %10s %9s %8s %15s %15s\n", "", "", "", "", "script, painted", "script, painted")

	doc := filepath.Join(dir, "report.html")
	cost, peak := writeMeasured(t, doc, r)
	row(t, "report.html", "page", doc, cost)
	benchFlameGraph(t, dir, r.Runs[0].Events[0].Profile)

	data, err := flame.Fit(r, page.PageBytes)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\nthe tree: %d bytes packed; Go heap while writing at most %d MB\n", len(data), peak>>20)
}

// writeMeasured writes a page and returns its CPU time and how far the heap
// grew.
func writeMeasured(t *testing.T, path string, r *result.Result) (cost time.Duration, peak uint64) {
	t.Helper()
	runtime.GC()
	stop, most := make(chan bool), make(chan uint64)
	go func() {
		var m runtime.MemStats
		for high := uint64(0); ; {
			select {
			case <-stop:
				most <- high
				return
			case <-time.After(20 * time.Millisecond):
				runtime.ReadMemStats(&m)
				high = max(high, m.HeapInuse)
			}
		}
	}()
	start := cpuTime()
	var b bytes.Buffer
	if err := page.Write(&b, r, page.Options{}); err != nil {
		t.Fatal(err)
	}
	cost = cpuTime() - start
	stop <- true
	peak = <-most
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return cost, peak
}

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// row prints a line of the table.
func row(t *testing.T, what, kind, file string, cost time.Duration) {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("node", "browser/bench.mjs", kind, file).Output()
	var m struct{ Usable, Zoom, ZoomFrame, Search, SearchFrame int }
	if err != nil || json.Unmarshal(out, &m) != nil {
		fmt.Printf("%-22s %10d %9d   not opened: %v\n", what, info.Size(), cost.Milliseconds(), err)
		return
	}
	fmt.Printf("%-22s %10d %9d %8d %8d, %5d %8d, %5d\n", what, info.Size(), cost.Milliseconds(), m.Usable, m.Zoom,
		m.ZoomFrame, m.Search, m.SearchFrame)
}

func benchFlameGraph(t *testing.T, dir string, p *profile.Profile) {
	script := os.Getenv("FLAMEGRAPH")
	if script == "" {
		script, _ = exec.LookPath("flamegraph.pl")
	}
	perl, err := exec.LookPath("perl")
	if script == "" || err != nil {
		fmt.Printf("%-22s not measured: needs perl, and flamegraph.pl on the PATH or named by FLAMEGRAPH\n",
			"flamegraph.pl")
		return
	}
	folded, svg := filepath.Join(dir, "stacks.folded"), filepath.Join(dir, "flamegraph.svg")
	if err := writeFile(folded, func(w io.Writer) error { return profile.WriteFolded(w, p) }); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(perl, script, "--width", "1240", folded)
	out, err := cmd.Output()
	if err != nil || os.WriteFile(svg, out, 0o644) != nil {
		fmt.Printf("%-22s not measured: %v\n", "flamegraph.pl", err)
		return
	}
	row(t, "flamegraph.pl", "svg", svg, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
}
