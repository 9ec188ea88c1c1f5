package profile

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/symbols"
	"xfrmscope/collect/bundle"
)

const testKallsyms = `ffffffff81000000 T _text
ffffffff81000000 T _stext
ffffffff81001000 T entry_SYSCALL_64
ffffffff81002000 t do_syscall_64
ffffffff81003000 t xfrm_output_one.isra.0
ffffffff81004000 t native_queued_spin_lock_slowpath
ffffffff81005000 t rest_init
ffffffff81005100 t after_rest_init
ffffffff81006000 T asm_sysvec_apic_timer_interrupt
ffffffff81007000 T __x86_indirect_thunk_rax
ffffffff81009000 T _etext
ffffffffc0a51000 t esp_output	[esp4]
ffffffffc0a52000 t esp_input	[esp4]
`

const (
	enter    = 0xffffffff81001000
	sysenter = 0xffffffff81002000
	xfrm     = 0xffffffff81003000
	spin     = 0xffffffff81004000
	rest     = 0xffffffff81005000
	after    = 0xffffffff81005100
	irq      = 0xffffffff81006000
	thunk    = 0xffffffff81007000
	esp      = 0xffffffffc0a51000

	inKernel = perfdata.ContextKernel
	inUser   = perfdata.ContextUser

	contextGuestKernel = ^uint64(0) - 2176 + 1 // PERF_CONTEXT_GUEST_KERNEL
)

// small is a recording that has one of each.
func small() *recording {
	r := newRecording(cpuClock, pageFaults, dummy)
	r.mmap(0, ^uint32(0), 0, 0xffffffff81000000, 0x9000, 0xffffffff81000000, "[kernel.kallsyms]_text")
	r.mmap(0, ^uint32(0), 0, esp, 0x2000, 0, "/lib/modules/6.18.1/kernel/net/ipv4/esp4.ko")
	r.comm(0, 10, 10, "bash")
	r.comm(0, 20, 20, "iperf3")
	r.ksymbol(1, 0xffffffffc0d00000, 0x100, 1, "bpf_prog_12ab_tc_ingress")
	r.fork(100, 11, 11, 10, 10)
	r.comm(200, 11, 11, "ping")
	r.mmap(210, 11, 11, 0x401000, 0x1000, 0x1000, "/usr/bin/ping")
	add := func(event int, timeNS uint64, cpu, tid uint32, period uint64, chain ...uint64) {
		r.sample(testSample{event: event, ip: chain[1], pid: tid, tid: tid, timeNS: timeNS, cpu: cpu,
			period: period, chain: chain})
	}
	add(0, 110, 0, 11, 1000, inKernel, spin+4, xfrm+8, sysenter+9, enter+7, inUser, 0x401010, 0x401020)
	add(0, 220, 0, 11, 1000, inKernel, spin+4, xfrm+8, sysenter+9, enter+7, inUser, 0x401010, 0x401020)
	add(0, 230, 1, 20, 1000, inKernel, esp+0x10, xfrm+8, sysenter+9, enter+7)
	add(0, 240, 1, 20, 1000, inKernel, esp+0x10, xfrm+8, sysenter+9, enter+7)
	add(0, 250, 1, 20, 1000, inUser, 0x7f0000001234, 0x401020)
	add(0, 260, 1, 99, 1000, inKernel, 0xffffffffc0d00010, 0xffffffffd0000000, enter+7)
	add(0, 270, 0, 0, 1000, inKernel, spin, after)
	add(0, 280, 0, 0, 1000, inKernel, irq+5, after)
	add(0, 290, 0, 0, 1000, inKernel, thunk+5, after)
	add(1, 300, 0, 20, 3, inKernel, xfrm+4, enter+7)
	add(1, 310, 0, 20, 5, inKernel, xfrm+4, enter+7)
	add(1, 320, 0, 20, 5, contextGuestKernel, 0xffffffff81000010)
	r.sample(testSample{event: 0, ip: xfrm + 6, pid: 20, tid: 20, timeNS: 330, cpu: 0, period: 1000})
	r.sample(testSample{event: 0, ip: xfrm + 6, pid: 20, tid: 20, timeNS: 340, cpu: 0, period: 1000,
		chain: []uint64{perfdata.ContextMax + 5, xfrm + 6}})
	r.lost(7)
	return r
}

