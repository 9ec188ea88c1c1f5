package reports

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/testdata/sample"
)

func TestWriteDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	r := sample.Sweep()
	names, err := WriteDir(dir, r)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"report.html", "digest.txt", "commit-table.txt", "flame-pcpu-n1-cpu-clock.svg"}
	if got := names[:4]; strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("wrote %v first, want %v", got, want)
	}
	if len(names) != 3+6+6+6+4+6+3 || names[len(names)-1] != "results.json" {
		t.Errorf("wrote %v", names)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != len(names) {
		t.Errorf("%d files for %d names", len(entries), len(names))
	}
	doc := mustRead(t, filepath.Join(dir, "report.html"))
	for _, n := range names[1:] {
		if !bytes.Contains(doc, []byte(`href="`+n+`"`)) {
			t.Errorf("report.html does not link %s", n)
		}
	}
	var back result.Result
	if err := json.Unmarshal(mustRead(t, filepath.Join(dir, "results.json")), &back); err != nil ||
		len(back.Runs) != 6 {
		t.Errorf("results.json: %v, %d runs", err, len(back.Runs))
	}
	again := t.TempDir()
	if _, err := WriteDir(again, r); err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if !bytes.Equal(mustRead(t, filepath.Join(dir, n)), mustRead(t, filepath.Join(again, n))) {
			t.Errorf("%s differs in a second render", n)
		}
	}
}

// TestPprofReadsOurProfiles opens a profile as a reviewer would.
func TestPprofReadsOurProfiles(t *testing.T) {
	dir := t.TempDir()
	if _, err := WriteDir(dir, sample.One()); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "tool", "pprof", "-top", "-unit=ms", "-tagfocus=cpu=2",
		filepath.Join(dir, "shared-n4-cpu-clock.pb.gz")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"Type: cpu-clock", "native_queued_spin_lock_slowpath"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	out, err = exec.Command("go", "tool", "pprof", "-tags",
		filepath.Join(dir, "shared-n4-cpu-clock.pb.gz")).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "XFRM output") {
		t.Errorf("stages are no tags: %v\n%s", err, out)
	}
}

// TestFoldedIsTheWholeProfile sums the weights of the folded text.
func TestFoldedIsTheWholeProfile(t *testing.T) {
	dir := t.TempDir()
	r := sample.One()
	if _, err := WriteDir(dir, r); err != nil {
		t.Fatal(err)
	}
	sum, spin := 0.0, 0.0
	for line := range strings.Lines(string(mustRead(t, filepath.Join(dir, "shared-n4-cpu-clock.folded")))) {
		stack, weight, _ := strings.Cut(strings.TrimSpace(line), " ")
		v, err := strconv.ParseFloat(weight, 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		sum += v
		if strings.HasSuffix(stack, ";native_queued_spin_lock_slowpath") {
			spin += v
		}
	}
	a := r.Runs[0].Events[0].All
	if sum != a.Total.Period || math.Abs(spin/a.Busy.Period-a.SpinShare.Value) > 1e-12 {
		t.Errorf("the weights sum to %g, of it %g spinning, want %g and a share of %g", sum, spin,
			a.Total.Period, a.SpinShare.Value)
	}
}

func TestHostileFileNames(t *testing.T) {
	dir := t.TempDir()
	names, err := WriteDir(dir, sample.HostileResult(t))
	if err != nil {
		t.Fatal(err)
	}
	safe := regexp.MustCompile(`^[a-z][A-Za-z0-9._-]*$`)
	seen := map[string]bool{}
	for _, n := range names {
		if !safe.MatchString(strings.TrimLeft(strings.ToLower(n), "0123456789")) || len(n) > 160 ||
			strings.Contains(n, "..") || seen[strings.ToLower(n)] {
			t.Errorf("file name %q", n)
		}
		seen[strings.ToLower(n)] = true
	}
}

func TestFileName(t *testing.T) {
	for in, want := range map[string]string{
		"pcpu n=4": "pcpu-n4", "pcpu n=4 #2": "pcpu-n4-2", "===": "unnamed", "cycles:k": "cycles-k",
		"../../etc/passwd": "etc-passwd", "": "unnamed", "...": "unnamed", "-rf": "rf", "a\x00b": "a-b",
		"CON": "CON",
	} {
		if got := format.FileName(in); got != want {
			t.Errorf("fileName(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestWriteDirSaysWhatFailed and writes nothing then.
func TestWriteDirSaysWhatFailed(t *testing.T) {
	dir := t.TempDir()
	names, err := WriteDir(dir, sample.NotNumbers())
	if err == nil || !strings.Contains(err.Error(), "results.json") {
		t.Errorf("a Result with NaN gave %v", err)
	}
	if entries, err := os.ReadDir(dir); len(names) != 0 || err != nil || len(entries) != 0 {
		t.Errorf("wrote %v before the error: %v, %v", names, entries, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := WriteDir(file, sample.One()); err == nil {
		t.Error("a file was taken for a directory")
	}
}
