package importer

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// perfScript records this machine and prints the recording as text; it returns
// the text and the CPU time perf script took for it.
func perfScript(b *testing.B) ([]byte, time.Duration) {
	b.Helper()
	perf, err := exec.LookPath("perf")
	if err != nil {
		b.Skipf("perf is not here: %v", err)
	}
	data := filepath.Join(b.TempDir(), "perf.data")
	record := exec.Command(perf, "record", "-q", "-e", "cpu-clock", "-F", "5000", "-a", "-g", "-o", data, "--",
		"sleep", "10")
	if out, err := record.CombinedOutput(); err != nil {
		b.Skipf("perf record does not work here: %v: %s", err, out)
	}
	script := exec.Command(perf, "script", "-i", data)
	text, err := script.Output()
	if err != nil {
		b.Fatal(err)
	}
	return text, script.ProcessState.UserTime() + script.ProcessState.SystemTime()
}

// collapse runs stackcollapse-perf.pl over a text, if it is installed, and
// returns the CPU time it took.
func collapse(b *testing.B, text []byte) (time.Duration, bool) {
	b.Helper()
	path, err := exec.LookPath("stackcollapse-perf.pl")
	if err != nil {
		return 0, false
	}
	file := filepath.Join(b.TempDir(), "script.txt")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(path, file)
	if err := cmd.Run(); err != nil {
		b.Fatal(err)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), true
}

// cpuTime returns the CPU time this process has used.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkScript imports some 100 MB of perf script's text. Ratios are of CPU
// time, the collector's included, so that other load does not matter: how many
// times ours perf script took to print the text, and stackcollapse-perf.pl to
// fold it, if that is installed. XFRMSCOPE_SCRIPT names a text to use instead
// of a recording of this machine.
func BenchmarkScript(b *testing.B) {
	var text []byte
	var printed time.Duration
	if name := os.Getenv("XFRMSCOPE_SCRIPT"); name != "" {
		var err error
		if text, err = os.ReadFile(name); err != nil {
			b.Fatal(err)
		}
	} else {
		text, printed = perfScript(b)
	}
	collapsed, installed := collapse(b, text)
	lines := bytes.Count(text, []byte("\n"))
	var samples uint64
	var stacks int
	b.ReportAllocs()
	start := cpuTime(b)
	for b.Loop() {
		im, err := readAs(scriptText, bytes.NewReader(text), Options{})
		if err != nil {
			b.Fatal(err)
		}
		samples, stacks = total(im.Profiles[0]), len(im.Profiles[0].Stacks)
	}
	each := (cpuTime(b) - start) / time.Duration(b.N)
	b.ReportMetric(float64(len(text))/1e6/each.Seconds(), "MB/cpu-s")
	b.ReportMetric(float64(each)/float64(lines), "cpu-ns/line")
	if printed > 0 {
		b.ReportMetric(float64(printed)/float64(each), "x-perf-script")
	}
	if installed {
		b.ReportMetric(float64(collapsed)/float64(each), "x-stackcollapse")
	}
	b.ReportMetric(float64(samples), "samples")
	b.ReportMetric(float64(stacks), "stacks")
}
