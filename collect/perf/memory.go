package perf

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"xfrmscope/collect/bundle"
)

// A CPU is what decides which events tell of cache lines that move.
type CPU struct {
	Vendor        string // of /proc/cpuinfo: "AuthenticAMD"; "arm" of an Arm implementer
	Family, Model int
	// what /sys/bus/event_source/devices has, with the events and formats of those that matter:
	// "ibs_op", "ibs_op/format/swfilt", "cpu/events/mem-loads"
	Devices []string
}

func (c CPU) has(device string) bool { return slices.Contains(c.Devices, device) }

// zen is the generation of an AMD CPU, 0 if it is none that is known (families 17h,
// 19h and 1Ah).
func (c CPU) zen() int {
	m := c.Model
	switch {
	case c.Vendor != "AuthenticAMD":
		return 0
	case c.Family == 0x17 && m < 0x30:
		return 1
	case c.Family == 0x17:
		return 2
	case c.Family == 0x19 && (m <= 0x0f || m >= 0x20 && m <= 0x5f):
		return 3
	case c.Family == 0x19:
		return 4
	case c.Family == 0x1a:
		return 5
	}
	return 0
}

// Transfers are the events that count lines from other caches: pmu-events of Linux
// 6.12. There are at most two, so that with cycles, instructions and misses they fit
// the counters of a CPU; none if no such event is known of it, or it has no PMU.
func Transfers(c CPU) []string {
	cpu := c.has("cpu") || c.has("cpu_core") || slices.ContainsFunc(c.Devices, func(d string) bool {
		return strings.HasPrefix(d, "armv8_") && !strings.Contains(d, "/")
	})
	switch zen := c.zen(); {
	case !cpu:
		return nil
	case zen == 2:
		return []string{"ls_refills_from_sys.ls_mabresp_rmt_cache:k",
			"ls_refills_from_sys.ls_mabresp_lcl_cache:k"}
	case zen == 3:
		return []string{"ls_dmnd_fills_from_sys.ext_cache_local:k", "ls_dmnd_fills_from_sys.ext_cache_remote:k"}
	case zen >= 4:
		return []string{"ls_dmnd_fills_from_sys.near_cache:k", "ls_dmnd_fills_from_sys.far_cache:k"}
	case c.Vendor == "GenuineIntel" && c.has("cpu/events/mem-loads"):
		if c.Model >= icelake {
			return []string{"mem_load_l3_hit_retired.xsnp_fwd:k", "mem_load_retired.l3_miss:k"}
		}
		return []string{"mem_load_l3_hit_retired.xsnp_hitm:k", "mem_load_retired.l3_miss:k"}
	case c.Vendor == "arm":
		return []string{"ll_cache_miss_rd:k", "remote_access:k"}
	}
	return nil
}

// icelake is the first model of family 6 whose event is called xsnp_fwd.
const icelake = 0x6a

// Stalls are counted, not sampled: they would take counters from the samples.
func Stalls() []string { return []string{"dTLB-load-misses:k", "stalled-cycles-backend:k"} }

// A Memory is the events that sample accesses to memory with their addresses, and what
// the CPU cannot tell by them.
type Memory struct {
	Events []string
	Blind  string
	// FrequencyHz is what perf samples all other events at beside these, 0 for what it is told.
	FrequencyHz int
}

// spePMU is Arm's Statistical Profiling Extension. Beside it perf from 6.15 on refuses -F, and samples other events as
// often as it does without.
const (
	spePMU    = "arm_spe_0"
	defaultHz = 4000
)

// opsPeriod is how many ops lie between two samples of IBS, which ignores the lowest
// four bits; a frequency would begin at the smallest period there is.
const opsPeriod = 262144

