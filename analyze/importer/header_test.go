package importer

import (
	"fmt"
	"testing"
)

func (h header) String() string {
	s := fmt.Sprintf("comm=%s pid=%d tid=%d cpu=%d", h.comm, h.pid, h.tid, h.cpu)
	if h.timed {
		s += fmt.Sprintf(" time=%d", h.timeNS)
	}
	if h.counted {
		s += fmt.Sprintf(" period=%d", h.period)
	}
	if h.record != nil {
		return s + fmt.Sprintf(" record=%s", h.record)
	}
	s += fmt.Sprintf(" event=%s", h.event)
	if len(h.rest) > 0 {
		s += fmt.Sprintf(" rest=%s", h.rest)
	}
	return s
}

func TestParseHeader(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"swapper     0 [001] 202513.231817:    1001001 cpu-clock: ",
			"comm=swapper pid=-1 tid=0 cpu=1 time=202513231817000 period=1001001 event=cpu-clock"},
		{"iperf 27409/28744 [000] 441995.133575: cpu-clock: ",
			"comm=iperf pid=27409 tid=28744 cpu=0 time=441995133575000 event=cpu-clock"},
		{"noploop 21796 [001] 1410597.984841: instructions: ",
			"comm=noploop pid=-1 tid=21796 cpu=1 time=1410597984841000 event=instructions"},
		{"V8 WorkerThread 24636/25607 [000] 94564.109216: 100 cycles:ppp: ",
			"comm=V8 WorkerThread pid=24636 tid=25607 cpu=0 time=94564109216000 period=100 " +
				"event=cycles:ppp"},
		{"pool 1 25 [003] 12.000001:          7 cycles:k:",
			"comm=pool 1 pid=-1 tid=25 cpu=3 time=12000001000 period=7 event=cycles:k"},
		{"kworker/5:2-mm_percpu_wq   123 [005]    11.123456789:    4000000 cycles:pp: ",
			"comm=kworker/5:2-mm_percpu_wq pid=-1 tid=123 cpu=5 time=11123456789 period=4000000 " +
				"event=cycles:pp"},
		{"perf 9/9 [012] K    5.000000: 1 cycles:P: ",
			"comm=perf pid=9 tid=9 cpu=12 time=5000000000 period=1 event=cycles:P"},
		{"a [b] 7 [000] 1.000000: 1 cpu_core/cycles/k: ",
			"comm=a [b] pid=-1 tid=7 cpu=0 time=1000000000 period=1 event=cpu_core/cycles/k"},
		{"x -1 [000] 1.000000: 1 cycles: ", "comm=x pid=-1 tid=-1 cpu=0 time=1000000000 period=1 event=cycles"},
		{":4242  4242 [000] 1.000000: 1 cycles: ",
			"comm=:4242 pid=-1 tid=4242 cpu=0 time=1000000000 period=1 event=cycles"},
		{"x 3 [000] 1.000000: lock:contention_begin: 0xffff8881 (flags=SPIN)", "comm=x pid=-1 tid=3 cpu=0 " +
			"time=1000000000 event=lock:contention_begin rest=0xffff8881 (flags=SPIN)"},
		{"x 3 [000] 1.000000: 1 my event: ",
			"comm=x pid=-1 tid=3 cpu=0 time=1000000000 period=1 event=my event"},
		{"           false 39654 19115.489719:          1 cycles:      7fa68b1f2d84 _dl_start+0x4 " +
			"(/usr/lib/ld-2.31.so)",
			"comm=false pid=-1 tid=39654 cpu=-1 time=19115489719000 period=1 event=cycles " +
				"rest=7fa68b1f2d84 _dl_start+0x4 (/usr/lib/ld-2.31.so)"},
		{"x 3 [000] 1.000000: 1", "comm=x pid=-1 tid=3 cpu=0 time=1000000000 period=1 event="},
		{"x 3 [000] 1.000000: ", "comm=x pid=-1 tid=3 cpu=0 time=1000000000 event="},
		{"no ids 1.000000: 1 cycles: ",
			"comm=no ids pid=-1 tid=-1 cpu=-1 time=1000000000 period=1 event=cycles"},
		{"x [004] 1.000000: 1 cycles: ", "comm=x pid=-1 tid=-1 cpu=4 time=1000000000 period=1 event=cycles"},
		{"x 3 [000] 1.000000: PERF_RECORD_LOST lost 17",
			"comm=x pid=-1 tid=3 cpu=0 time=1000000000 record=PERF_RECORD_LOST lost 17"},
		// without a time
		{"java 25607 cycles: ", "comm=java pid=-1 tid=25607 cpu=-1 event=cycles"},
		{"my java 25607/25608 [002]  235 cpu-clock:u: ",
			"comm=my java pid=25607 tid=25608 cpu=2 period=235 event=cpu-clock:u"},
		{"pool 9 25 [000] cycles: ", "comm=pool 9 pid=-1 tid=25 cpu=0 event=cycles"},
	} {
		var h header
		if !parseHeader([]byte(tt.line), &h) {
			t.Errorf("parseHeader(%q) refuses", tt.line)
		} else if got := h.String(); got != tt.want {
			t.Errorf("parseHeader(%q)\n got %s\nwant %s", tt.line, got, tt.want)
		}
	}
}