func kallsyms(t testing.TB) *symbols.Table {
	t.Helper()
	tab, err := symbols.ReadKallsyms(strings.NewReader(testKallsyms))
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func build(t testing.TB, f *perfdata.File, o Options) []*Profile {
	t.Helper()
	ps, err := Build(context.Background(), f, o)
	if err != nil {
		t.Fatal(err)
	}
	return ps
}

// dump writes cells as text: CPU, task, leaf-first frames with mappings.
func dump(p *Profile) []string {
	var out []string
	for _, c := range p.Cells {
		var frames []string
		for _, loc := range p.Stacks[c.Stack] {
			file := "-"
			if m := p.Locations[loc].Mapping; m >= 0 {
				file = p.Mappings[m].File
			}
			frames = append(frames, p.FunctionName(loc)+"@"+file)
		}
		comm := "-"
		if c.Comm >= 0 {
			comm = p.Comms[c.Comm]
		}
		out = append(out, fmt.Sprintf("cpu%d %s %d/%d n=%d w=%d sq=%g %s", c.CPU, comm, c.PID, c.TID, c.Count,
			c.Period, c.PeriodSq, strings.Join(frames, " ")))
	}
	return out
}

func checkDump(t *testing.T, p *Profile, want ...string) {
	t.Helper()
	got := dump(p)
	for i := range max(len(got), len(want)) {
		g, w := "", ""
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("%s, cell %d:\n got %s\nwant %s", p.Event.Name, i, g, w)
		}
	}
}

func TestBuildKernel(t *testing.T) {
	ps := build(t, small().open(t), Options{Kallsyms: kallsyms(t)})
	if len(ps) != 2 || ps[0].Event.Name != "cpu-clock" || ps[1].Event.Name != "page-faults" {
		t.Fatalf("%d profiles, first %+v, want cpu-clock and page-faults, not the dummy", len(ps), ps[0].Event)
	}
	const k = "@[kernel.kallsyms]"
	checkDump(t, ps[0],
		// Return addresses name the call: after+0 is behind the last call of rest_init.
		"cpu0 bash 11/11 n=1 w=1000 sq=1e+06 "+
			"native_queued_spin_lock_slowpath"+k+" xfrm_output_one.isra.0"+k+
			" do_syscall_64"+k+" entry_SYSCALL_64"+k,
		// No chain, and a chain with a word that is no address.
		"cpu0 iperf3 20/20 n=2 w=2000 sq=2e+06 xfrm_output_one.isra.0"+k,
		"cpu0 ping 11/11 n=1 w=1000 sq=1e+06 "+
			"native_queued_spin_lock_slowpath"+k+" xfrm_output_one.isra.0"+k+
			" do_syscall_64"+k+" entry_SYSCALL_64"+k,
		"cpu0 swapper 0/0 n=1 w=1000 sq=1e+06 native_queued_spin_lock_slowpath"+k+" rest_init"+k,
		// Below an interrupt entry and a retpoline the address is exact.
		"cpu0 swapper 0/0 n=1 w=1000 sq=1e+06 asm_sysvec_apic_timer_interrupt"+k+" after_rest_init"+k,
		"cpu0 swapper 0/0 n=1 w=1000 sq=1e+06 __x86_indirect_thunk_rax"+k+" after_rest_init"+k,
		"cpu1 :99 99/99 n=1 w=1000 sq=1e+06 bpf_prog_12ab_tc_ingress@[bpf] [unknown]@[unknown] "+
			"entry_SYSCALL_64"+k,
		"cpu1 iperf3 20/20 n=2 w=2000 sq=2e+06 esp_output@[esp4] "+
			"xfrm_output_one.isra.0"+k+
			" do_syscall_64"+k+" entry_SYSCALL_64"+k,
		"cpu1 iperf3 20/20 n=1 w=1000 sq=1e+06 [user]@[user]",
	)
	checkDump(t, ps[1],
		"cpu0 iperf3 20/20 n=2 w=8 sq=34 xfrm_output_one.isra.0"+k+" entry_SYSCALL_64"+k,
		"cpu0 iperf3 20/20 n=1 w=5 sq=25 [guest]@[guest]",
	)
	if e := ps[0].Event; e.Unit != "nanoseconds" || e.PeriodFixed != 1000 || e.FrequencyHz != 1000 {
		t.Errorf("event %+v", e)
	}
	if ps[1].Event.PeriodFixed != 0 {
		t.Errorf("PeriodFixed = %d for samples of 3 and 5", ps[1].Event.PeriodFixed)
	}
	if m := ps[0].Mappings[0]; m.Start != 0xffffffff81000000 || m.Limit != 0xffffffff81009000 || !m.Kernel {
		t.Errorf("kernel mapping %+v", m)
	}
}