// MemoryOf chooses the events. An error is an errors.ErrUnsupported that says what is
// missing.
func MemoryOf(c CPU) (Memory, error) {
	switch zen := c.zen(); {
	case c.has("ibs_op"):
		m := Memory{Events: []string{fmt.Sprintf("ibs_op/cnt_ctl=1,period=%d/", opsPeriod)},
			Blind: "stores have no source; a line shared once already counts as clean"}
		if c.has("ibs_op/format/swfilt") { // 6.13: without it all modes are sampled
			m.Events = []string{fmt.Sprintf("ibs_op/cnt_ctl=1,swfilt=1,period=%d/k", opsPeriod)}
		}
		if zen == 3 {
			m.Blind = "Zen 3 does not tell modified lines: writers are seen, transfers are only counted"
		}
		return m, nil
	case zen > 0:
		return Memory{}, unsupported("the kernel shows no ibs_op under /sys/bus/event_source/devices: IBS is " +
			"off in the firmware, or hidden by a hypervisor")
	case c.has(spePMU):
		return Memory{Events: []string{spePMU + "/ts_enable=1,pa_enable=1,load_filter=1,store_filter=1," +
			"min_latency=30/k"}, FrequencyHz: defaultHz,
			Blind: "accesses of 30 cycles and more; stores do not tell where the line was, loads not " +
				"whether it was modified"}, nil
	}
	for _, pmu := range []string{"cpu_core", "cpu"} {
		if !c.has(pmu + "/events/mem-loads") {
			continue
		}
		loads := pmu + "/mem-loads,ldlat=30/Pk"
		if c.has(pmu + "/events/mem-loads-aux") {
			loads = "{" + pmu + "/mem-loads-aux/," + pmu + "/mem-loads,ldlat=30/}:Pk"
		}
		return Memory{Events: []string{loads, pmu + "/mem-stores/Pk"},
			Blind: "loads of 30 cycles and more; stores do not tell where the line was"}, nil
	}
	return Memory{}, unsupported("no event source samples addresses: neither ibs_op (AMD) nor mem-loads (Intel) " +
		"nor arm_spe_0 (Arm) under /sys/bus/event_source/devices")
}

// wordBytes is what every object of a slab begins at a multiple of: a cache line may hold several.
const wordBytes = 8

// KernelWords returns the words of the kernel's memory whose addresses are in a recording,
// those with the most samples first and no more than most, and how many more there are.
func (t *Tool) KernelWords(ctx context.Context, file string, most int) (words []uint64, left int, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, ackTimeout, fmt.Errorf("it did not end within %s", ackTimeout))
	defer cancel()
	command := exec.CommandContext(ctx, t.Path, "script", "-i", file, "--itrace=M", "-F", "addr") // M: of SPE too
	command.Env, command.WaitDelay = append(os.Environ(), environment()...), time.Second
	var said strings.Builder
	command.Stderr = &said
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		return nil, 0, fmt.Errorf("starting perf script: %w", err)
	}
	samples := map[uint64]int{}
	known, other := false, "" // whether it prints addresses, and what else
	text := bufio.NewScanner(out)
	for text.Scan() {
		addr, err := strconv.ParseUint(strings.TrimSpace(text.Text()), 16, 64)
		if err != nil {
			other = cmp.Or(other, strings.TrimSpace(text.Text()))
			continue
		}
		if known = true; addr >= bundle.KernelHalf {
			samples[addr&^(wordBytes-1)]++
		}
	}
	err = errors.Join(text.Err(), command.Wait())
	if err != nil && ctx.Err() != nil {
		return nil, 0, fmt.Errorf("perf script: %w", context.Cause(ctx))
	}
	if err != nil {
		return nil, 0, fmt.Errorf("perf script: %w: %w", err, refusal(said.String()))
	}
	if !known && other != "" {
		return nil, 0, fmt.Errorf("perf script -F addr prints %.80q, which is no address", other)
	}
	words = slices.SortedFunc(maps.Keys(samples), func(a, b uint64) int {
		return cmp.Or(cmp.Compare(samples[b], samples[a]), cmp.Compare(a, b))
	})
	left = max(0, len(words)-most)
	return words[:len(words)-left], left, nil
}
