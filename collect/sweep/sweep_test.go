package sweep

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
	"xfrmscope/collect/record"
	"xfrmscope/collect/scenario"
)

// A scripted machine runs shell commands for real and records bundles of one
// file without perf, so that a sweep takes no time; it fails where a test says.
type scripted struct {
	Local
	recorded []string                      // runs, in order
	record   func(run *scenario.Run) error // nil: all is well
	boot     string
}

func (m *scripted) Record(ctx context.Context, run *scenario.Run, _ *scenario.Steady, dir string,
	say func(string)) (*bundle.Run, error) {
	m.recorded = append(m.recorded, run.Dir)
	say("measuring")
	w, err := bundle.Create(dir, bundle.Manifest{Tool: "test", Source: "record", Plan: run.Plan,
		Host: bundle.Host{BootID: m.boot}})
	if err != nil {
		return nil, err
	}
	if m.record != nil {
		err = m.record(run)
	}
	why := ""
	if err != nil {
		why = err.Error()
	}
	cpu := 0
	err = errors.Join(err,
		w.WriteFile("symbols/kallsyms.gz", []byte("symbols of this boot")),
		w.WriteFile("symbols/modules", []byte(run.Dir)),
		bundle.WriteLines(w, "counters.jsonl", []bundle.Counter{
			{Phase: "start", Source: "/proc/stat", CPU: &cpu, Name: "system", Unit: "ns"},
			{Phase: "end", Source: "/proc/stat", CPU: &cpu, Name: "system", Unit: "ns", Value: 1e9},
		}),
		w.Finish(why))
	if err != nil {
		return nil, &record.PartialError{Dir: dir, Why: why, Err: err}
	}
	return bundle.Open(os.DirFS(dir), dir)
}

// testScenario has four runs; its commands write to a file what they do.
func testScenario(t *testing.T, change ...string) (s *scenario.Scenario, trace string) {
	t.Helper()
	trace = filepath.Join(t.TempDir(), "trace")
	text := strings.ReplaceAll(`apiVersion: xfrmscope/v1
name: test
cpus: {sets: [0]}
modes:
  - {name: a, setup: 'echo up {run} >> TRACE', teardown: 'echo down {run} >> TRACE'}
  - {name: b, setup: 'echo up {run} >> TRACE', teardown: 'echo down {run} >> TRACE'}
repeats: 2
`, "TRACE", trace)
	s, err := scenario.Parse([]byte(text), "test", change)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.Resolve(scenario.Machine{}, scenario.Defaults{}); err != nil {
		t.Fatal(err)
	}
	return s, trace
}

func traced(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.ReplaceAll(strings.TrimSpace(string(data)), "\n", ", ")
}

// said collects the lines of a sweep.
type said []string

func (s *said) options(m Machine) Options {
	return Options{Machine: m, Say: func(line string) { *s = append(*s, line) }}
}

