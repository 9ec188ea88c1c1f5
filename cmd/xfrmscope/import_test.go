package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xfrmscope/analyze/importer"
	"xfrmscope/collect/bundle"
	"xfrmscope/samples"
)

// writeFiles writes texts by name and returns their paths, by name too.
func writeFiles(t *testing.T, texts map[string]string) map[string]string {
	t.Helper()
	dir, out := t.TempDir(), map[string]string{}
	for name, text := range texts {
		out[name] = filepath.Join(dir, name)
		if err := os.WriteFile(out[name], []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

const (
	rates = "# frame size 1440,pps 100,tx per flow 1G\n" +
		"#flows,run_1,run_2,avg_2\n1,3.13,3.11,3.12\n2,6.26,6.24,6.25\n"
	losses = "#flows,run_1,run_2,cum_error\n1,0.00,0.00,0.00\n2,0.10,0.30,0.20\n"
	other  = "#flows,run_1,run_2,avg_2\n1,3.33,3.31,3.32\n2,6.26,6.24,6.25\n"
	udp    = `{"start": {"version": "iperf 3.18", "test_start": {"protocol": "UDP", "num_streams": 1}},
		"end": {"sum_sent": {"seconds": 5, "bytes": 1000, "bits_per_second": 1600, "packets": 10}}}`
)

// A sweep of TRex is a directory a mode; what is about other runs is one of its
// own.
func TestFilesMakesSweep(t *testing.T) {
	f := writeFiles(t, map[string]string{"a-pcpu.csv": rates, "a-pcpu-lp.csv": losses, "a-one-sa.csv": other,
		"x.folded": "a;b 1\n", "u1.json": udp})
	dir := filepath.Join(t.TempDir(), "sweep")
	runs, _, err := importAll([]string{f["a-pcpu.csv"], f["a-one-sa.csv"], f["a-pcpu-lp.csv"], f["x.folded"],
		f["u1.json"]}, dir, importOptions{})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := bundle.OpenAll(dir)
	if err != nil || len(opened) != len(runs) {
		t.Fatalf("%v, %d runs, want the %d that were made", err, len(opened), len(runs))
	}
	var got []string
	for _, r := range opened {
		if err := r.Verify(); err != nil {
			t.Error(err)
		}
		got = append(got, fmt.Sprintf("%s mode=%s files=%d", filepath.Base(r.Path), r.Plan.Labels["mode"],
			len(r.Files)))
	}
	want := []string{"pcpu mode=pcpu files=2", "shared mode=shared files=1", "x mode= files=1", "u1 mode= files=1"}
	if !slices.Equal(got, want) {
		t.Errorf("runs %q, want %q", got, want)
	}
	if _, _, err := importAll([]string{f["a-pcpu.csv"]}, dir, importOptions{}); err == nil ||
		!strings.Contains(err.Error(), "already holds files") {
		t.Errorf("again into the same directory: %v", err)
	}
}

// Two measurements under one number are refused, and nothing is written; a mode
// for each is the way out.
func TestFilesContradict(t *testing.T) {
	f := writeFiles(t, map[string]string{"monday-pcpu.csv": rates, "friday-pcpu.csv": other})
	files := []string{f["monday-pcpu.csv"], f["friday-pcpu.csv"]}
	dir := filepath.Join(t.TempDir(), "sweep")
	_, _, err := importAll(files, dir, importOptions{})
	var contradiction *importer.ContradictionError
	if !errors.As(err, &contradiction) || contradiction.N != 1 || contradiction.Run != 1 ||
		!strings.Contains(err.Error(), "--mode FILE=NAME") {
		t.Errorf("%v, want run 1 of 1 flows", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a sweep was begun")
	}
	runs, _, err := importAll(files, dir, importOptions{modes: map[string]string{"friday-pcpu.csv": "friday"}})
	if err != nil || len(runs) != 2 || runs[1].Plan.Labels["mode"] != "friday" {
		t.Errorf("%v, %d runs", err, len(runs))
	}
	if _, _, err := importAll(files, dir+"2",
		importOptions{modes: map[string]string{"firday.csv": "friday"}}); err == nil ||
		!strings.Contains(err.Error(), "not among the files") {
		t.Errorf("a mode of no file: %v", err)
	}
}

func TestImportRun(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	folded := file("a b;c.folded", "ksoftirqd/1;ip_forward;xfrm_lookup 7\nksoftirqd/1;ip_forward 3\n")
	run := filepath.Join(dir, "run")
	runs, losses, err := importAll([]string{folded}, run, importOptions{labels: map[string]string{"mode": "pcpu"}})
	if err != nil || len(losses) != 0 {
		t.Fatalf("%v, losses %+v", err, losses)
	}
	r := runs[0]
	if r.Status != bundle.Complete || r.Source != "import" || len(r.Files) != 1 ||
		r.Files[0].Name != "import/1-a_b_c.folded" {
		t.Errorf("manifest %+v", r.Manifest)
	}
	if err := r.Verify(); err != nil {
		t.Error(err)
	}
}

// A recording that is cut off is imported to its last whole record, and the run
// is partial.
func TestImportCutOff(t *testing.T) {
	sample, err := samples.Open("shared")
	if err != nil {
		t.Fatal(err)
	}
	whole, err := fs.ReadFile(sample, "n1/perf.data")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		bytes  int
		status bundle.Status
		why    string
	}{
		{len(whole), bundle.Complete, ""},
		{len(whole) / 2, bundle.Partial, "half.data ends early: header features"},
		{len(whole) / 4, bundle.Partial, "half.data ends early: bytes of the data section"},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "half.data")
		if err := os.WriteFile(file, whole[:tt.bytes], 0o644); err != nil {
			t.Fatal(err)
		}
		runs, _, err := importAll([]string{file}, filepath.Join(dir, "run"), importOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if m := runs[0].Manifest; m.Status != tt.status || !strings.HasPrefix(m.Why, tt.why) {
			t.Errorf("%d bytes: %s, %q; want %s, %q", tt.bytes, m.Status, m.Why, tt.status, tt.why)
		}
	}
}

// Nothing is written for files that cannot be imported.
func TestImportRefuses(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad")
	if err := os.WriteFile(bad, []byte("neither\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ file, want string }{
		{bad, "no format that can be imported"},
		{empty, "empty file"},
		{filepath.Join(dir, "none"), "no such file"},
		{dir, "without a file named data"},
	} {
		run := filepath.Join(t.TempDir(), "run")
		_, _, err := importAll([]string{tt.file}, run, importOptions{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q in it", tt.file, err, tt.want)
		}
		if _, err := os.Stat(run); err == nil {
			t.Errorf("%s: a run was begun", tt.file)
		}
	}
}
