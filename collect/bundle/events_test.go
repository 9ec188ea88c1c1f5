package bundle

import "testing"

func TestSamplesTime(t *testing.T) {
	for event, want := range map[string]bool{
		"cycles": true, "cycles:ppp": true, "cpu-cycles:k": true, "cpu_core/cycles:Pu/": true,
		"cpu_atom/cycles/k":            true,
		"cpu_core/cpu-cycles,freq=99/": true, "armv8_cortex_a72/cpu_cycles/": true, "ref-cycles:u": true,
		"cpu-clock:uhH": true, "task-clock": true, "cpu_clk_unhalted.thread:p": true, "ibs_op//": true,
		"ibs_op/l3missonly=1/": true, "sim-cycles": true,
		"ibs_op/cnt_ctl=1/": false, "ibs_fetch//": false, "instructions:k": false,
		"L1-dcache-load-misses": false,
		"page-faults":           false, "skb:kfree_skb": false, "lock:contention_begin": false,
		"sched:sched_switch":      false,
		"stalled-cycles-frontend": false, "cpu_core/cache-misses/": false, "branch-misses": false,
		UnnamedEvent:       false,
		"context-switches": false, "mem_load_retired.l3_miss": false, "cycle_activity.stalls_total": false,
		"": false,
	} {
		if got := SamplesTime(event); got != want {
			t.Errorf("%q: samples are of time: %v, want %v", event, got, want)
		}
	}
}

func TestLeavesKernelOut(t *testing.T) {
	for event, want := range map[string]bool{
		"cycles:u": true, "cpu-clock:uH": true, "cpu_core/cycles:Pu/": true, "cpu_atom/cycles/u": true,
		"cycles": false, "cycles:k": false, "cpu-clock:ukhHG": false, "cpu_core/cycles/": false,
		"cycles:ppp": false, "skb:consume_skb": false, UnnamedEvent: false, "": false,
	} {
		if got := LeavesKernelOut(event); got != want {
			t.Errorf("%q leaves the kernel out: %v, want %v", event, got, want)
		}
	}
}