func TestBuildUser(t *testing.T) {
	ps := build(t, small().open(t), Options{Kallsyms: kallsyms(t), User: true})
	const k = "@[kernel.kallsyms]"
	got := dump(ps[0])
	for _, want := range []string{
		// Before ping was mapped, and after; its symbols are not to be had.
		"cpu0 bash 11/11 n=1 w=1000 sq=1e+06 native_queued_spin_lock_slowpath" + k + " xfrm_output_one.isra.0" +
			k + " do_syscall_64" + k + " entry_SYSCALL_64" + k + " [unknown]@- [unknown]@-",
		"cpu0 ping 11/11 n=1 w=1000 sq=1e+06 native_queued_spin_lock_slowpath" + k + " xfrm_output_one.isra.0" +
			k + " do_syscall_64" + k + " entry_SYSCALL_64" + k +
			" [unknown]@/usr/bin/ping [unknown]@/usr/bin/ping",
		"cpu1 iperf3 20/20 n=1 w=1000 sq=1e+06 [unknown]@- [unknown]@-",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no cell %s", want)
		}
	}
	if !warned(ps[0], "no symbols of /usr/bin/ping") {
		t.Errorf("warnings %v say nothing of ping", ps[0].Warnings)
	}
}

// TestBuildUserSymbols names the functions of an ELF file, mapped at two
// places, and of a just-in-time compiler.
func TestBuildUserSymbols(t *testing.T) {
	r := newRecording(cpuClock)
	for pid := range uint32(2) {
		start := 0x7f0000000000 + uint64(pid)<<32
		r.mmap(1, pid+1, pid+1, start, 0x2000, 0, "/usr/bin/ping")
		r.mmap(1, pid+1, pid+1, 0x10000, 0x1000, 0, "//anon")
		r.sample(testSample{ip: start + 0x1000, pid: pid + 1, tid: 9, timeNS: 2, period: 1,
			misc:  uint16(perfdata.ModeUser),
			chain: []uint64{inUser, start + 0x1000 + uint64(pid), start + 0x1020, 0x10010, 0x10011}})
	}
	r.fork(3, 3, 3, 1, 1) // has what its parent mapped
	r.sample(testSample{ip: 1, pid: 3, tid: 9, timeNS: 4, period: 1, misc: uint16(perfdata.ModeUser),
		chain: []uint64{inUser, 0x7f0000001010, 0xdead0000}})
	store := symbols.NewStore(symbols.Places{
		Root:     fstest.MapFS{"usr/bin/ping": {Data: twoFunctions()}},
		PerfMaps: fstest.MapFS{"perf-1.map": {Data: []byte("10000 10 before\n10010 10 jitted\n")}},
	})
	ps := build(t, r.open(t), Options{User: true, Store: store})
	const ping, jit = "@/usr/bin/ping", "@/tmp/perf-1.map"
	checkDump(t, ps[0],
		// Return addresses name the function before.
		"cpu0 :9 1/9 n=1 w=1 sq=1 first"+ping+" first"+ping+" before"+jit+" jitted"+jit,
		"cpu0 :9 2/9 n=1 w=1 sq=1 first"+ping+" first"+ping+" [unknown]@/tmp/perf-2.map "+
			"[unknown]@/tmp/perf-2.map",
		"cpu0 :9 3/9 n=1 w=1 sq=1 first"+ping+" [unknown]@-")
	if n := len(ps[0].Locations); n != 5 {
		t.Errorf("%d locations, want 5: one a function", n)
	}
	if l := ps[0].Locations[0]; l.Address != 0x401000 {
		t.Errorf("Address = %#x, want that of the function, 0x401000", l.Address)
	}
	if !warned(ps[0], "no symbols of perf-2.map") {
		t.Errorf("warnings %v", ps[0].Warnings)
	}
}

