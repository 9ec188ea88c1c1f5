package perf

import (
	"errors"
	"strings"
	"testing"
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
