package perf

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMemoryOf(t *testing.T) {
	for _, test := range []struct {
		name      string
		cpu       CPU
		want      string // an event, or a part of why there is none
		transfers string
	}{
		{"Zen 5, 7.3", CPU{"AuthenticAMD", 0x1a, 2, []string{"cpu", "ibs_op", "ibs_op/format/swfilt"}},
			"ibs_op/cnt_ctl=1,swfilt=1,period=262144/k", "ls_dmnd_fills_from_sys.near_cache:k"},
		{"Zen 4, 6.12", CPU{"AuthenticAMD", 0x19, 0x11, []string{"cpu", "ibs_op"}},
			"ibs_op/cnt_ctl=1,period=262144/",
			"ls_dmnd_fills_from_sys.near_cache:k"},
		{"Zen 3", CPU{"AuthenticAMD", 0x19, 1, []string{"cpu", "ibs_op"}}, "ibs_op/cnt_ctl=1,period=262144/",
			"ls_dmnd_fills_from_sys.ext_cache_local:k"},
		{"Zen 2", CPU{"AuthenticAMD", 0x17, 0x31, []string{"cpu"}}, "no ibs_op",
			"ls_refills_from_sys.ls_mabresp_rmt_cache:k"},
		{"Zen 1", CPU{"AuthenticAMD", 0x17, 1, []string{"cpu"}}, "no ibs_op", ""},
		{"guest without a PMU",
			CPU{"AuthenticAMD", 0x19, 0x11, []string{"software", "msr"}}, "hidden by a hypervisor", ""},
		{"Skylake", CPU{"GenuineIntel", 6, 0x55, []string{"cpu", "cpu/events/mem-loads"}},
			"cpu/mem-loads,ldlat=30/Pk",
			"mem_load_l3_hit_retired.xsnp_hitm:k"},
		{"Sapphire Rapids", CPU{"GenuineIntel", 6, 0x8f, []string{"cpu", "cpu/events/mem-loads",
			"cpu/events/mem-loads-aux"}}, "{cpu/mem-loads-aux/,cpu/mem-loads,ldlat=30/}:Pk",
			"mem_load_l3_hit_retired.xsnp_fwd:k"},
		{"Neoverse", CPU{"arm", 0, 0, []string{"armv8_pmuv3_0", "arm_spe_0"}},
			"arm_spe_0/ts_enable=1,pa_enable=1,load_filter=1,store_filter=1,min_latency=30/k",
			"ll_cache_miss_rd:k"},
		{"nothing known", CPU{}, "no event source samples addresses", ""},
	} {
		m, err := MemoryOf(test.cpu)
		got := strings.Join(m.Events, " ")
		if err != nil {
			got = err.Error()
			if !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s: %v is not typed", test.name, err)
			}
		}
		if !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		if transfers := Transfers(test.cpu); strings.Join(transfers, " ") != "" != (test.transfers != "") ||
			len(transfers) > 0 && transfers[0] != test.transfers {
			t.Errorf("%s: transfers %q, want %q", test.name, transfers, test.transfers)
		}
	}
}

// What perf script prints of a recording: the words of the kernel's memory, those with
// the most samples first; objects of a slab that share a line are told apart.
func TestKernelWords(t *testing.T) {
	script := filepath.Join(t.TempDir(), "perf")
	const text = "#!/bin/sh\n" +
		"[ \"$3\" != endless ] || exec sleep 600\n" +
		"[ \"$3\" != old ] || { echo perf 1; exit; }\n" +
		"[ \"$*\" = \"script -i a.data --itrace=M -F addr\" ] || { echo no such file >&2; exit 1; }\n" +
		"printf '%s\\n' ' ffff888100000140' 0 '   7f0012345678' ffff888100000047 ffff888100000144 " +
		"ffff888100000158 ' ffffffff82000000 ' '' 'not an address'\n"
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	tool := &Tool{Path: script}
	words, left, err := tool.KernelWords(context.Background(), "a.data", 2)
	if err != nil || left != 2 || !slices.Equal(words, []uint64{0xffff888100000140, 0xffff888100000040}) {
		t.Errorf("%#x, %d more, %v", words, left, err)
	}
	if _, left, err := tool.KernelWords(context.Background(), "a.data", 4); left != 0 || err != nil {
		t.Errorf("all of them: %d more, %v", left, err)
	}
	if _, _, err := tool.KernelWords(context.Background(), "b.data", 2); err == nil ||
		!strings.Contains(err.Error(), "no such file") {
		t.Errorf("perf fails: %v", err)
	}
	if _, _, err := tool.KernelWords(context.Background(), "old", 2); err == nil ||
		err.Error() != `perf script -F addr prints "perf 1", which is no address` {
		t.Errorf("perf prints something else: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, _, err := tool.KernelWords(ctx, "endless", 2); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("perf is stopped: %v", err)
	}
}
