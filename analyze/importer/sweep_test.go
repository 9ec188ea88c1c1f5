package importer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xfrmscope/collect/bundle"
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
	rates  = "# frame size 1440,pps 100,tx per flow 1G\n#flows,run_1,run_2,avg_2\n1,3.13,3.11,3.12\n2,6.26,6.24,6.25\n"
	losses = "#flows,run_1,run_2,cum_error\n1,0.00,0.00,0.00\n2,0.10,0.30,0.20\n"
	other  = "#flows,run_1,run_2,avg_2\n1,3.33,3.31,3.32\n2,6.26,6.24,6.25\n"
	udp    = `{"start": {"version": "iperf 3.18", "test_start": {"protocol": "UDP", "num_streams": 1}}, "end": {"sum_sent": {"seconds": 5, "bytes": 1000, "bits_per_second": 1600, "packets": 10}}}`
)

// A sweep of TRex is a directory a mode; what is about other runs is one of its
// own.
func TestFilesMakesSweep(t *testing.T) {
	f := writeFiles(t, map[string]string{"a-pcpu.csv": rates, "a-pcpu-lp.csv": losses, "a-one-sa.csv": other, "x.folded": "a;b 1\n", "u1.json": udp})
	dir := filepath.Join(t.TempDir(), "sweep")
	runs, _, err := Files([]string{f["a-pcpu.csv"], f["a-one-sa.csv"], f["a-pcpu-lp.csv"], f["x.folded"], f["u1.json"]}, dir, RunOptions{Tool: "test"})
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
		got = append(got, fmt.Sprintf("%s mode=%s files=%d", filepath.Base(r.Path), r.Plan.Labels["mode"], len(r.Files)))
	}
	want := []string{"pcpu mode=pcpu files=2", "shared mode=shared files=1", "x mode= files=1", "u1 mode= files=1"}
	if !slices.Equal(got, want) {
		t.Errorf("runs %q, want %q", got, want)
	}
	if _, _, err := Files([]string{f["a-pcpu.csv"]}, dir, RunOptions{}); err == nil || !strings.Contains(err.Error(), "already holds files") {
		t.Errorf("again into the same directory: %v", err)
	}
}

// Two measurements under one number are refused, and nothing is written; a mode
// for each is the way out.
func TestFilesContradict(t *testing.T) {
	f := writeFiles(t, map[string]string{"monday-pcpu.csv": rates, "friday-pcpu.csv": other})
	files := []string{f["monday-pcpu.csv"], f["friday-pcpu.csv"]}
	dir := filepath.Join(t.TempDir(), "sweep")
	_, _, err := Files(files, dir, RunOptions{})
	var contradiction *ContradictionError
	if !errors.As(err, &contradiction) || contradiction.N != 1 || contradiction.Run != 1 || !strings.Contains(err.Error(), "--mode FILE=NAME") {
		t.Errorf("%v, want run 1 of 1 flows", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a sweep was begun")
	}
	runs, _, err := Files(files, dir, RunOptions{Modes: map[string]string{"friday-pcpu.csv": "friday"}})
	if err != nil || len(runs) != 2 || runs[1].Plan.Labels["mode"] != "friday" {
		t.Errorf("%v, %d runs", err, len(runs))
	}
	if _, _, err := Files(files, dir+"2", RunOptions{Modes: map[string]string{"firday.csv": "friday"}}); err == nil || !strings.Contains(err.Error(), "not among the files") {
		t.Errorf("a mode of no file: %v", err)
	}
}

func TestMergeTraffic(t *testing.T) {
	read := func(name, text string) TrafficFile {
		return TrafficFile{name, readText(t, TRexCSV, name, text).Traffic}
	}
	merged, err := MergeTraffic([]TrafficFile{read("lp", losses), read("rates", rates)})
	if err != nil {
		t.Fatal(err)
	}
	runs := merged.Runs()
	if len(merged.Points) != 4 || len(runs) != 4 {
		t.Fatalf("%d points, %d runs, want 4", len(merged.Points), len(runs))
	}
	if p := runs[3][0]; p.N != 2 || p.Run != 2 || p.Rx.Rate.Value != 6.24 || p.LossShare == nil || *p.LossShare != 0.003 {
		t.Errorf("last run %+v, want its rate and its loss", p)
	}
	// Rounding is no contradiction; a second direction is a part of the run, a
	// repeat without a number another run.
	rounded := strings.ReplaceAll(rates, "6.24", "6.245")
	if _, err := MergeTraffic([]TrafficFile{read("a", rates), read("b", rounded)}); err != nil {
		t.Error(err)
	}
	both := Traffic{Points: []Point{{N: 1, Direction: "fwd"}, {N: 1, Direction: "rev"}, {N: 1, Direction: "fwd"}}}
	if runs := both.Runs(); len(runs) != 2 || len(runs[0]) != 2 {
		t.Errorf("runs %+v, want two", runs)
	}
}