func TestParseHeaderRefuses(t *testing.T) {
	for _, line := range []string{
		"",
		"swapper",
		"x 3 [000] 1.000000: 99999999999999999999999 cycles",
		"x 3 [99999999999] 1.000000: 1 cycles: ",
		"x 3 [000] 99999999999999999.000000: 1 cycles: ",
		"Processed 1234 events and lost 4 chunks!",
		"Check IO/CPU overload!",
		"main;a;b 12:",
		"\tffffffff81000000 f ([kernel.kallsyms])",
	} {
		var h header
		if parseHeader([]byte(line), &h) {
			t.Errorf("parseHeader(%q) = %s, want none", line, h)
		}
	}
}

func TestParseFrame(t *testing.T) {
	for _, tt := range []struct {
		line, want string
	}{
		{"\tffffffffad135f6f xfrm_state_find+0x1f2 ([kernel.kallsyms])",
			"ffffffffad135f6f xfrm_state_find [kernel.kallsyms]"},
		{"\t         5a5b esp_output_head+0xa ([esp4])", "5a5b esp_output_head [esp4]"},
		{"\t 6ce258d4c544155 [unknown] ([unknown])", "6ce258d4c544155  [unknown]"},
		{"\t            1ad1 main (/tmp/x (deleted))", "1ad1 main /tmp/x (deleted)"},
		{"\t            1ad1 foo(int, char const*)+0x1 (/opt/a dir/lib.so)",
			"1ad1 foo(int, char const*) /opt/a dir/lib.so"},
		{"\t            1ad1 operator()+0x1 (/opt/b(1).so)", "1ad1 operator() /opt/b(1).so"},
		{"\t            1ad1 (anonymous namespace)::f()+0x1 (inlined)",
			"1ad1 (anonymous namespace)::f() inlined!"},
		{"\t            1ad1 Lcom/a;::b+0x12 (/tmp/perf-42.map)", "1ad1 Lcom/a;::b /tmp/perf-42.map"},
		{"\tffffffffad135f6f", "ffffffffad135f6f  "},
		{"\tffffffffad135f6f f+0x1", "ffffffffad135f6f f "},
		{"\t  main ([kernel.kallsyms])", "0 main [kernel.kallsyms]"},
		{"\t            1ad1 f (/lib/x.so+0x2f10)", "1ad1 f /lib/x.so"},
		{"\t            1ad1 a+0xb+0xc (/lib/x.so)", "1ad1 a+0xb /lib/x.so"},
		{"\t            1ad1 +0xc (/lib/x.so)", "1ad1 +0xc /lib/x.so"},
	} {
		f, ok := parseFrame([]byte(tt.line))
		if !ok {
			t.Errorf("parseFrame(%q) refuses", tt.line)
			continue
		}
		got := fmt.Sprintf("%x %s %s", f.address, f.symbol, f.file)
		if f.inlined {
			got += "inlined!"
		}
		if got != tt.want {
			t.Errorf("parseFrame(%q) = %q, want %q", tt.line, got, tt.want)
		}
	}
	for _, line := range []string{"", "\t", "\t          THIS_IS_A_WEIRD_LINE", "\t1ad1x", "\t)"} {
		if f, ok := parseFrame([]byte(line)); ok {
			t.Errorf("parseFrame(%q) = %+v, want none", line, f)
		}
	}
}

func TestKernelFile(t *testing.T) {
	for file, want := range map[string]bool{
		"[kernel.kallsyms]": true, "[guest.kernel.kallsyms]": true, "[esp4]": true,
		"/usr/lib/debug/boot/vmlinux-6.12.0":           true,
		"/lib/modules/6.12/kernel/net/ipv4/esp4.ko.xz": true, "/x/build/vmlinux": true,
		"bpf_prog_6deef7357e7b4530": true,
		"[unknown]":                 false, "[vdso]": false, "[vsyscall]": false, "[heap]": false,
		"[stack:12]":         false,
		"[anon:x]":           false,
		"/usr/bin/foo.koala": false, "//anon": false, "/usr/lib/libc.so.6": false,
	} {
		if got := kernelFile([]byte(file)); got != want {
			t.Errorf("kernelFile(%q) = %v, want %v", file, got, want)
		}
	}
}