// whole opens a sweep and verifies all of it.
func whole(t *testing.T, dir string, runs int) *bundle.Sweep {
	t.Helper()
	s, err := bundle.OpenSweep(os.DirFS(dir), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.VerifyTable(); err != nil {
		t.Error(err)
	}
	for _, r := range s.Runs {
		if err := r.Verify(); err != nil {
			t.Error(err)
		}
		if r.Status != bundle.Complete {
			t.Errorf("%s is %s", r.Path, r.Status)
		}
	}
	if len(s.Runs) != runs {
		t.Errorf("%d runs, want %d: %v", len(s.Runs), runs, s.Dirs)
	}
	if _, err := os.Stat(filepath.Join(dir, currentName)); err == nil && len(s.Missing()) == 0 {
		t.Errorf("%s is left", currentName)
	}
	return s
}

func TestRun(t *testing.T) {
	s, trace := testScenario(t)
	dir := filepath.Join(t.TempDir(), "sweep")
	m := &scripted{}
	var lines said
	opt := lines.options(m)
	finished := 0
	opt.Progress = func(p Progress) {
		if p.Finished != nil {
			finished++
			if p.Index != finished || p.Total != 4 || p.Finished.Plan.Labels["mode"] != p.Run.Mode {
				t.Errorf("progress %+v", p)
			}
		}
	}
	table, err := Run(context.Background(), s, dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	const want = "a-n1-r1 b-n1-r1 b-n1-r2 a-n1-r2"
	if got := strings.Join(table.Dirs, " "); got != want || strings.Join(m.recorded, " ") != want ||
		finished != 4 || len(table.Missing()) != 0 {
		t.Errorf("runs %s, recorded %v", got, m.recorded)
	}
	if got := traced(t, trace); !strings.HasPrefix(got,
		"up a-n1-r1, down a-n1-r1, up b-n1-r1, down b-n1-r1, up b-n1-r2") {
		t.Error(got)
	}
	sw := whole(t, dir, 4)
	if text, _ := s.Text(); sw.Scenario != scenario.Hash(text) || sw.Runs[0].Plan.Scenario != sw.Scenario ||
		!slices.Equal(sw.Headline, scenario.DefaultHeadline()) {
		t.Errorf("sweep %+v", sw)
	}
	// What the runs have in common is there once, what differs stays.
	for name, there := range map[string]bool{"symbols/kallsyms.gz": true, "a-n1-r1/symbols/kallsyms.gz": false,
		"b-n1-r1/symbols/modules": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != there {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Once more: nothing is left to do.
	if _, err := Run(context.Background(), s, dir, opt); err != nil || len(m.recorded) != 4 {
		t.Errorf("again: %v, %v", m.recorded, err)
	}
}

func TestRefused(t *testing.T) {
	s, _ := testScenario(t)
	m := &scripted{}
	var lines said
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "thesis.tex"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var exists *bundle.ExistsError
	if _, err := Run(context.Background(), s, full, lines.options(m)); !errors.As(err, &exists) {
		t.Errorf("into a directory with files: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "sweep")
	if _, err := Run(context.Background(), s, dir, lines.options(m)); err != nil {
		t.Fatal(err)
	}
	other, _ := testScenario(t, "window=7s")
	var otherError *OtherError
	if _, err := Run(context.Background(), other, dir, lines.options(m)); !errors.As(err, &otherError) {
		t.Errorf("with another scenario: %v", err)
	}
	f, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := Run(context.Background(), s, dir, lines.options(m)); err == nil ||
		!strings.Contains(err.Error(), "another xfrmscope is at work") {
		t.Errorf("while locked: %v", err)
	}
}

// A set-up that fails is undone, and its last lines are shown.
func TestSetUpFails(t *testing.T) {
	s, trace := testScenario(t)
	s.Modes[1].Setup = "echo began >> " + trace + "; echo no such device >&2; exit 3"
	dir := filepath.Join(t.TempDir(), "sweep")
	m := &scripted{}
	var lines said
	_, err := Run(context.Background(), s, dir, lines.options(m))
	var stop *StopError
	if !errors.As(err, &stop) || !strings.Contains(err.Error(), "b n=1 #1: the set-up") ||
		!strings.Contains(err.Error(), "exit status 3: no such device; it was undone; 1 of 4 runs are in") {
		t.Fatalf("error %v", err)
	}
	if got := traced(t, trace); got != "up a-n1-r1, down a-n1-r1, began, down b-n1-r1" {
		t.Error(got)
	}
	whole(t, dir, 1)
}

// A run that fails is set aside and made again; its set-up is undone.
func TestRecordFails(t *testing.T) {
	s, trace := testScenario(t)
	dir := filepath.Join(t.TempDir(), "sweep")
	fail := 2
	m := &scripted{}
	m.record = func(run *scenario.Run) error {
		if run.Dir == "b-n1-r1" && fail > 0 {
			fail--
			return errors.New("the load failed with exit status 1: no route to host")
		}
		return nil
	}
	var lines said
	for range 2 {
		_, err := Run(context.Background(), s, dir, lines.options(m))
		if err == nil || !strings.Contains(err.Error(),
			"b n=1 #1: the load failed with exit status 1: no route to host; 1 of 4 runs are in") {
			t.Fatalf("error %v", err)
		}
	}
	if _, err := Run(context.Background(), s, dir, lines.options(m)); err != nil {
		t.Fatal(err)
	}
	sw := whole(t, dir, 4)
	if strings.Join(m.recorded, " ") != "a-n1-r1 b-n1-r1 b-n1-r1 b-n1-r1 b-n1-r2 a-n1-r2" ||
		strings.Join(sw.Aside, " ") != "aside/b-n1-r1.1 aside/b-n1-r1.2" {
		t.Errorf("recorded %v, aside %v", m.recorded, sw.Aside)
	}
	for _, aside := range sw.Aside {
		runs, err := bundle.OpenAll(filepath.Join(dir, aside))
		if err != nil || runs[0].Status != bundle.Partial || !strings.Contains(runs[0].Why, "no route") {
			t.Errorf("%s: %v", aside, err)
		}
	}
	if got := traced(t, trace); strings.Count(got, "up b-n1-r1, down b-n1-r1") != 3 {
		t.Error(got)
	}
}

// A tear-down that fails stops the sweep, but the run before it counts.
func TestTearDownFails(t *testing.T) {
	s, trace := testScenario(t)
	s.Modes[0].Teardown = "test -e " + trace + ".ok || { echo still busy; exit 1; }"
	dir := filepath.Join(t.TempDir(), "sweep")
	m := &scripted{}
	var lines said
	_, err := Run(context.Background(), s, dir, lines.options(m))
	if err == nil || !strings.Contains(err.Error(), "exit status 1: still busy; 1 of 4 runs") {
		t.Fatalf("error %v", err)
	}
	whole(t, dir, 1)
	if err := os.WriteFile(trace+".ok", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), s, dir, lines.options(m)); err != nil || len(m.recorded) != 4 {
		t.Errorf("%v, recorded %v", err, m.recorded)
	}
	if !slices.Contains(lines, "undoing the set-up of a-n1-r1") {
		t.Errorf("said %q", lines)
	}
}

// Cancelled in the middle of a set-up, its whole process tree ends and it is
// undone.
func TestInterrupted(t *testing.T) {
	s, trace := testScenario(t)
	s.Modes[1].Setup = "echo began >> " + trace + "; sleep 1000 & wait"
	dir := filepath.Join(t.TempDir(), "sweep")
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for !strings.Contains(traced(t, trace), "began") {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	m := &scripted{Local: Local{Mark: "XFRMSCOPE_TEST=" + dir}}
	var lines said
	_, err := Run(ctx, s, dir, lines.options(m))
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "the set-up was interrupted") {
		t.Errorf("error %v", err)
	}
	if got := traced(t, trace); got != "up a-n1-r1, down a-n1-r1, began, down b-n1-r1" {
		t.Error(got)
	}
	for range 500 { // a process that was killed may take its time to go
		if len(marked(m.Mark)) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("processes %v are left", marked(m.Mark))
}

// What a killed sweep leaves: a set-up, processes, a run in each state.
func TestResume(t *testing.T) {
	s, trace := testScenario(t)
	dir := filepath.Join(t.TempDir(), "sweep")
	m := &scripted{Local: Local{Mark: "XFRMSCOPE_TEST=" + dir}}
	var lines said
	table, err := Run(context.Background(), s, dir, lines.options(m))
	if err != nil {
		t.Fatal(err)
	}
	path := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	table.Dirs = table.Dirs[:1]
	must(bundle.WriteSweep(dir, table))                    // b-n1-r1 has its name, and no line in the table
	must(os.Rename(path("b-n1-r2"), path("b-n1-r2.part"))) // complete, without its name
	must(os.Rename(path("a-n1-r2"), path("a-n1-r2.part"))) // not complete
	must(bundle.Amend(path("a-n1-r2.part"), func(m *bundle.Manifest) { m.Status = bundle.Partial }))
	must(os.WriteFile(path("sweep.json.part"), []byte("{"), 0o644))
	w := worker{dir: dir}
	must(w.remember(current{"a-n1-r2", []string{"up"}, []string{"echo undone >> " + trace},
		procfs.Root("").BootID()}))
	log, err := os.Create(path("orphan"))
	must(err)
	must(m.Shell(context.Background(), "setsid sleep 1000 >/dev/null 2>&1 &", log, log))
	m.recorded = nil
	if _, err := Run(context.Background(), s, dir, lines.options(m)); err != nil {
		t.Fatal(err)
	}
	sw := whole(t, dir, 4)
	if strings.Join(m.recorded, " ") != "a-n1-r2" || strings.Join(sw.Aside, " ") != "aside/a-n1-r2.1" {
		t.Errorf("recorded %v, aside %v", m.recorded, sw.Aside)
	}
	if !strings.Contains(traced(t, trace), "undone, up a-n1-r2, down a-n1-r2") {
		t.Error(traced(t, trace))
	}
	if pids := marked(m.Mark); len(pids) > 0 {
		t.Errorf("processes %v are left", pids)
	}
	want := []string{"undoing the set-up of a-n1-r2", "b-n1-r1 is complete: taken over",
		"b-n1-r2.part is complete: taken over"}
	for _, line := range want {
		if !slices.Contains(lines, line) {
			t.Errorf("said %q, want %q", lines, line)
		}
	}
	// A finished run that was damaged since is kept aside, and made again.
	must(os.WriteFile(path("b-n1-r1/counters.jsonl"), []byte("{}\n"), 0o644))
	m.recorded = nil
	if _, err := Run(context.Background(), s, dir, lines.options(m)); err != nil ||
		strings.Join(m.recorded, " ") != "b-n1-r1" {
		t.Errorf("recorded %v, %v", m.recorded, err)
	}
	whole(t, dir, 4)
	// Of an earlier boot nothing is undone.
	must(w.remember(current{"a-n1-r2", []string{"up"}, []string{"exit 1"}, "another boot"}))
	if _, err := Run(context.Background(), s, dir, lines.options(m)); err != nil ||
		!slices.Contains(lines, "a-n1-r2 was set up before this boot: not undone") {
		t.Errorf("%v, said %q", err, lines)
	}
}

func TestResult(t *testing.T) {
	file := filepath.Join(t.TempDir(), "result.json")
	for _, tt := range []struct {
		name    string
		packets scenario.Packets
		write   string // by the run
		want    string // error
	}{
		{"file", scenario.Packets{From: "trex", File: file}, "new", ""},
		{"as before", scenario.Packets{From: "trex", File: file}, "",
			"left no result of trex: " + file + " is as it was before the run"},
		{"no file", scenario.Packets{From: "trex", File: file + "{n}"}, "", "left no result of trex"},
		{"command", scenario.Packets{From: "pktgen", Command: "echo Result {n}"}, "", ""},
		{"command fails", scenario.Packets{From: "pktgen", Command: "echo oh >&2; exit 4"}, "",
			"exit status 4: oh"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte("old result"), 0o644); err != nil {
				t.Fatal(err)
			}
			s, trace := testScenario(t, "repeats=1")
			s.Load = &scenario.Load{Command: "true"}
			s.Packets = tt.packets
			dir := filepath.Join(t.TempDir(), "sweep")
			m := &scripted{}
			m.record = func(*scenario.Run) error {
				if tt.write == "" {
					return nil
				}
				return os.WriteFile(file, fmt.Append(nil, tt.write, len(m.recorded)), 0o644)
			}
			var lines said
			_, err := Run(context.Background(), s, dir, lines.options(m))
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) ||
					!strings.HasSuffix(traced(t, trace), "down a-n1-r1") {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r := whole(t, dir, 2).Runs[1]
			if !slices.ContainsFunc(r.Files, func(f bundle.File) bool {
				return f.Name == "import/trex.json" || f.Name == "import/pktgen.txt"
			}) {
				t.Errorf("files %+v", r.Files)
			}
		})
	}
}

func TestAwaitSteady(t *testing.T) {
	st := scenario.Steady{Tolerance: 0.2, Interval: 2 * time.Millisecond}
	began := time.Now()
	// by counts packets at a rate of time since the meter was first read.
	by := func(packets func(seconds float64) float64) *meter {
		began = time.Now()
		return &meter{name: "a test",
			read: func() (uint64, error) { return uint64(packets(time.Since(began).Seconds())), nil }}
	}
	steady := by(func(s float64) float64 { return 1e9 * s })
	for _, tt := range []struct {
		name string
		m    *meter
		want string
	}{
		{"steady", steady, ""},
		{"growing", by(func(s float64) float64 { return 1e6 * s * s * s * s * s * s * 1e12 }),
			"the load was not steady 80ms after its warm-up: the last 3 rates by a test differ"},
		{"silent", by(func(float64) float64 { return 7 }), "a test counted 0 packets in 0.0 s"},
		{"by the next", &meter{read: func() (uint64, error) { return 0, nil }, next: steady}, ""},
		{"unreadable", &meter{read: func() (uint64, error) { return 0, errors.New("no such file") }},
			"no such file"},
	} {
		st.Within = time.Minute // enough for a busy machine
		if tt.want != "" {
			st.Within = 80 * time.Millisecond
		}
		v := awaitSteady(context.Background(), &st, tt.m)
		got := v.notReached.Text + v.notChecked
		if (tt.want == "") != v.ok() || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if v := awaitSteady(ctx, &st, steady); !v.ok() {
		t.Errorf("interrupted: %+v", v)
	}
}

// Runs of two boots: one call makes those of the boot that it is in, and only
// another boot makes the others; a boot that was cut short goes on in the next.
func TestBoots(t *testing.T) {
	s, _ := testScenario(t, "boots=2", "repeats=4")
	dir := filepath.Join(t.TempDir(), "sweep")
	m := &scripted{boot: "one"}
	call := func(boot string) error {
		m.boot, m.recorded = boot, nil
		var lines said
		o := lines.options(m)
		o.BootID = boot
		_, err := Run(t.Context(), s, dir, o)
		return err
	}
	for _, tt := range []struct {
		boot string
		runs int
		want string
	}{
		{"", 0, "boots are not told apart"},
		{"one", 4, "boot 1 of 2 done; reboot and give the same command again"},
		{"one", 0, "boot 1 of 2 done"}, {"two", 4, ""}, {"three", 0, ""},
	} {
		err := call(tt.boot)
		var other *BootError
		if len(m.recorded) != tt.runs || errors.As(err, &other) != (tt.want != "") ||
			tt.want != "" && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("boot %q: %d runs %v, %v, want %d and %q", tt.boot, len(m.recorded), m.recorded, err,
				tt.runs, tt.want)
		}
	}
	whole(t, dir, 8)

	dir = filepath.Join(t.TempDir(), "cut")
	broken := errors.New("power cut")
	m.record = func(run *scenario.Run) error {
		if run.Repeat == 2 {
			return broken
		}
		return nil
	}
	if err := call("one"); err == nil || len(m.recorded) != 3 {
		t.Fatalf("cut short: %v, %v", m.recorded, err)
	}
	m.record = nil
	if err := call("two"); err == nil || len(m.recorded) != 2 {
		t.Errorf("the rest of boot 1: %v, %v", m.recorded, err)
	}
	if err := call("two"); err == nil || len(m.recorded) != 0 {
		t.Errorf("boot 2 in the boot of boot 1: %v, %v", m.recorded, err)
	}
	if err := call("three"); err != nil || len(m.recorded) != 4 {
		t.Errorf("boot 2: %v, %v", m.recorded, err)
	}
}
