package importer

import (
	"errors"
	"strings"
	"testing"
)

// What is often at hand and holds no result is refused, and the refusal names
// the export to use.
func TestRefused(t *testing.T) {
	const stacks, locks = "`perf record -a -g`", "`perf lock contention -x,`"
	for name, tt := range map[string]struct{ text, use string }{
		"digest":          {"xfrmscope report: one run\n", "results.json"},
		"ELF":             {"\x7fELF\x02\x01\x01", stacks},
		"first perf.data": {"PERFFILE\x68\x00", "of that age"},
		"perf top": {"Samples: 7K of event 'cpu-clock', 4000 Hz, Event count (approx.): 99 lost: 0/0 " +
			"drop: 0/0\nOverhead  Symbol\n", stacks},
		"perf report": {"# Total Lost Samples: 0\n# Overhead  Command  Shared Object  Symbol\n    " +
			"12.00%  iperf3   [kernel]  [k] memcpy\n", "`perf script`"},
		"perf c2c report": {"=====\n            Trace Event Information\n=====\n  Total records      : 14\n" +
			"  Load Local HITM    : 0\n", memoryExport},
		"perf mem report": {"# Overhead       Samples  Local Weight  Memory access  Symbol  Shared Object\n" +
			"     6.09%  72  100  L3 or L3 hit  [k] f  [kernel]\n", memoryExport},
		"perf mem report -D": {"No kallsyms\n# PID, TID, IP, ADDR, LOCAL WEIGHT, DSRC, SYMBOL\n" +
			" 1 1 0xffffffff81000004 0x016ffffffff82000000   100 0x601800842 ???:???\n", memoryExport},
		"perf report -g": {"# Event count (approx.): 9\n#\n# Children      Self  Command  Symbol\n" +
			"    22.73%     0.00%  iperf3  [k] memcpy\n", "`perf script`"},
		"perf stat": {"\n Performance counter stats for 'system wide':\n\n   1,000      cycles\n",
			stacks},
		"perf trace": {"     1.234 ( 0.004 ms): ping/77 read(fd: 3) = 12\n     2.000 (         ): " +
			"ping/77 poll() ...\n", stacks},
		"ftrace": {"# tracer: function\n#\n          ping-77    [001] ..s. 12.345678: xfrm_output " +
			"<-dst_output\n", stacks},
		"perf lock": {" contended   total wait     max wait     avg wait         type   caller\n\n    " +
			"     9    1.00 us    0.50 us   0.11 us   spinlock   f+0x1\n", locks},
		"perf lock, grepped":           {"     9    1.00 us    0.50 us   0.11 us   rwsem:R   f+0x1\n", locks},
		"perf lock, columns not known": {"201, 1234567, 9876, spinlock, f+0x1f2\n", locks + " without -q"},
		"prose without blanks":         {"see note;it took 5\n", ""},
		"table with semicolons":        {"name;mtu;queues 4\neth0;1500;up 1\neth1;1500;up 1\n", ""},
		"lock_stat":                    {"lock_stat version 0.4\n", locks},
		"klockstat": {"Tracing mutex lock events...\n                    Caller   Avg Wait    Count   " +
			"Max Wait   Total Wait\n  f+0x1  1 us 2 3 us 4 us\n", locks},
		"ip -s xfrm state": {"src 192.0.2.7 dst 192.0.2.8\n\tproto esp spi 0x00000007(7) reqid 1 mode tunnel\n",
			"`xfrmscope record`"},
		"ethtool -S":       {"NIC statistics:\n     rx_packets: 7\n", "`xfrmscope record`"},
		"ethtool, grepped": {"     rx_packets: 7\n     tx_queue_0_bytes: 8\n", "`xfrmscope record`"},
		"bpftrace map":     {"Attaching 1 probe...\n@n[1]: 7\n@n[2]: 8\n", stacks},
		"bpftrace stacks":  {"@[\n    f+1\n    g+2\n]: 7\n", "`stackcollapse-bpftrace.pl`"},
		"iperf3 text": {"Connecting to host 192.0.2.7, port 5201\n[ ID] Interval           Transfer     " +
			"Bitrate\n", "`iperf3 -J`"},
		"TRex ports": {
			`{"0": {"opackets": 7, "ipackets": 6}, "total": {"opackets": 7}, "global": {"tx_pps": 1.5}}`,
			"tx_opackets"},
		"neper":                 {"num_flows=16\nnum_threads=4\nthroughput=9000.5\n", "Flows,Run 1"},
		"prose":                 {"All of it: use 7 of these ways:\n\n    one\n", ""},
		"a header":              {"#pragma once\nint f(int a); // 3\nint g(void);\nstruct s { int a; };\n", ""},
		"prose with semicolons": {"first this; then 7\nand so on; until 9\n", ""},
		"perf stat, cut":        {"     1,000      cycles:k\n\n  2.0 seconds time elapsed\n", stacks},
		"perf script of stacks": {"\n\tffffffff81000004 f\n\t              1a g\n\n", "-F comm,"},
		"perf script, tasks":    {"java \n\tffffffff81000004 f\n\njava \n\tffffffff81000008 g\n", "-F comm,"},
		"perf script, no event": {" java 7 [001] 7.123456: ffffffff81000004 f\n", "-F comm,"},
		"a list":                {"apples 3\npears 4\n", ""},
		"markdown": {"# Notes\n\nRun it so:\n\n    x 1/2 [000] 1.000000: 7 cycles:\n\nand then look " +
			"at\nthe lines below, all\nof them\n", ""},
	} {
		_, err := Read(strings.NewReader(tt.text), Options{Name: "in.txt"})
		var format *FormatError
		switch {
		case !errors.As(err, &format):
			t.Errorf("%s: %v, want a FormatError", name, err)
		case tt.use == "" && format.Use != "" || !strings.Contains(format.Use, tt.use):
			t.Errorf("%s: %v, want %q as the way out", name, err, tt.use)
		}
	}
}

// What perf script printed with fewer fields says which of them are missing.
func TestLacking(t *testing.T) {
	const frame = "\t              1a f+0x1\n"
	for text, want := range map[string]string{
		"\n" + frame + frame: "the task, the CPU, the time and the event of a sample",
		"java [001] \n" + frame + "\njava [000] \n" + frame: "the thread, the time and the event of a sample",
		"java 7 [001]      7f5b6ae686d3 f\n":                "the event of a sample",
		"java 7/7 7.123456:   1000 7f5b6ae686d3 f\n":        "the event of a sample",
		"x\ny\n" + frame:           "",
		"Use it:\n\n\tmake test\n": "",
		"apples 3\n":               "",
	} {
		if got := lacking([]byte(text)); got != want {
			t.Errorf("%q lacks %q, want %q", text, got, want)
		}
	}
}