// twoFunctions is an ELF file with functions "first" and "second", of 0x20
// bytes each, at offset 0x1000, loaded at 0x401000.
func twoFunctions() []byte {
	const headers = 64 + 56
	names := []byte("\x00first\x00second\x00.text\x00.symtab\x00.strtab\x00")
	var syms, out bytes.Buffer
	binary.Write(&syms, binary.LittleEndian, []elf.Sym64{{},
		{Name: 1, Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC), Shndx: 1, Value: 0x401000, Size: 0x20},
		{Name: 7, Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC), Shndx: 1, Value: 0x401020, Size: 0x20}})
	symsAt, namesAt := uint64(headers), uint64(headers+syms.Len())
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1, Phoff: 64,
		Shoff:  namesAt + uint64(len(names)),
		Ehsize: 64, Phentsize: 56, Phnum: 1, Shentsize: 64, Shnum: 4, Shstrndx: 3}
	copy(h.Ident[:], "\x7fELF\x02\x01\x01")
	binary.Write(&out, binary.LittleEndian, h)
	binary.Write(&out, binary.LittleEndian, elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_X),
		Off: 0x1000, Vaddr: 0x401000, Filesz: 0x1000, Memsz: 0x1000})
	out.Write(syms.Bytes())
	out.Write(names)
	binary.Write(&out, binary.LittleEndian, []elf.Section64{{},
		{Name: 14, Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC | elf.SHF_EXECINSTR),
			Addr: 0x401000, Off: 0x1000, Size: 0x1000},
		{Name: 20, Type: uint32(elf.SHT_SYMTAB), Link: 3, Off: symsAt, Size: uint64(syms.Len()), Entsize: 24},
		{Name: 28, Type: uint32(elf.SHT_STRTAB), Off: namesAt, Size: uint64(len(names))}})
	return out.Bytes()
}

func warned(p *Profile, text string) bool {
	return slices.ContainsFunc(p.Warnings, func(w bundle.Warning) bool { return strings.Contains(w.Text, text) })
}

func TestBuildAsPerf(t *testing.T) {
	ps := build(t, small().open(t), Options{Kallsyms: kallsyms(t), asPerf: true})
	if !slices.ContainsFunc(dump(ps[0]), func(s string) bool {
		return strings.Contains(s, "slowpath@[kernel.kallsyms] after_rest_init@")
	}) {
		t.Error("a return address at the start of a function is not named by it")
	}
}

func TestBuildCarriesLosses(t *testing.T) {
	ps := build(t, small().open(t), Options{Kallsyms: kallsyms(t)})
	var n uint64
	for _, l := range ps[0].Losses {
		n += l.Count
	}
	if n != 7 {
		t.Errorf("losses %+v, want 7 records lost", ps[0].Losses)
	}
	if !warned(ps[0], "neither address nor context marker") {
		t.Errorf("warnings %v say nothing of the damaged chain", ps[0].Warnings)
	}
}

