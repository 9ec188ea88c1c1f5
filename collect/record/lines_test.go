package record

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/perf"
	"xfrmscope/collect/procfs"
)

// What a machine shows under /proc and /sys decides which events sample memory.
func TestMemoryEventsOfMachine(t *testing.T) {
	opt := machine(t, map[string]string{
		"proc/cpuinfo": "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 26\nmodel\t\t: 2\n\n" +
			"processor\t: 1\nvendor_id\t: AuthenticAMD\ncpu family\t: 26\nmodel\t\t: 2\n",
		"sys/bus/event_source/devices/ibs_op/format/swfilt": "config2:0\n",
		"sys/bus/event_source/devices/cpu/type":             "4\n",
	})
	cpu := cpuOf(opt.Root)
	memory, err := perf.MemoryOf(cpu)
	if err != nil || strings.Join(memory.Events, " ") != "ibs_op/cnt_ctl=1,swfilt=1,period=262144/k" ||
		len(perf.Transfers(cpu)) != 2 {
		t.Fatalf("%+v: %+v %v", cpu, memory, err)
	}
	s := &setup{opt: opt, tool: &perf.Tool{Path: "perf"}, memory: memory.Events, counts: perf.Stalls(),
		events: []bundle.Event{{Asked: "cycles:k", Opened: "cycles:k"}}}
	argv := strings.Join(s.tool.Argv(s.perfOptions("perf.data", s.sampled())), " ")
	for _, want := range []string{"-e cycles:k -e " + memory.Events[0], " -d -W --phys-data -R "} {
		if !strings.Contains(argv, want) {
			t.Errorf("%s\nlacks %q", argv, want)
		}
	}
	if stat := strings.Join(s.tool.StatArgv(s.perfOptions("", s.counted())), " "); strings.Contains(stat,
		"ibs_op") ||
		!strings.Contains(stat, "-e dTLB-load-misses:k") {
		t.Errorf("counted: %s", stat)
	}
}

// Arm's SPE is sampled as it is; the other events at the frequency that perf keeps to then, and that is said.
func TestMemoryEventsOfArm(t *testing.T) {
	opt := machine(t, map[string]string{
		"proc/cpuinfo": "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd4f\n",
		"sys/bus/event_source/devices/arm_spe_0/type":     "9\n",
		"sys/bus/event_source/devices/armv8_pmuv3_0/type": "8\n",
	})
	program := filepath.Join(t.TempDir(), "perf")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexit 0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := &setup{opt: opt, tool: &perf.Tool{Path: program}, hz: 999}
	s.plan.Lines, s.plan.CPUs = true, bundle.CPUSet{0}
	if err := s.addLines(t.Context()); err != nil {
		t.Fatal(err)
	}
	argv := strings.Join(s.tool.Argv(s.perfOptions("perf.data", s.sampled())), " ")
	if !strings.Contains(argv, "-e arm_spe_0/ts_enable=1,") || strings.Contains(argv, " -F ") || s.hz != 4000 ||
		len(s.warnings) != 1 || !strings.Contains(s.warnings[0].Text, "sampled at 4000 Hz, not 999") {
		t.Errorf("%s\n%d Hz, %+v", argv, s.hz, s.warnings)
	}
}

// asIBS is a machine that has IBS, but for a perf that samples page faults in its place,
// and then has sampled one line of the kernel's.
func asIBS(t *testing.T) Options {
	t.Helper()
	root := t.TempDir()
	devices := filepath.Join("sys", "bus", "event_source", "devices")
	for dir := devices; dir != "."; dir = filepath.Dir(dir) {
		entries, err := os.ReadDir("/" + dir)
		if err != nil {
			t.Skip(err)
		}
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			// What is deeper is there.
			_ = os.Symlink(filepath.Join("/", dir, e.Name()), filepath.Join(root, dir, e.Name()))
		}
	}
	err := os.MkdirAll(filepath.Join(root, devices, "ibs_op"), 0o755)
	for _, dir := range []string{"proc", "run"} {
		err = errors.Join(err, os.Symlink("/"+dir, filepath.Join(root, dir)))
	}
	script := filepath.Join(root, "perf")
	err = errors.Join(err, os.WriteFile(script, []byte(`#!/bin/bash
[ "$1" != script ] || { echo " ffff888000100040"; exit; }
args=()
for arg; do case $arg in ibs_op/*) args+=(page-faults) ;; *) args+=("$arg") ;; esac; done
exec perf "${args[@]}"
`), 0o755))
	if err != nil {
		t.Fatal(err)
	}
	return Options{Root: procfs.Root(root), Perf: script}
}

// After the window perf.data is complete, and slab caches are asked for before the phases.
func TestRecordLinesLive(t *testing.T) {
	needLive(t)
	plan := livePlan(t, time.Second)
	plan.Lines = true
	opt := asIBS(t)
	var said progress
	opt.Progress = said.add
	run, err := Run(context.Background(), plan, filepath.Join(t.TempDir(), "run"), opt)
	if err != nil {
		t.Fatal(err)
	}
	verify(t, run)
	if run.Status != bundle.Complete || exitOf(run, perfRecordLog) != 0 || len(run.Phases) == 0 {
		t.Errorf("%s %s: commands %+v, phases %+v", run.Status, run.Why, run.Commands, run.Phases)
	}
	steps := strings.Join(said.lines, "\n")
	if strings.Count(steps, "completing perf.data") != 1 {
		t.Error(steps)
	}
	needSlabs(t, run)
	asked, phase := strings.Index(steps, "asking for slab caches"), strings.Index(steps, "\nphase ")
	if asked < 0 || phase < asked {
		t.Error(steps)
	}
}

// needSlabs skips where the kernel does not tell slab caches.
func needSlabs(t *testing.T, run *bundle.Run) {
	t.Helper()
	for _, g := range run.Gaps {
		if strings.HasPrefix(g.What, "slab caches") {
			t.Skip(g)
		}
	}
}

// What was measured is kept when the run is interrupted while slab caches are asked for.
func TestRecordLinesInterrupted(t *testing.T) {
	needLive(t)
	plan := livePlan(t, time.Second)
	plan.Lines, plan.Probes = true, nil
	opt := asIBS(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	opt.Progress = func(p Progress) {
		if p.Step == "asking for slab caches" {
			cancel()
		}
	}
	run, err := Run(ctx, plan, filepath.Join(t.TempDir(), "run"), opt)
	if err == nil {
		needSlabs(t, run)
	}
	if !errors.Is(err, context.Canceled) || run == nil {
		t.Fatalf("%v, %+v", err, run)
	}
	verify(t, run)
	if run.Status != bundle.Partial || run.Why != "interrupted while slab caches were asked for" ||
		exitOf(run, perfRecordLog) != 0 || !run.Has(bundle.PerfDataFile) {
		t.Errorf("%s, %q, %+v", run.Status, run.Why, run.Commands)
	}
}
