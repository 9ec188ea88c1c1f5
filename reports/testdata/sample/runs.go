package sample

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/sides"
	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
)

// The builder in this file makes Results for tests. Their numbers are
// invented, but consistent: stacks are laid out by hand, and every share and
// cost is summed from them as DESIGN defines it.

// A Spec describes an invented run.
type Spec struct {
	Mode    string
	N       int
	RatePer float64 // packets/s of one CPU
	Spin    float64 // share of busy samples in the slow path
	Seconds float64
	Noise   int // moves a few samples, so that repeats differ
}

const (
	Hz         = 999
	testPeriod = 1_001_001 // ns
)

// testRoot is the path every busy stack begins with, root first.
const testRoot = "ret_from_fork_asm;ret_from_fork;kthread;smpboot_thread_fn;run_ksoftirqd;handle_softirqs;" +
	"net_rx_action;__napi_poll;process_backlog;__netif_receive_skb_one_core;ip_rcv;ip_rcv_finish"

// stacks returns stacks below testRoot and their share of the busy weight
// that is not spinning.
func stacks() []struct {
	path  string
	share float64
} {
	return []struct {
		path  string
		share float64
	}{
		{"ip_route_input_noref;fib_table_lookup", .05},
		{"ip_forward;__xfrm_policy_check2;__xfrm_policy_check;xfrm_policy_lookup", .04},
		{"ip_forward;__xfrm_route_forward;xfrm_lookup_with_ifid;xfrm_policy_lookup_bytype.constprop.0", .06},
		{
			"ip_forward;__xfrm_route_forward;xfrm_lookup_with_ifid;xfrm_resolve_and_create_bundle;" +
				"xfrm_tmpl_resolve;xfrm_state_find", .12},
		{
			"ip_forward;__xfrm_route_forward;xfrm_lookup_with_ifid;xfrm_resolve_and_create_bundle;" +
				"xfrm_state_find;_raw_spin_lock_bh", .03},
		{
			"ip_forward;__xfrm_route_forward;xfrm_lookup_with_ifid;xfrm_resolve_and_create_bundle;" +
				"dst_alloc;kmem_cache_alloc_noprof", .05},
		{"ip_forward;ip_forward_finish;xfrm4_output;xfrm_output_resume", .07},
		{"ip_forward;ip_forward_finish;xfrm4_output;xfrm_output_resume;_raw_spin_lock_bh", .02},
		{"ip_forward;ip_forward_finish;xfrm4_output;xfrm_output_resume;xfrm_replay_overflow", .03},
		{"ip_forward;ip_forward_finish;xfrm4_output;xfrm_output_resume;esp_output;esp_output_head", .05},
		{
			"ip_forward;ip_forward_finish;xfrm4_output;xfrm_output_resume;esp_output;esp_output_tail;" +
				"crypto_aead_encrypt;gcmaes_crypt_by_sg;aes_gcm_enc_update_vaes_avx10_512", .21},
		{
			"ip_forward;ip_forward_finish;xfrm4_output;xfrm_output_resume;esp_output;esp_output_tail;" +
				"crypto_aead_encrypt;gcmaes_crypt_by_sg;kernel_fpu_begin_mask", .03},
		{
			"ip_forward;ip_forward_finish;xfrm4_output;xfrm_output_resume;ip_output;ip_finish_output2;" +
				"__dev_queue_xmit;sch_direct_xmit;dev_hard_start_xmit;virtnet_xmit", .09},
		{"ip_forward;ip_forward_finish;xfrm4_output;xfrm_output_resume;ip_output;ip_finish_output2;memcpy",
			.04},
		{"consume_skb;skb_release_data;kfree", .05},
		{"rcu_core;dst_destroy;kmem_cache_free", .04},
		{"mystery_helper", .02},
	}
}

// spinPath is where the invented runs wait.
const spinPath = "ip_forward;ip_forward_finish;xfrm4_output;xfrm_output_resume;_raw_spin_lock_bh;" +
	"native_queued_spin_lock_slowpath"

