package record

import (
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
