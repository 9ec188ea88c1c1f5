package importer

import (
	"fmt"
	"strings"
	"testing"

	"xfrmscope/analyze/profile"
)

// dump prints a profile for comparison: events, cells and stacks, leaf first.
func dump(p *profile.Profile) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s in %s", p.Event.Name, p.Event.Unit)
	if p.Event.PeriodFixed > 0 {
		fmt.Fprintf(&out, " each %d", p.Event.PeriodFixed)
	}
	if p.Event.FrequencyHz > 0 {
		fmt.Fprintf(&out, " at %d Hz", p.Event.FrequencyHz)
	}
	fmt.Fprintln(&out)
	for _, c := range p.Cells {
		comm := "?"
		if c.Comm >= 0 {
			comm = p.Comms[c.Comm]
		}
		fmt.Fprintf(&out, " cpu %d %s %d/%d: %d = %d (%g)", c.CPU, comm, c.PID, c.TID, c.Count, c.Period,
			c.PeriodSq)
		for _, l := range p.Stacks[c.Stack] {
			fmt.Fprintf(&out, " < %s", dumpFrame(p, l))
		}
		fmt.Fprintln(&out)
	}
	for _, l := range p.Losses {
		fmt.Fprintf(&out, " loss: %d of %d %s\n", l.Count, l.Of, l.What)
	}
	for _, w := range p.Warnings {
		fmt.Fprintf(&out, " warning: %s: %s\n", w.Weakens, w.Text)
	}
	return out.String()
}

func dumpFrame(p *profile.Profile, l int32) string {
	loc := p.Locations[l]
	s := p.FunctionName(l)
	if loc.Mapping >= 0 {
		m := p.Mappings[loc.Mapping]
		s += " in " + m.File
		if m.Kernel {
			s += " (kernel)"
		}
	}
	if loc.Address != 0 {
		s = fmt.Sprintf("%x ", loc.Address) + s
	}
	return s
}

func dumpAll(im *Import) string {
	var out strings.Builder
	for _, p := range im.Profiles {
		out.WriteString(dump(p))
	}
	return out.String()
}

