package record

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/perf"
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
