package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestDemo is the main job on real input: what the embedded sweeps contain must
// stand in the report. The shared SA spins, the per-CPU SAs do not.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	code, stdout, stderr := cli("report", "sample:shared", "sample:pcpu", "-o", dir)
	if code != exitOK || stderr != "" {
		t.Fatalf("exit %d, stderr %q", code, stderr)
	}
	for _, name := range strings.Fields(stdout) {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s was named, and is not there: %v", name, err)
		}
	}
	golden(t, "demo-digest.txt", readFile(t, filepath.Join(dir, "digest.txt")))

	const slowPath = "native_queued_spin_lock_slowpath"
	for run, want := range map[string]bool{"shared-n4": true, "shared-n1": false, "pcpu-n4": false} {
		top := pprofTop(t, filepath.Join(dir, run+"-cpu-clock.pb.gz"))
		if got := strings.Contains(top, slowPath); got != want {
			t.Errorf("%s: %s among the functions: %v, want %v\n%s", run, slowPath, got, want, top)
		}
	}
	all := pprofTop(t, filepath.Join(dir, "shared-n4-cpu-clock.pb.gz"))
	one := pprofTop(t, "-tagfocus=cpu=2", filepath.Join(dir, "shared-n4-cpu-clock.pb.gz"))
	if all == one || !strings.Contains(one, slowPath) {
		t.Errorf("-tagfocus cpu=2 shows\n%s", one)
	}
}

// TestDemoPageFitsAMail: the page of 48 runs with its charts, its flame graph and its
// own copy of the results.
func TestDemoPageFitsAMail(t *testing.T) {
	dir := t.TempDir()
	if code, _, stderr := cli("report", "sample:simulated", "-o", dir); code != exitOK {
		t.Fatalf("exit %d, stderr %q", code, stderr)
	}
	page := readFile(t, filepath.Join(dir, "report.html"))
	if len(page) >= 900_000 {
		t.Errorf("the page has %d bytes, want less than 900 000", len(page))
	}
	for _, block := range []string{"echarts", "results", "flame-data"} {
		if !strings.Contains(page, `id="`+block+`"`) {
			t.Errorf("the page holds no %s", block)
		}
	}
}

// pprofTop returns what the toolchain's own pprof says of a profile.
func pprofTop(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"tool", "pprof", "-top"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go tool pprof -top %v: %v", args, err)
	}
	return string(out)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := readFile(t, path); got != want {
		t.Errorf("%s differs (go test -update rewrites it); got\n%s", path, got)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