// NewProfile lays out the samples of a run.
func NewProfile(s Spec) *profile.Profile {
	b := NewProfileBuilder("cpu-clock", "nanoseconds")
	perCPU := int(s.Seconds * Hz)
	for cpu := range s.N {
		idle := perCPU / 50
		b.Add("cpu_startup_entry;do_idle;default_idle_call;pv_native_safe_halt", cpu, idle)
		busy := perCPU - idle
		spin := int(float64(busy) * s.Spin * (1 + .02*float64(cpu%3)))
		b.Add(testRoot+";"+spinPath, cpu, spin)
		for i, st := range stacks() {
			n := int(math.Round(st.share * float64(busy-spin)))
			b.Add(testRoot+";"+st.path, cpu, n+s.Noise*(i%3-1))
		}
	}
	return b.P
}

// A profileBuilder adds folded stacks to a profile.
type profileBuilder struct {
	P         *profile.Profile
	functions map[string]int32
}

func NewProfileBuilder(event, unit string) *profileBuilder {
	return &profileBuilder{
		P: &profile.Profile{
			Event: profile.Event{Name: event, Unit: unit, FrequencyHz: Hz},
			Mappings: []profile.Mapping{{File: "[kernel.kallsyms]", Kernel: true},
				{File: "[esp4]", Kernel: true}, {File: "/usr/bin/iperf3"}},
			Comms: []string{"ksoftirqd/0"},
		},
		functions: map[string]int32{},
	}
}

// Add adds n samples of a stack written root first, separated by ";". A frame
// written "NAME@FILE" is in that mapping.
func (b *profileBuilder) Add(folded string, cpu, n int) {
	if n <= 0 {
		return
	}
	var s profile.Stack
	for _, f := range strings.Split(folded, ";") {
		s = append(s, b.location(f))
	}
	slices.Reverse(s)
	stack := slices.IndexFunc(b.P.Stacks, func(o profile.Stack) bool { return slices.Equal(o, s) })
	if stack < 0 {
		stack = len(b.P.Stacks)
		b.P.Stacks = append(b.P.Stacks, s)
	}
	b.P.Cells = append(b.P.Cells, profile.Cell{
		Stack: int32(stack), CPU: int32(cpu), PID: 1, TID: 1,
		Count: uint64(n), Period: uint64(n) * testPeriod, PeriodSq: float64(n) * testPeriod * testPeriod,
	})
}

func (b *profileBuilder) location(frame string) int32 {
	if loc, ok := b.functions[frame]; ok {
		return loc
	}
	name, file, _ := strings.Cut(frame, "@")
	mapping := 0
	if strings.HasPrefix(name, "esp_") {
		mapping = 1
	}
	for i, m := range b.P.Mappings {
		if file == m.File {
			mapping = i
		}
	}
	loc := int32(len(b.P.Locations))
	b.P.Functions = append(b.P.Functions, profile.Function{Name: name, Mapping: mapping})
	b.P.Locations = append(b.P.Locations, profile.Location{Address: 0xffffffff81000000 + uint64(loc)*64,
		Mapping: mapping, Function: len(b.P.Functions) - 1})
	b.functions[frame] = loc
	return loc
}

// NewEvent sums a profile as DESIGN section 7 defines it.
func NewEvent(p *profile.Profile, seconds, rate float64, rates []result.CPUValue) *result.Event {
	e := &result.Event{Name: p.Event.Name, Unit: p.Event.Unit, Profile: p}
	c := stage.NewClassifier(stage.Default(), p)
	e.All = cpu(c, p, -1, seconds, rate)
	cpus := map[int]bool{}
	for _, cell := range p.Cells {
		if !cpus[int(cell.CPU)] {
			cpus[int(cell.CPU)] = true
			r := 0.0
			for _, v := range rates {
				if v.CPU == int(cell.CPU) {
					r = v.Value.Value
				}
			}
			e.CPUs = append(e.CPUs, cpu(c, p, int(cell.CPU), seconds, r))
		}
	}
	for _, s := range e.All.Functions {
		if s.Name == "mystery_helper" {
			e.Unmatched = append(e.Unmatched, s)
		}
	}
	return e
}

