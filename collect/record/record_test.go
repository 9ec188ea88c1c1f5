package record

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
)

// needLive skips what needs root and perf.
func needLive(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("recording needs root")
	}
	if _, err := exec.LookPath("perf"); err != nil {
		t.Skip("recording needs perf: ", err)
	}
}

// livePlan measures the last online CPU, so that one is free where there are
// two.
func livePlan(t *testing.T, d time.Duration) bundle.Plan {
	t.Helper()
	online, err := Options{}.Root.Online()
	if err != nil {
		t.Fatal(err)
	}
	return bundle.Plan{
		CPUs: online[len(online)-1:], DurationNS: d, Events: DefaultEvents(),
		Probes: []string{bundle.ProbeWait}, NetNS: []string{""},
	}
}

// contending is a load whose tasks take the same locks on all CPUs.
func contending() *bundle.Load {
	return &bundle.Load{Argv: []string{"sh", "-c",
		"echo begins; while :; do perf bench sched messaging -g 4 -l 100 > /dev/null 2>&1; done"}}
}

// progress collects what Record says.
type progress struct {
	mu    sync.Mutex
	lines []string
}

func (p *progress) add(at Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, at.Step)
}

func verify(t *testing.T, run *bundle.Run) {
	t.Helper()
	if run == nil {
		t.Fatal("no run")
	}
	if err := run.Verify(); err != nil {
		t.Error(err)
	}
	err := filepath.Walk(run.Path, func(name string, _ os.FileInfo, err error) error {
		if strings.HasSuffix(name, ".part") {
			t.Errorf("%s was left behind", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestRecord(t *testing.T) {
	needLive(t)
	plan := livePlan(t, 2*time.Second)
	plan.WarmUpNS = 200 * time.Millisecond
	plan.Load = contending()
	plan.Labels = map[string]string{"mode": "test"}
	packets := filepath.Join(t.TempDir(), "packets")
	plan.PacketsFile = packets
	if err := os.WriteFile(packets, []byte("0 0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	plan.Load.Argv[2] = "(sleep 1; echo 0 4321 > " + packets + ") & " + plan.Load.Argv[2]
	var said progress
	run, err := Run(context.Background(), plan, filepath.Join(t.TempDir(), "run"),
		Options{Tool: "test 1", Progress: said.add})
	if err != nil {
		t.Fatal(err)
	}
	verify(t, run)
	if run.Status != bundle.Complete || run.Tool != "test 1" || run.Source != "record" ||
		run.Plan.Labels["mode"] != "test" {
		t.Errorf("manifest %+v", run.Manifest)
	}
	if s := run.Window.Seconds(); s < 1.9 {
		t.Errorf("a window of %.2f s", s)
	}
	checkEvents(t, run)
	checkRows(t, run)
	if totals, err := run.Totals(); err != nil || len(totals) != len(plan.CPUs) || totals[0].Event != "cpu-clock" ||
		totals[0].Running != 1 {
		t.Errorf("totals %+v, %v", totals, err)
	}
	if len(run.Commands) != 3 || exitOf(run, perfRecordLog) != 0 ||
		exitOf(run, perfStatLog) != 128+int(unix.SIGINT) {
		t.Errorf("commands %+v", run.Commands)
	}
	if log, err := os.ReadFile(filepath.Join(run.Path, "log/load.log")); err != nil || string(log) != "begins\n" {
		t.Errorf("the load's output: %q, %v", log, err)
	}
	if traffic, err := run.Traffic(); err != nil || traffic == nil || traffic.Packets != 4321 {
		t.Errorf("traffic %+v, %v", traffic, err)
	}
	t.Logf("%s\nlosses %+v\nwarnings %+v\ngaps %+v", strings.Join(said.lines, "\n"), run.Losses, run.Warnings,
		run.Gaps)
}

// checkEvents: cycles, or the clock in its place and a gap for the misses.
func checkEvents(t *testing.T, run *bundle.Run) {
	t.Helper()
	if len(run.Events) == 0 || run.Events[0].Opened == "" {
		t.Fatalf("events %+v", run.Events)
	}
	if run.Events[0].Opened == run.Events[0].Asked {
		return
	}
	if run.Events[0].Opened != "cpu-clock" || run.Events[0].Why == "" {
		t.Errorf("events %+v", run.Events)
	}
	if !slices.ContainsFunc(run.Gaps, func(g bundle.Gap) bool {
		return g.What == "cache misses" &&
			strings.HasPrefix(g.Why, "no hardware counters: L1-dcache-load-misses:k")
	}) {
		t.Errorf("no gap for the cache misses: %+v", run.Gaps)
	}
}

func checkRows(t *testing.T, run *bundle.Run) {
	t.Helper()
	counters, err := run.Counters()
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]uint64)
	for _, c := range counters {
		if c.Name == "user" || c.Name == "system" || c.Name == "idle" || c.Name == "XfrmInError" {
			seen[c.Phase+" "+c.Name] += c.Value
		}
		inside := c.TimeNS > run.Window.StartNS && c.TimeNS < run.Window.EndNS
		if inside && c.Phase != bundle.PhaseSample || c.TimeNS == 0 {
			t.Fatalf("a counter from within the window: %+v", c)
		}
		if inside {
			seen["within"]++
		}
	}
	if seen["within"] == 0 {
		t.Error("the CPU times were not read within the window")
	}
	for _, name := range []string{"user", "system", "idle"} {
		if seen["start "+name] == 0 || seen["end "+name] < seen["start "+name] {
			t.Errorf("%s time %d at the start, %d at the end", name, seen["start "+name], seen["end "+name])
		}
	}
	if len(run.Probes) == 0 {
		t.Logf("no probe: %+v", run.Gaps)
		return
	}
	locks, err := run.Locks()
	rows, accounts := locks.Waits, locks.Accounts
	if err != nil || len(rows) == 0 || len(accounts) != len(run.Plan.CPUs) || accounts[0].Ended == 0 {
		t.Errorf("%d rows, accounts %+v, %v", len(rows), accounts, err)
	}
	if p := run.Probes[0]; p.AttachMode == "" || len(p.Blind) == 0 || p.Window.StartNS < run.Window.StartNS ||
		p.Window.EndNS < run.Window.EndNS {
		t.Errorf("probe %+v, window %+v", p, run.Window)
	}
}

// Each probe that loads has its phase, with one of none on either side; each that
// does not, a gap.
func TestRecordPhases(t *testing.T) {
	needLive(t)
	plan := livePlan(t, 300*time.Millisecond)
	plan.Events, plan.Load = []string{"cpu-clock"}, contending()
	plan.Probes, plan.PhaseNS = bundle.Probes(), 400*time.Millisecond
	run, err := Run(context.Background(), plan, filepath.Join(t.TempDir(), "run"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	verify(t, run)
	if len(run.Probes) == 0 {
		t.Skipf("no probe loads here: %+v", run.Gaps)
	}
	at := run.Window.EndNS
	for i, p := range run.Phases {
		free := i%2 == 0
		if p.Window.StartNS < at || free != (p.Probe == "") || free != strings.HasPrefix(p.Name, "none-") ||
			!free && p.Name != p.Probe {
			t.Errorf("phase %d after %d: %+v", i, at, p)
		}
		if want := phaseLength(plan, p.Name); p.Window.Seconds() < want.Seconds() {
			t.Errorf("phase %s of %.3f s, want %s", p.Name, p.Window.Seconds(), want)
		}
		if want := map[string]int{bundle.ProbeCount: 2, bundle.ProbeFind: 2}[p.Name]; p.SAReads != want {
			t.Errorf("phase %s: the SAs were read %d times within it, want %d", p.Name, p.SAReads, want)
		}
		at = p.Window.EndNS
	}
	for _, name := range bundle.Probes() {
		ran := slices.ContainsFunc(run.Phases, func(p bundle.Phase) bool { return p.Probe == name })
		missing := slices.ContainsFunc(run.Gaps,
			func(g bundle.Gap) bool { return g.What == measures(name) && g.Why != "" })
		if ran == missing {
			t.Errorf("probe %s: ran %t, a gap %t", name, ran, missing)
		}
	}
	if len(run.Phases)%2 == 0 {
		t.Errorf("%d phases", len(run.Phases))
	}
}

// A load that ends within a phase leaves the rest of them out: the run is partial,
// and says so.
func TestRecordLoadEndsInPhases(t *testing.T) {
	needLive(t)
	plan := livePlan(t, 300*time.Millisecond)
	plan.Events, plan.Load = []string{"cpu-clock"}, &bundle.Load{Argv: []string{"sleep", "1.5"}}
	plan.PhaseNS = 10 * time.Second
	run, err := Run(context.Background(), plan, filepath.Join(t.TempDir(), "run"), Options{})
	verify(t, run)
	var partial *PartialError
	text := fmt.Sprintf("%+v %+v", run.Warnings, run.Gaps)
	if len(run.Phases) == 0 || !strings.Contains(text, "ended") || len(run.Probes) != 0 {
		t.Errorf("%s: %s", run.Status, text)
	}
	const why = "phase wait did not run: the load had ended before the probe's phase"
	if strings.Contains(text, why[len("phase wait did not run: "):]) &&
		(run.Status != bundle.Partial || run.Why != why || !errors.As(err, &partial)) {
		t.Errorf("%s: %q, %v", run.Status, run.Why, err)
	}
}

func TestRecordInterrupted(t *testing.T) {
	needLive(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	plan := livePlan(t, time.Hour)
	plan.Load = contending()
	run, err := Run(ctx, plan, filepath.Join(t.TempDir(), "run"), Options{Progress: func(p Progress) {
		if strings.HasPrefix(p.Step, "measured ") {
			cancel()
		}
	}})
	var partial *PartialError
	if !errors.As(err, &partial) || !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	verify(t, run)
	if run.Status != bundle.Partial || !strings.HasPrefix(run.Why, "interrupted after ") || !run.Has("perf.data") {
		t.Errorf("%s: %s: %+v", run.Status, run.Why, run.Files)
	}
	if !slices.ContainsFunc(run.Gaps, func(g bundle.Gap) bool { return g.What == "lock waits" }) {
		t.Errorf("gaps %+v, want one for the lock waits, whose window did not come", run.Gaps)
	}
	if n := children(t); n != 0 {
		t.Errorf("%d children are left", n)
	}
}

// A window that is ended on request is short, its phases are not.
func TestRecordWindowEnded(t *testing.T) {
	needLive(t)
	plan := livePlan(t, time.Hour)
	plan.Events, plan.PhaseNS = []string{"cpu-clock"}, 200*time.Millisecond
	end := make(chan struct{})
	var said progress
	run, err := Run(context.Background(), plan, filepath.Join(t.TempDir(), "run"),
		Options{EndWindow: end, Progress: func(p Progress) {
			said.add(p)
			if strings.HasPrefix(p.Step, "measured 1 s of 3600 s") {
				go func() { end <- struct{}{} }()
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	verify(t, run)
	if run.Status != bundle.Complete || !slices.ContainsFunc(run.Warnings, func(w bundle.Warning) bool {
		return strings.HasPrefix(w.Text, "the window was ended after ")
	}) {
		t.Errorf("%s, warnings %+v", run.Status, run.Warnings)
	}
	if len(run.Phases) == 0 || !slices.ContainsFunc(said.lines, func(line string) bool {
		return strings.HasPrefix(line, "phase none-0 ")
	}) {
		t.Errorf("phases %+v; it said %q", run.Phases, said.lines)
	}
	if n := children(t); n != 0 {
		t.Errorf("%d children are left", n)
	}
}

// children counts the processes whose parent is this one.
func children(t *testing.T) int {
	t.Helper()
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, task := range tasks {
		data, err := os.ReadFile(task)
		if err == nil {
			n += len(strings.Fields(string(data)))
		}
	}
	return n
}

func TestRecordInterruptedEarly(t *testing.T) {
	needLive(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	plan := livePlan(t, time.Hour)
	plan.WarmUpNS = time.Hour
	dir := filepath.Join(t.TempDir(), "run")
	run, err := Run(ctx, plan, dir, Options{Progress: func(p Progress) {
		if strings.HasPrefix(p.Step, "warming up") {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	verify(t, run)
	if run.Why != "interrupted before the window" {
		t.Errorf("why %q", run.Why)
	}
}

func TestRecordLoads(t *testing.T) {
	needLive(t)
	tests := []struct {
		name, script string
		warmUp       time.Duration
		status       bundle.Status
		want         string // in Why, or in a warning
		exit         int
	}{
		{"ends early", "sleep 0.3", 0, bundle.Partial, "the load ended by itself after", 0},
		{"fails", "sleep 0.3; echo cannot bind >&2; exit 7", 0, bundle.Partial,
			"the load failed with exit status 7: cannot bind (after", 7},
		{"fails in the warm-up", "exit 3", time.Hour, bundle.Partial,
			"the load failed with exit status 3: it printed nothing", 3},
		{"ends in the warm-up", "exit 0", time.Hour, bundle.Partial, "the load ended before the window", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			plan := livePlan(t, time.Hour)
			plan.WarmUpNS, plan.Events = test.warmUp, []string{"cpu-clock"}
			plan.Load = &bundle.Load{Argv: []string{"sh", "-c", test.script}}
			run, err := Run(context.Background(), plan, filepath.Join(t.TempDir(), "run"), Options{})
			verify(t, run)
			if (err == nil) != (test.status == bundle.Complete) || run.Status != test.status {
				t.Errorf("%s, %v", run.Status, err)
			}
			if text := run.Why + fmt.Sprint(run.Warnings); !strings.Contains(text, test.want) {
				t.Errorf("got %q, want %q", text, test.want)
			}
			if exitOf(run, bundle.LoadLog) != test.exit || !run.Has("log/load.log") {
				t.Errorf("commands %+v", run.Commands)
			}
		})
	}
}

// exitOf returns how the command of a log ended, -1 if there was none.
func exitOf(run *bundle.Run, log string) int {
	for _, c := range run.Commands {
		if c.Log == log {
			return c.Exit
		}
	}
	return -1
}

// A load that ignores SIGTERM, and its children, are killed.
func TestRecordStubbornLoad(t *testing.T) {
	needLive(t)
	plan := livePlan(t, 100*time.Millisecond)
	plan.Events = []string{"cpu-clock"}
	pids := filepath.Join(t.TempDir(), "pids")
	plan.Load = &bundle.Load{Argv: []string{"sh", "-c",
		"trap '' TERM; sleep 1000 & echo $$ $! > " + pids + "; wait"}}
	run, err := Run(context.Background(), plan, filepath.Join(t.TempDir(), "run"),
		Options{Grace: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if exitOf(run, bundle.LoadLog) != 128+9 {
		t.Errorf("commands %+v", run.Commands)
	}
	data, err := os.ReadFile(pids)
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range strings.Fields(string(data)) {
		if alive(pid) {
			t.Errorf("process %s is left", pid)
		}
	}
}

// alive reports whether a process stays, as neither a killed one nor a zombie
// that init has not taken yet does.
func alive(pid string) bool {
	for range 100 {
		state, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(state), ") Z ") {
			return false
		}
		time.Sleep(100 * time.Millisecond)
	}
	return true
}

func TestRecordPerfDies(t *testing.T) {
	needLive(t)
	plan := livePlan(t, time.Hour)
	plan.Events = []string{"cpu-clock"}
	run, err := Run(context.Background(), plan, filepath.Join(t.TempDir(), "run"),
		Options{Progress: func(p Progress) {
			if strings.HasPrefix(p.Step, "measured 1 s") {
				killPerf(t)
			}
		}})
	if err == nil {
		t.Fatal("no error")
	}
	verify(t, run)
	if run.Status != bundle.Partial || !strings.HasPrefix(run.Why, "perf has ended after") ||
		!run.Has("counters.jsonl") {
		t.Errorf("%s: %s", run.Status, run.Why)
	}
	if exitOf(run, perfRecordLog) != 128+9 {
		t.Errorf("commands %+v", run.Commands)
	}
}

// killPerf kills this process's perf record.
func killPerf(t *testing.T) {
	tasks, _ := filepath.Glob("/proc/self/task/*/children")
	for _, task := range tasks {
		data, _ := os.ReadFile(task)
		for _, pid := range strings.Fields(string(data)) {
			comm, _ := os.ReadFile("/proc/" + pid + "/comm")
			var n int
			if _, err := fmt.Sscan(pid, &n); err == nil && strings.TrimSpace(string(comm)) == "perf" {
				if err := unix.Kill(n, unix.SIGKILL); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

func TestRecordNoPerf(t *testing.T) {
	plan := livePlan(t, time.Second)
	t.Setenv("PATH", t.TempDir())
	dir := filepath.Join(t.TempDir(), "run")
	_, err := Run(context.Background(), plan, dir, Options{})
	var missing *Missing
	if !errors.As(err, &missing) || missing.What != "perf" || !strings.Contains(missing.Fix, "linux-perf") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a bundle was begun: %v", err)
	}
}

func TestRecordOverSomething(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "precious"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var exists *bundle.ExistsError
	if _, err := Run(context.Background(), livePlan(t, time.Second), dir, Options{}); !errors.As(err, &exists) {
		t.Errorf("got %v", err)
	}
}

// A file system that is full: what was written stays, the error names it.
func TestRecordDiskFull(t *testing.T) {
	needLive(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=96k"); err != nil {
		t.Skip("no tmpfs can be mounted: ", err)
	}
	defer func() {
		// A child of the load that was killed may still be on its way out.
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	plan := livePlan(t, 2*time.Second)
	plan.Events, plan.Load = []string{"cpu-clock"}, contending()
	run, err := Run(context.Background(), plan, filepath.Join(dir, "run"), Options{})
	if !errors.Is(err, unix.ENOSPC) && (err == nil || !strings.Contains(err.Error(), "No space left on device")) {
		t.Fatalf("got %v", err)
	}
	if run == nil || run.Status != bundle.Partial {
		t.Errorf("run %+v", run)
	}
	t.Log(err)
}

// A namespace that is deleted in the window is named, and the rest is kept.
func TestRecordNamespaceVanishes(t *testing.T) {
	needLive(t)
	name := fmt.Sprintf("xfrmscope-%d", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Skipf("no network namespace can be made: %v: %s", err, out)
	}
	remove := sync.OnceFunc(func() {
		if out, err := exec.Command("ip", "netns", "del", name).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	defer remove()
	plan := livePlan(t, 1500*time.Millisecond)
	plan.Events, plan.Probes, plan.NetNS = []string{"cpu-clock"}, nil, []string{"", name}
	run, err := Run(context.Background(), plan, filepath.Join(t.TempDir(), "run"),
		Options{Progress: func(p Progress) {
			if strings.HasPrefix(p.Step, "measured 1 s") {
				remove()
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	verify(t, run)
	if run.Status != bundle.Complete || !run.Has("perf.data") || !run.Has("counters.jsonl") {
		t.Errorf("%s: %s: %+v", run.Status, run.Why, run.Files)
	}
	if !slices.ContainsFunc(run.Gaps, func(g bundle.Gap) bool { return strings.Contains(g.What+g.Why, name) }) {
		t.Errorf("no gap names the namespace: %+v", run.Gaps)
	}
	t.Logf("gaps %+v\nwarnings %+v", run.Gaps, run.Warnings)
}

// A window that ends with its load says how long it has been, not what bounds it.
func TestWindowOfLoad(t *testing.T) {
	needLive(t)
	plan := livePlan(t, 24*time.Hour)
	plan.Probes, plan.Load = nil, &bundle.Load{Argv: []string{"sleep", "2.5"}}
	var said progress
	run, err := Run(context.Background(), plan, filepath.Join(t.TempDir(), "run"),
		Options{UntilLoadEnds: true, Progress: said.add})
	if err != nil {
		t.Fatal(err)
	}
	verify(t, run)
	steps := "\n" + strings.Join(said.lines, "\n") + "\n"
	if !strings.Contains(steps, "\nmeasured 1 s\n") {
		t.Error(steps)
	}
}
