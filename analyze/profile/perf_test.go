package profile

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/symbols"
)

// TestFoldedEqualsPerfScript records this machine for a moment and compares
// with perf script and the documented behaviour of stackcollapse-perf.pl,
// which collapse follows.
func TestFoldedEqualsPerfScript(t *testing.T) {
	if testing.Short() {
		t.Skip("records with perf")
	}
	file := record(t)
	f, err := openPath(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tab := liveKallsyms(t)
	p := build(t, f, Options{Kallsyms: tab, asPerf: true})[0]
	if n, _ := p.Total(); n < 50 {
		t.Skipf("perf recorded %d samples only", n)
	}
	want := collapse(t, perfScript(t, file))
	got := map[string]uint64{}
	for line := range strings.Lines(fold(t, p)) {
		i := strings.LastIndexByte(line, ' ')
		n, err := strconv.ParseUint(strings.TrimSpace(line[i:]), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		got[strings.TrimSuffix(strings.ReplaceAll(line[:i], ";"+Unknown, ""), ";"+UserTime)] += n
	}
	if !maps.Equal(got, want) {
		for _, k := range slices.Sorted(maps.Keys(want)) {
			if got[k] != want[k] {
				t.Errorf("perf has %d, we have %d: %s", want[k], got[k], k)
			}
		}
		for k, n := range got {
			if _, ok := want[k]; !ok {
				t.Errorf("perf has none, we have %d: %s", n, k)
			}
		}
	}
	exceptReturns(t, f, tab, want)
}

// exceptReturns checks that without asPerf the totals are the same.
func exceptReturns(t *testing.T, f *perfdata.File, tab *symbols.Table, want map[string]uint64) {
	t.Helper()
	var sum uint64
	for _, n := range want {
		sum += n
	}
	if _, period := build(t, f, Options{Kallsyms: tab})[0].Total(); period != sum {
		t.Errorf("periods add up to %d, perf's to %d", period, sum)
	}
}

func record(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("perf"); err != nil {
		t.Skip("no perf")
	}
	file := filepath.Join(t.TempDir(), "perf.data")
	cmd := exec.Command("perf", "record", "-q", "-e", "cpu-clock", "-F", "2000", "-a", "-g", "-o", file, "--", "sh",
		"-c", "for i in 1 2 3 4 5; do ls -lR /usr/share/doc >/dev/null; done")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("perf record: %v: %s", err, bytes.TrimSpace(out))
	}
	return file
}

func liveKallsyms(t *testing.T) *symbols.Table {
	t.Helper()
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	tab, err := symbols.ReadKallsyms(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := tab.Usable(); err != nil {
		t.Skip(err)
	}
	return tab
}

func perfScript(t *testing.T, file string) io.Reader {
	t.Helper()
	out, err := exec.Command("perf", "script", "-i", file).Output()
	if err != nil {
		t.Skip("perf script: ", err)
	}
	return bytes.NewReader(out)
}

var (
	// "swapper     0 [000]   773.047762:     200000 cpu-clock: "
	scriptHead = regexp.MustCompile(`^(\S.*?)\s+(-?\d+)\s+\[\d+\]\s+[\d.]+:\s+(\d+) \S+:`)
	// "	ffffffff821f236b pv_native_safe_halt+0xb ([kernel.kallsyms])"
	scriptFrame = regexp.MustCompile(`^\s*[0-9a-f]+ (.+) \((.*)\)$`)
)

// collapse folds the text of perf script to its kernel frames. Those of no
// mapping are left out: perf does not say whose they are.
func collapse(t *testing.T, r io.Reader) map[string]uint64 {
	t.Helper()
	folded := map[string]uint64{}
	var frames []string
	var comm string
	var period uint64
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		line := in.Text()
		if m := scriptHead.FindStringSubmatch(line); m != nil {
			comm, frames = strings.ReplaceAll(m[1], " ", "_"), nil
			fmt.Sscan(m[3], &period)
			continue
		}
		if m := scriptFrame.FindStringSubmatch(line); m != nil {
			name, file := m[1], m[2]
			if i := strings.LastIndex(name, "+0x"); i > 0 {
				name = name[:i]
			}
			if name == Unknown && file != Unknown {
				name = "[" + file + "]"
			}
			kernel := strings.HasPrefix(file, "[") && file != "[vdso]" || strings.HasPrefix(file, "bpf_")
			if kernel && file != Unknown {
				frames = append(frames, name)
			}
			continue
		}
		if line == "" && comm != "" {
			frames = append(frames, comm)
			slices.Reverse(frames)
			folded[strings.Join(frames, ";")] += period
			comm = ""
		}
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	return folded
}