func cpu(c *stage.Classifier, p *profile.Profile, cpu int, seconds, rate float64) result.CPU {
	out := result.CPU{CPU: cpu}
	stages, functions, callers := map[string]metric.Estimate{}, map[string]metric.Estimate{},
		map[string]metric.Estimate{}
	var spin, word metric.Estimate
	for _, cell := range p.Cells {
		if cpu >= 0 && int(cell.CPU) != cpu {
			continue
		}
		e := metric.Estimate{Samples: cell.Count, Period: float64(cell.Period), VarSum: cell.PeriodSq}
		out.Total.Add(e)
		s := p.Stacks[cell.Stack]
		if c.Idle(c.Of(s)) {
			out.Idle.Add(e)
			continue
		}
		out.Busy.Add(e)
		addEstimate(functions, p.FunctionName(s[0]), e)
		addEstimate(stages, c.Name(c.Of(s)), e)
		leaf := p.Locations[s[0]].Function
		switch {
		case leaf < 0:
		case c.Locks[leaf] == stage.Spin:
			spin.Add(e)
			addEstimate(callers, p.FunctionName(s[2]), e)
		case c.Locks[leaf] == stage.LockWord:
			word.Add(e)
		}
	}
	cost := func(e metric.Estimate) metric.Value {
		if rate <= 0 {
			return metric.NotMeasured(metric.CostID, "ns/packet", bundle.Gap{What: "packets of this CPU",
				Why: "the packet counters do not tell CPUs apart"})
		}
		return metric.Value{ID: metric.CostID, Value: e.Period / seconds / rate, SE: e.SE() / seconds / rate,
			Unit: "ns/packet", Samples: e.Samples}
	}
	ratio := func(id string, e metric.Estimate) metric.Value {
		if out.Busy.Period == 0 {
			return metric.NotMeasured(id, "ratio", bundle.Gap{What: "shares",
				Why: "no sample fell outside idle"})
		}
		s, se := metric.Share(e, out.Busy)
		return metric.Value{ID: id, Value: s, SE: se, Unit: "ratio", Samples: e.Samples}
	}
	list := func(id string, m map[string]metric.Estimate) []result.Share {
		var l []result.Share
		for n, e := range m {
			module := ""
			if strings.HasPrefix(n, "esp_") {
				module = "[esp4]"
			}
			l = append(l, result.Share{Name: n, Module: module, Weight: e, Share: ratio(id, e),
				PerPacket: cost(e)})
		}
		slices.SortFunc(l, func(a, b result.Share) int {
			if a.Weight.Period != b.Weight.Period {
				return int(b.Weight.Period - a.Weight.Period)
			}
			return strings.Compare(a.Name, b.Name)
		})
		return l
	}
	out.SpinShare, out.LockWordShare, out.PerPacket = ratio(metric.SpinID, spin), ratio(metric.LockWordID, word),
		cost(out.Busy)
	out.Functions, out.SpinCallers = list(metric.ShareID, functions), list(metric.ShareID, callers)
	for _, row := range append(slices.Clone(c.Table.Rows), stage.Row{Name: stage.User},
		stage.Row{Name: stage.Unmatched}) {
		if e, ok := stages[row.Name]; ok {
			out.Stages = append(out.Stages, result.Share{Name: row.Name, Weight: e,
				Share: ratio(metric.StageID, e), PerPacket: cost(e)})
		}
	}
	return out
}

func addEstimate(m map[string]metric.Estimate, k string, e metric.Estimate) {
	sum := m[k]
	sum.Add(e)
	m[k] = sum
}

// NewRun builds one run with packets, locks and SAs.
func NewRun(s Spec) *result.Run {
	p := NewProfile(s)
	rate := s.RatePer * float64(s.N)
	packets := rate * s.Seconds
	r := &result.Run{
		Name: fmt.Sprintf("%s n=%d", s.Mode, s.N), Path: fmt.Sprintf("sweep/%s-n%d", s.Mode, s.N),
		Mode: s.Mode, N: s.N, Manifest: manifest(s),
		Packets: result.Packets{
			Source: "SA counters, outbound",
			Total:  metric.Value{ID: metric.PacketsID, Value: packets, Unit: "packets"},
			Rate:   metric.Value{ID: metric.RateID, Value: rate, Unit: "packets/s"},
		},
		Gaps: []bundle.Gap{{What: "cache misses",
			Why: "no hardware counters: event cycles does not open (ENOENT)",
			Fix: "run on a machine with a PMU"}},
	}
	if s.Mode == "pcpu" {
		for cpu := range s.N {
			r.Packets.PerCPU = append(r.Packets.PerCPU, result.CPUValue{CPU: cpu,
				Value: metric.Value{ID: metric.RateID, Value: s.RatePer, Unit: "packets/s"}})
		}
	}
	r.Events = []*result.Event{NewEvent(p, s.Seconds, rate, r.Packets.PerCPU)}
	r.Locks = locks(s, rate)
	r.SAs = sas(s, uint64(packets))
	return r
}