func TestBuildWithoutKernelSymbols(t *testing.T) {
	hidden, err := symbols.ReadKallsyms(strings.NewReader("0000000000000000 T _text\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"absent":        {Options{}, "no kernel symbols"},
		"hidden":        {Options{Kallsyms: hidden}, "sysctl kernel.kptr_restrict=0"},
		"without _text": {Options{Kallsyms: mustKallsyms(t, "ffffffff81001000 T entry\n")}, "no _text"},
	} {
		p := build(t, small().open(t), c.o)[0]
		if count, period := p.Total(); count != 11 || period != 11000 {
			t.Errorf("%s: %d samples of %d, want all 11", name, count, period)
		}
		if !warned(p, c.want) {
			t.Errorf("%s: warnings %v, want one with %q", name, p.Warnings, c.want)
		}
		if !slices.ContainsFunc(dump(p), func(s string) bool {
			return strings.Contains(s,
				"[unknown]@[esp4] [unknown]@[kernel.kallsyms]")
		}) {
			t.Errorf("%s: addresses without names lost their mappings: %v", name, dump(p))
		}
	}
}

func mustKallsyms(t *testing.T, text string) *symbols.Table {
	t.Helper()
	tab, err := symbols.ReadKallsyms(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// What samples hold and nothing is made of is said, event by event.
func TestBuildSaysWhatIsUnused(t *testing.T) {
	const branchStack, userStack, dataSrc = 1 << 11, 1 << 13, 1 << 15
	for _, c := range []struct {
		sampleType, branch uint64
		want               []string
	}{
		{0, 0, nil},
		{branchStack, 1 << 3, []string{"branch stacks"}},
		{branchStack, 1 << 11, nil}, // a call stack is the user part of the chain
		{userStack, 0, []string{"copies of user stacks"}},
		{userStack | dataSrc, 0, []string{"copies of user stacks", "sources of data"}},
	} {
		r := newRecording(cpuClock, pageFaults)
		r.attrs[0].sampleType |= c.sampleType
		r.attrs[0].branch = c.branch
		ps := build(t, r.open(t), Options{})
		var got []bundle.Warning
		for _, w := range ps[0].Warnings {
			if w.Kind == bundle.WarnUnused {
				got = append(got, w)
			}
		}
		if len(got) != len(c.want) || slices.ContainsFunc(ps[1].Warnings,
			func(w bundle.Warning) bool { return w.Kind != "" }) {
			t.Fatalf("%#x: %+v, want %q; the other event: %+v", c.sampleType, got, c.want, ps[1].Warnings)
		}
		for i, w := range got {
			if w.Weakens != ps[0].Event.Name || !strings.HasPrefix(w.Text,
				"recorded, not used: "+c.want[i]) {
				t.Errorf("%+v, want %q", w, c.want[i])
			}
		}
	}
}

func TestBuildStopsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Build(ctx, small().open(t), Options{}); err == nil {
		t.Error("no error from a context that is done")
	}
}

// big is a recording of several blocks, with everything in disorder.
func big(samples int) *recording {
	rnd := rand.New(rand.NewPCG(1, 2))
	r := newRecording(cpuClock, pageFaults)
	r.mmap(0, ^uint32(0), 0, 0xffffffff81000000, 0x9000, 0xffffffff81000000, "[kernel.kallsyms]_text")
	for pid := range uint32(20) {
		r.comm(0, pid+1, pid+1, fmt.Sprintf("task%d", pid%7))
		r.mmap(0, pid+1, pid+1, 0x400000+uint64(pid)<<24, 0x100000, 0, fmt.Sprintf("/usr/bin/prog%d", pid%3))
	}
	for i := range samples {
		pid := 1 + rnd.Uint32N(20)
		chain := []uint64{inKernel}
		for range 1 + rnd.IntN(6) {
			chain = append(chain, enter+uint64(rnd.IntN(8))*0x1000+uint64(rnd.IntN(2)))
		}
		chain = append(chain, inUser)
		for range rnd.IntN(4) {
			chain = append(chain, 0x400000+uint64(pid-1)<<24+uint64(rnd.IntN(40)))
		}
		event := rnd.IntN(2)
		r.sample(testSample{event: event, ip: chain[1], pid: pid, tid: pid, timeNS: uint64(i),
			cpu:    rnd.Uint32N(4),
			period: 1000 + uint64(event)*rnd.Uint64(), chain: chain})
	}
	return r
}

// What is built with the memory of other recordings is the same, and stays so when that
// memory goes on: recordings of other kernels, of BPF programs that moved, big ones.
func TestBuildReusesMemory(t *testing.T) {
	moved := small()
	moved.ksymbol(0, 0xffffffffc0d00008, 0x100, 1, "bpf_prog_34cd_probe")
	var shared Buffers
	table := kallsyms(t)
	var got, want [][]*Profile
	for _, r := range []*recording{small(), moved, small(), big(20_000), moved, big(100_000), small()} {
		for _, o := range []Options{{Kallsyms: table}, {}, {Kallsyms: table, User: true, Workers: 3}} {
			for range 2 {
				want = append(want, build(t, r.open(t), o))
				with := o
				with.Buffers = &shared
				got = append(got, build(t, r.open(t), with))
			}
		}
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("recording %d differs", i)
		}
	}
}

func TestBuildDoesNotDependOnWorkers(t *testing.T) {
	r := big(120_000) // 16 MB, four blocks
	for _, user := range []bool{false, true} {
		want := build(t, r.open(t), Options{Kallsyms: kallsyms(t), Workers: 1, User: user})
		if n, _ := want[0].Total(); n == 0 {
			t.Fatal("no samples")
		}
		for _, workers := range []int{1, 2, 8} {
			got := build(t, r.open(t), Options{Kallsyms: kallsyms(t), Workers: workers, User: user})
			if !reflect.DeepEqual(got, want) {
				t.Errorf("user %v: %d workers give another result than one", user, workers)
			}
		}
	}
}