func TestScript(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"events are kept apart", `
ksoftirqd/5    46 [005] 10.000001:    4000000 cycles:k: 
	ffffffff81000010 xfrm_state_find+0x10 ([kernel.kallsyms])
	ffffffff81000020 ip_forward+0x20 ([kernel.kallsyms])

ksoftirqd/5    46 [005] 10.000002:        100 L1-dcache-load-misses:k: 
	ffffffff81000010 xfrm_state_find+0x10 ([kernel.kallsyms])
	ffffffff81000020 ip_forward+0x20 ([kernel.kallsyms])

ksoftirqd/5    46 [005] 10.000003:    2000000 cycles:k: 
	ffffffff81000010 xfrm_state_find+0x10 ([kernel.kallsyms])
	ffffffff81000020 ip_forward+0x20 ([kernel.kallsyms])

`, `cycles:k in cycles
 cpu 5 ksoftirqd/5 -1/46: 2 = 6000000 (2e+13) < ffffffff81000010 xfrm_state_find in [kernel.kallsyms] (kernel) < ffffffff81000020 ip_forward in [kernel.kallsyms] (kernel)
L1-dcache-load-misses:k in count each 100
 cpu 5 ksoftirqd/5 -1/46: 1 = 100 (10000) < ffffffff81000010 xfrm_state_find in [kernel.kallsyms] (kernel) < ffffffff81000020 ip_forward in [kernel.kallsyms] (kernel)
`},
		{"cells are sorted", `a 2/3 [001] 1.000000: 5 cpu-clock: 
	1 f (/x)

a 2/3 [000] 1.000000: 5 cpu-clock: 
	1 f (/x)
`, `cpu-clock in nanoseconds each 5
 cpu 0 a 2/3: 1 = 5 (25) < 1 f in /x
 cpu 1 a 2/3: 1 = 5 (25) < 1 f in /x
`},
		{"inlined functions are where their caller is", `a 2 [001] 1.000000: 5 cycles: 
	ffffffff81000010 refcount_inc (inlined)
	ffffffff81000010 xfrm_pol_hold (inlined)
	ffffffff81000010 xfrm_lookup+0x10 ([kernel.kallsyms])
	1234 g (inlined)
`, `cycles in cycles each 5
 cpu 1 a -1/2: 1 = 5 (25) < ffffffff81000010 refcount_inc in [kernel.kallsyms] (kernel) < ffffffff81000010 xfrm_pol_hold in [kernel.kallsyms] (kernel) < ffffffff81000010 xfrm_lookup in [kernel.kallsyms] (kernel) < 1234 g in [unknown]
`},
		{"one line a sample",
			`           false 39654 19115.489713:          1 cycles:u:  ffffffff9b201293 [unknown] ([unknown])
           false 39654 19115.489719:          1 cycles:u:      7fa68b1f2d84 _dl_start+0x4 (/usr/lib/ld-2.31.so)
`, `cycles:u in cycles each 1
 cpu -1 false -1/39654: 1 = 1 (1) < ffffffff9b201293 [unknown] in [unknown] (kernel)
 cpu -1 false -1/39654: 1 = 1 (1) < 7fa68b1f2d84 _dl_start in /usr/lib/ld-2.31.so
`},
		{"perf mem: what was accessed is no function",
			`x 3 [000] 1.000000: 7 cpu/mem-loads/P:  ffff888012345678 68100242 |OP LOAD|LVL L1 hit|SNP None|TLB L1 hit|LCK No|BLK  N/A 31 0 
	ffffffff81000010 f+0x10 ([kernel.kallsyms])

x 3 [000] 1.000001: 7 cpu/mem-loads/P:  ffff888012345678 68100242 |OP LOAD|LVL L1 hit|SNP None|TLB L1 hit|LCK No|BLK  N/A 31 0 ffffffff81000020 g+0x20 ([kernel.kallsyms])
x 3 [000] 1.000002: 7 cpu/mem-loads/P: 0 ffffffff81000020 g+0x20 ([kernel.kallsyms])
`, `cpu/mem-loads/P in count each 7
 cpu 0 x -1/3: 1 = 7 (49) < ffffffff81000010 f in [kernel.kallsyms] (kernel)
 cpu 0 x -1/3: 2 = 14 (98) < ffffffff81000020 g in [kernel.kallsyms] (kernel)
`},
		{"branches and physical addresses behind a stack", `x 3 [000] 1.000000: 7 cycles: 
	ffffffff81000010 f+0x10 ([kernel.kallsyms])
 0xffffffff81000010/0xffffffff81000020/M/-/-/12  0xffffffff81000030/0xffffffff81000040/P/-/-/1 
        12345678

x 3 [000] 1.000001: 7 cycles:  ffffffff81000050 g+0x10 ([kernel.kallsyms]) 0xffffffff81000010/0xffffffff81000020/M/-/-/12
`, `cycles in cycles each 7
 cpu 0 x -1/3: 1 = 7 (49) < ffffffff81000010 f in [kernel.kallsyms] (kernel)
 cpu 0 x -1/3: 1 = 7 (49) < ffffffff81000050 g in [kernel.kallsyms] (kernel)
 warning: cycles: branch stacks of 2 samples are in the text, and are not used
`},
		{"tracepoint with fields and a stack",
			`x 3 [000] 1.000000: lock:contention_begin: 0xffff8881 (flags=SPIN)
	ffffffff81000010 f+0x10 ([kernel.kallsyms])

`, `lock:contention_begin in samples
 cpu 0 x -1/3: 1 = 1 (1) < ffffffff81000010 f in [kernel.kallsyms] (kernel)
 warning: lock:contention_begin: the text prints no periods: every sample weighs the same; print them with ` + "`perf script -F +period`" + `
`},
		{"samples without a stack", "x 3 [000] 1.000000: 7 cycles: \n\nx 3 [000] 1.000001: 7 cycles: \n\n",
			`cycles in cycles each 7
 cpu 0 x -1/3: 2 = 14 (98) < [unknown] in [unknown]
 warning: cycles: 2 of 2 samples have no stack; they count as [unknown]
`},
		{"no blank line between", "x 3 [000] 1.000000: 7 cycles: \n\t1 f (/x)\ny 3 [000] 1.000001: 7 cycles: " +
			"\n\t1 f (/x)\n", `cycles in cycles each 7
 cpu 0 x -1/3: 1 = 7 (49) < 1 f in /x
 cpu 0 y -1/3: 1 = 7 (49) < 1 f in /x
`},
		{"losses are counted", `x 3 [000] 1.000000: 7 cycles: 
	1 f (/x)

x 3 [000] 1.000001: PERF_RECORD_LOST lost 17
x 3 [000] 1.000002: PERF_RECORD_LOST lost 3
x 3 [000] 1.000003: PERF_RECORD_LOST_SAMPLES lost 5
x 3 [000] 1.000004: PERF_RECORD_THROTTLE
x 3 [000] 1.000005: PERF_RECORD_COMM: perf:9/9
Warning:
Processed 1234 events and lost 4 chunks!

Check IO/CPU overload!
`, `cycles in cycles each 7
 cpu 0 x -1/3: 1 = 7 (49) < 1 f in /x
 loss: 20 of 0 records dropped in the ring buffer (PERF_RECORD_LOST)
 loss: 5 of 0 samples dropped (PERF_RECORD_LOST_SAMPLES)
 loss: 4 of 0 chunks of records lost
 loss: 1 of 0 times an event was stopped for sampling too often (PERF_RECORD_THROTTLE)
`},
		{"odd lines are counted", `x 3 [000] 1.000000: 7 cycles: 
	1 f (/x)
	          THIS_IS_A_WEIRD_LINE

nothing known
`, `cycles in cycles each 7
 cpu 0 x -1/3: 1 = 7 (49) < 1 f in /x
 loss: 2 of 5 lines of the perf script text not understood, the first at t:3
`},
		{"source lines", `x 3 [000] 1.000000: 7 cycles: 
	          408ebb some_method+0x8b (/full/path/a.out)
  uniform_int_dist.h:300
	    7f6d2148eb25 __libc_start_main+0xd5 (/lib64/libc-2.33.so)
  libc-2.33.so[27b25]
	ffffffff814f9302 up_write+0x32 ([kernel.kallsyms])
  [kernel.kallsyms][ffffffff814f9302]

`, `cycles in cycles each 7
 cpu 0 x -1/3: 1 = 7 (49) < 408ebb some_method in /full/path/a.out < 7f6d2148eb25 __libc_start_main in /lib64/libc-2.33.so < ffffffff814f9302 up_write in [kernel.kallsyms] (kernel)
`},
		{"cut off", "x 3 [000] 1.000000: 7 cycles: \n\t1 f (/x)\n\t2 g (/x", `cycles in cycles each 7
 cpu 0 x -1/3: 1 = 7 (49) < 1 f in /x < 2 g (/x in [unknown]
 warning: samples: the text ends in the middle of line 3: the last stack may be short, and later samples are missing
`},
		{"header comment", `# ========
# hostname : h
# event : name = cycles:P, , id = { 1, 2 }, type = 0, { sample_period, sample_freq } = 4000, sample_type = IP|TID, freq = 1, disabled = 1
# event : name = faults, , id = { 3 }, { sample_period, sample_freq } = 10, sample_type = IP|TID
# ========
#
x 3 [000] 1.000000: 7 cycles:P: 
	1 f (/x)

x 3 [000] 1.000000: faults: 
	1 f (/x)

`, `cycles:P in cycles each 7 at 4000 Hz
 cpu 0 x -1/3: 1 = 7 (49) < 1 f in /x
faults in count each 10
 cpu 0 x -1/3: 1 = 10 (100) < 1 f in /x
`},
		{"windows line ends", "x 3 [000] 1.000000: 7 cycles: \r\n\t1 f (/x)\r\n\r\n", `cycles in cycles each 7
 cpu 0 x -1/3: 1 = 7 (49) < 1 f in /x
`},
		{"no sample", "# nothing\n", ""},
		{"empty", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			im, err := readAs(scriptText, strings.NewReader(tt.text), Options{Name: "t"})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range im.Profiles {
				checkProfile(t, p)
			}
			if got := dumpAll(im); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestScriptMeta(t *testing.T) {
	im, err := readAs(scriptText, strings.NewReader(`# ========
# captured on: Thu Aug 17 14:14:43 2017
# hostname : lab-1
# os release : 6.12.0
# arch : x86_64
# cpudesc : AMD EPYC 9135 16-Core Processor
# cmdline : /usr/bin/perf record -C 5 -g
# ========
#
x 3 [000] 1.000000: 7 cycles: 
	1 f (/x)

x 3 [000] 3.500000: 7 cycles: 
	1 f (/x)

`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if h := im.Host; h.Name != "lab-1" || h.Kernel != "6.12.0" || h.Arch != "x86_64" ||
		h.CPUModel != "AMD EPYC 9135 16-Core Processor" {
		t.Errorf("host is %+v", h)
	}
	if got := strings.Join(im.Command, "|"); got != "/usr/bin/perf|record|-C|5|-g" {
		t.Errorf("command is %s", got)
	}
	if im.Window.StartNS != 1e9 || im.Window.EndNS != 3.5e9 {
		t.Errorf("window is %+v", im.Window)
	}
}

func TestScriptRefuses(t *testing.T) {
	_, err := readAs(scriptText, strings.NewReader("# c\nall of this\nis prose\n"), Options{Name: "notes.txt"})
	if err == nil || !strings.HasPrefix(err.Error(), "notes.txt:2: ") {
		t.Errorf("error is %v, want one at notes.txt:2", err)
	}
	_, err = readAs(scriptText,
		strings.NewReader("x 3 [000] 1.000000: 7 cycles: \n\t"+strings.Repeat("a", maxLine+10)),
		Options{Name: "long"})
	if err == nil || !strings.HasPrefix(err.Error(), "long:2: ") {
		t.Errorf("error is %v, want one at long:2", err)
	}
}