func manifest(s Spec) bundle.Manifest {
	set := make(bundle.CPUSet, s.N)
	for i := range set {
		set[i] = i
	}
	return bundle.Manifest{
		Schema: 1, Tool: "xfrmscope 0.1", Source: "record", Status: bundle.Complete,
		Plan: bundle.Plan{CPUs: set, DurationNS: time.Duration(s.Seconds * 1e9), Events: []string{"cycles:k",
			"cpu-clock"}, FrequencyHz: Hz, Labels: map[string]string{"mode": s.Mode, "n": fmt.Sprint(s.N)}},
		Host: bundle.Host{Name: "west", Kernel: "6.18.5", Version: "#1 SMP PREEMPT_DYNAMIC",
			Arch: "x86_64", CPUModel: "QEMU Virtual CPU version 2.5+", Online: bundle.CPUSet{0, 1, 2, 3},
			CmdLine: "console=ttyS0", Hypervisor: true},
		Started: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC),
		Window:  bundle.Window{StartNS: 1e9, EndNS: 1e9 + int64(s.Seconds*1e9)},
		Events:  []bundle.Event{{Asked: "cycles:k", Opened: "cpu-clock", Why: "no hardware counters (ENOENT)"}},
		Commands: []bundle.Command{{Argv: []string{"perf", "record", "-k", "CLOCK_MONOTONIC", "-C",
			set.String(), "-F", "999", "-g", "-e", "cpu-clock"}, Log: "log/perf.log"}},
		Probes: []bundle.Probe{{Name: "wait", AttachMode: "tp_btf",
			Blind: []string{"the second CPU at a lock (pending bit)"}}},
		Files: []bundle.File{{Name: "perf.data", Size: 812345, SHA256: strings.Repeat("0123456789abcdef", 4)},
			{Name: "sas.jsonl", Size: 2048, SHA256: strings.Repeat("fedcba9876543210", 4)}},
	}
}

func locks(s Spec, rate float64) result.Locks {
	waits := uint64(rate * s.Seconds * s.Spin * .3)
	ns := uint64(s.Spin * float64(s.N) * s.Seconds * 1e9)
	l := result.Locks{
		AttachMode: "tp_btf", Blind: []string{"the second CPU at a lock (pending bit)"},
		Waits:  metric.Value{ID: metric.WaitsID, Value: float64(waits), Unit: "waits"},
		WaitNS: metric.Value{ID: metric.WaitID, Value: float64(ns), Unit: "ns"},
		PerPkt: metric.Value{ID: metric.WaitPacketID, Value: float64(ns) / s.Seconds / rate, Unit: "ns/packet"},
	}
	l.Effect = metric.Value{ID: metric.EffectID, Value: .004, Unit: "ratio"}
	for cpu := range s.N {
		l.CPUs = append(l.CPUs, result.LockCPU{CPU: cpu, Waits: waits / uint64(s.N), WaitNS: ns / uint64(s.N),
			MaxNS: 40_000})
	}
	if waits == 0 {
		return l
	}
	hist := make([]uint64, 18)
	for i, part := range []float64{0, 0, 0, 0, 0, 0, 0, .01, .03, .08, .18, .25, .22, .13, .06, .03, .01} {
		hist[i] = uint64(part * float64(waits))
	}
	cpus := make([]int, s.N)
	for i := range cpus {
		cpus[i] = i
	}
	l.Rows = []result.Lock{
		{Lock: "0xffff888104a3c6d8", ID: bundle.LockID{Kind: bundle.LockOfSA, Name: "lock", SPI: 0x1001},
			Name: "x->lock SPI 0x1001", Waits: waits - waits/20, WaitNS: ns - ns/20, MaxNS: 40_000,
			Hist: hist, CPUs: cpus},
		{Lock: "0xffff888100042a40", Waits: waits / 20, WaitNS: ns / 20, MaxNS: 9_000, Hist: hist[:12],
			CPUs: cpus},
	}
	return l
}

func sas(s Spec, packets uint64) []result.SA {
	sa := func(spi uint32, pcpu *uint32, packets uint64) result.SA {
		return result.SA{
			SA: bundle.SA{Phase: "end", Src: "192.1.2.23", Dst: "192.1.2.45", Proto: "esp",
				SPI: spi, Mode: "tunnel", Dir: "out", ReqID: 1, PCPU: pcpu, Packets: packets,
				Bytes: packets * 1400},
			DeltaPackets: packets, DeltaBytes: packets * 1400, Outbound: true, Fallback: pcpu == nil,
		}
	}
	if s.Mode != "pcpu" {
		return []result.SA{sa(0x1001, nil, packets)}
	}
	sas := []result.SA{sa(0x1000, nil, 0)}
	for cpu := range uint32(s.N) {
		sas = append(sas, sa(0x1001+cpu, &cpu, packets/uint64(s.N)))
	}
	return sas
}

// Sweep is two modes at three N: the shared SA spins, per-CPU SAs do not.
func Sweep() *result.Result {
	spin := map[int]float64{1: 0, 2: .243, 4: .546}
	var runs []*result.Run
	for _, n := range []int{1, 2, 4} {
		runs = append(runs, NewRun(Spec{Mode: "pcpu", N: n, RatePer: 91_400 - 600*float64(n),
			Spin: .0009 * float64(n-1), Seconds: 10}))
	}
	for _, n := range []int{1, 2, 4} {
		runs = append(runs, NewRun(Spec{Mode: "shared", N: n, RatePer: 90_800 * (1 - spin[n]), Spin: spin[n],
			Seconds: 10}))
	}
	return NewResult(runs...)
}

// NewResult puts runs side by side.
func NewResult(runs ...*result.Run) *result.Result {
	r := &result.Result{Schema: 1, Tool: "xfrmscope 0.1", Runs: runs}
	for i, run := range runs {
		at := slices.IndexFunc(r.Curves, func(c result.Curve) bool { return c.Mode == run.Mode })
		if at < 0 {
			at = len(r.Curves)
			r.Curves = append(r.Curves, result.Curve{Mode: run.Mode})
		}
		r.Curves[at].Runs = append(r.Curves[at].Runs, i)
	}
	r.Contrasts = sides.Contrasts(r)
	for _, c := range r.Curves {
		last := runs[c.Runs[len(c.Runs)-1]]
		if len(last.Events) > 0 {
			r.Findings = append(r.Findings, NewFinding(last, last.Events[0].All))
		}
	}
	return r
}

// NewFinding says whether a run spins.
func NewFinding(run *result.Run, a result.CPU) result.Finding {
	spin := format.Of(a.SpinShare).String()
	f := result.Finding{
		ID: "spin", Subject: run.Mode, Claim: fmt.Sprintf("%s: %s of busy time on %d CPUs spins on locks",
			run.Mode, spin, run.N),
		Evidence: []string{fmt.Sprintf("%s: spin share %s (n = %d)", run.Name, spin, a.Busy.Samples)},
		NotProven: "A share of samples says where the time went, not what it cost in packets; the error is " +
			"sampling error of one run, not the spread between runs.",
		Next: "compare packets/s and cost per packet of the same runs",
	}
	if len(a.SpinCallers) > 0 {
		f.Claim += ", entered from " + a.SpinCallers[0].Name
	}
	return f
}

// One is a single run that spins.
func One() *result.Result {
	return NewResult(NewRun(Spec{Mode: "shared", N: 4, RatePer: 90_800 * (1 - .546), Spin: .546, Seconds: 10}))
}

// Hostile is a name that attacks pages, go-echarts, terminals and file names.
const Hostile = "../\x1b[31m</title></script><script>document.title=1337</script>__f__(()=>{document.title=4242})()__" +
	"f__\"'><img src=x onerror=document.title=7>\u202e\x00\xff]]>{{.}}hook:rate css:--ink"

// Long returns a symbol of 4 kB.
func Long(t testing.TB) string {
	t.Helper()
	return strings.Repeat("core::iter::adapters::map::Map<", 132)
}
