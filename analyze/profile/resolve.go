package profile

import (
	"cmp"
	"slices"
	"strings"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/symbols"
	"xfrmscope/collect/bundle"
)

// Files of mappings that are no file.
const (
	UserTime   = "[user]"       // all user frames of a sample, if they were left out
	GuestTime  = "[guest]"      // code inside a virtual machine
	Hypervisor = "[hypervisor]" // code of the hypervisor below the recorded kernel
)

// A resolver gives every distinct address its mapping and function. Its tables
// are of the whole recording; assemble picks those of one event.
type resolver struct {
	source
	kernel   *symbols.Kernel
	warnings []bundle.Warning // of the kernel, that matter where there are frames of it
	spaces   *spaces

	mappings  table[Mapping, mappingKey]
	functions table[Function, Function]
	locations table[Location, Location]

	kernelMappings map[string]Mapping   // what the recording says of "[esp4]"
	exact, returns resolved             // kernel addresses resolved so far, see kernelStack
	below          []bool               // by kernel location: exactBelow
	user           map[uint64]int32     // user words
	unnamed        map[mappingKey]error // files whose symbols could not be had
}

// mappingKey tells mappings apart.
type mappingKey struct{ file, buildID string }

// A source is what the names of kernel addresses come from: a recording and the options.
type source struct {
	table    *symbols.Table
	store    *symbols.Store
	asPerf   bool
	mmaps    []perfdata.Mmap // of the kernel and of modules
	dynamic  []perfdata.KSymbol
	buildIDs []perfdata.BuildID
}

func kernelSource(sb *perfdata.Sideband, o *Options) source {
	return source{o.Kallsyms, o.Store, o.asPerf,
		only(sb.Mmaps, func(m *perfdata.Mmap) bool { return m.PID == -1 }), sb.KSymbols,
		only(sb.BuildIDs, func(b *perfdata.BuildID) bool { return b.Kernel })}
}

// only returns the rows that are wanted, in memory of their own.
func only[T any](rows []T, want func(*T) bool) (out []T) {
	for i := range rows {
		if want(&rows[i]) {
			out = append(out, rows[i])
		}
	}
	return out
}

// sameBoot reports whether two sources name all but the code made at run time alike.
func (s *source) sameBoot(t *source) bool {
	return s.table == t.table && s.store == t.store && s.asPerf == t.asPerf && slices.Equal(s.mmaps, t.mmaps) &&
		slices.Equal(s.buildIDs, t.buildIDs)
}

// newResolver makes the resolver of a recording. The one before it goes on if it was of
// the same boot: the runs of a sweep have most addresses in common.
func newResolver(before *resolver, of source, sh *shared) *resolver {
	r := before
	if r == nil || !r.source.sameBoot(&of) || len(r.locations.list) > maxKept/4 {
		r = &resolver{exact: newResolved(), returns: newResolved()}
	} else if !slices.Equal(r.dynamic, of.dynamic) {
		r.exact.forget(r.dynamic, of.dynamic)
		r.returns.forget(r.dynamic, of.dynamic)
	}
	r.source = of
	r.kernel, r.kernelMappings, r.warnings = newKernel(&of)
	r.spaces, r.user, r.unnamed = sh.spaces, map[uint64]int32{}, map[mappingKey]error{}
	return r
}

// kernelStack appends the locations of kernel addresses, leaf first. All but
// the leaf are return addresses: the call is the instruction before, and where
// a call ends its function the address is of the next function already. See
// exactBelow for those that are not.
//
// perf looks up every address as it stands. The names differ from perf's only
// where a call that never returns ends a function: below start_kernel, for
// one. Options.AsPerf does as perf does.
func (r *resolver) kernelStack(stack Stack, addrs []uint64) Stack {
	exact := true
	for _, a := range addrs {
		loc := r.kernelLocation(a, exact || r.asPerf)
		stack = append(stack, loc)
		exact = r.below[loc]
	}
	return stack
}

func (r *resolver) name(loc int32) string {
	if f := r.locations.list[loc].Function; f >= 0 {
		return r.functions.list[f].Name
	}
	return ""
}

// exactBelow says whether the address below a function of that name, on a
// stack, is no return address:
//
//   - Below the code that an interrupt or a fault enters the kernel by it is
//     the instruction interrupted; the unwinder stores regs->ip as it is
//     (arch/x86/kernel/unwind_orc.c unwind_next_frame; entries are
//     asm_sysvec_*, asm_exc_*, asm_common_interrupt of arch/x86/include/asm/
//     idtentry.h, el1h_64_* of arch/arm64/kernel/entry.S; 6.12).
//   - In a retpoline it is where the jump goes: the thunk overwrites its own
//     return address (arch/x86/lib/retpoline.S, 6.12).
func exactBelow(name string) bool {
	return strings.HasPrefix(name, "asm_") || strings.HasPrefix(name, "el1h_64_") ||
		strings.Contains(name, "__x86_indirect_") || strings.HasSuffix(name, "return_thunk") ||
		strings.HasSuffix(name, "safe_ret")
}

func (r *resolver) kernelLocation(addr uint64, exact bool) int32 {
	known := &r.returns
	if exact {
		known = &r.exact
	}
	last := known.last(addr)
	if last.set && last.addr == addr {
		return last.loc
	}
	loc, ok := known.all[addr]
	if !ok {
		loc = r.newKernelLocation(addr, exact)
		known.all[addr] = loc
		for len(r.below) <= int(loc) {
			r.below = append(r.below, false)
		}
		r.below[loc] = exactBelow(r.name(loc))
	}
	*last = location{addr, loc, true}
	return loc
}

// Resolved are locations by address. Most are found among the recent ones,
// without a map: a kernel has some thousand addresses on its stacks.
type resolved struct {
	all    map[uint64]int32
	recent []location // by a hash of the address
}

type location struct {
	addr uint64
	loc  int32
	set  bool
}

const recentBits = 13

func (r *resolved) last(addr uint64) *location {
	return &r.recent[addr*0x9e3779b97f4a7c15>>(64-recentBits)]
}

// forget drops the addresses in code made at run time: that of the next recording may
// be elsewhere.
func (r *resolved) forget(code ...[]perfdata.KSymbol) {
	all := slices.Concat(code...)
	first, last := ^uint64(0), uint64(0)
	for _, s := range all {
		first, last = min(first, s.Addr), max(last, s.Addr+min(uint64(s.Len), ^s.Addr))
	}
	for addr := range r.all {
		if addr < first || addr > last {
			continue // of the kernel itself, as most are
		}
		if slices.ContainsFunc(all, func(s perfdata.KSymbol) bool { return addr-s.Addr <= uint64(s.Len) }) {
			delete(r.all, addr)
			*r.last(addr) = location{}
		}
	}
}

func newResolved() resolved {
	return resolved{map[uint64]int32{}, make([]location, 1<<recentBits)}
}

func (r *resolver) newKernelLocation(addr uint64, exact bool) int32 {
	if addr == hypervisorFrame {
		return r.place(0, Mapping{File: Hypervisor}, "")
	}
	at := addr
	if !exact && at > 0 {
		at--
	}
	s, file, _ := r.kernel.Lookup(at)
	file = cmp.Or(file, Unknown)
	m, ok := r.kernelMappings[file]
	if !ok {
		m = Mapping{File: file}
	}
	m.Kernel = true
	return r.place(addr, m, s.Name)
}

// place returns the location of an address, of a mapping, in the function of
// that name, "" if it has none.
func (r *resolver) place(addr uint64, m Mapping, function string) int32 {
	l := Location{Address: addr, Mapping: -1, Function: -1}
	if m.File != "" {
		l.Mapping = int(r.mappings.add(mappingKey{m.File, m.BuildID}, m))
	}
	if function != "" {
		f := Function{Name: function, Mapping: l.Mapping}
		l.Function = int(r.functions.add(f, f))
	}
	return r.locations.add(l, l)
}

// userStack appends the locations of user words, leaf first.
func (r *resolver) userStack(stack Stack, words []uint64) Stack {
	for _, w := range words {
		loc, ok := r.user[w]
		if !ok {
			loc = r.newUserLocation(w)
			r.user[w] = loc
		}
		stack = append(stack, loc)
	}
	return stack
}

func (r *resolver) newUserLocation(word uint64) int32 {
	switch word {
	case userTime:
		return r.place(0, Mapping{File: UserTime}, UserTime)
	case guestTime:
		return r.place(0, Mapping{File: GuestTime}, GuestTime)
	case unmapped:
		return r.place(0, Mapping{}, "")
	}
	f := &r.spaces.files[word>>functionBits]
	if f.names.err != nil {
		r.unnamed[mappingKey{f.name, f.buildID}] = f.names.err
	}
	s := f.names.at(word & functionMask)
	return r.place(s.Start, Mapping{File: f.name, BuildID: f.buildID}, s.Name)
}

// newKernel puts together what a recording and the options know of the
// kernel. The mappings are by the names that Kernel.Lookup returns.
func newKernel(of *source) (*symbols.Kernel, map[string]Mapping, []bundle.Warning) {
	ids := map[string]string{}
	for _, b := range of.buildIDs {
		ids[b.File] = b.ID
	}
	var warnings []bundle.Warning
	t, err := of.kernelTable(ids[symbols.KernelImage])
	if err != nil {
		warnings = append(warnings, bundle.Warn("", "kernel frames have no names: %v", err))
	}
	k := symbols.NewKernel(t)
	mappings := map[string]Mapping{}
	for i := range of.mmaps {
		if warning := addKernelMmap(k, &of.mmaps[i], mappings, ids, of.store); warning != "" {
			warnings = append(warnings, bundle.Warn("", "%s", warning))
		}
	}
	if reused := addDynamic(k, of.dynamic); reused > 0 {
		warnings = append(warnings, bundle.Warn("", "%d BPF programs or trampolines took the address of an "+
			"earlier one while recording: samples of either bear the later name", reused))
	}
	k.Seal()
	return k, mappings, warnings
}

// kernelTable picks the table of kernel symbols: the snapshot taken with the recording, else perf's cache of that
// build.
func (s *source) kernelTable(buildID string) (*symbols.Table, error) {
	if s.table.Usable() == nil {
		return s.table, nil
	}
	if t, err := s.store.Kallsyms(buildID); err == nil && t.Usable() == nil {
		return t, nil
	}
	return nil, s.table.Usable()
}

// addKernelMmap adds the mapping of the kernel or of a module.
func addKernelMmap(k *symbols.Kernel, m *perfdata.Mmap, mappings map[string]Mapping, ids map[string]string,
	store *symbols.Store) (warning string) {
	end := m.Start + m.Len
	if end < m.Start {
		end = ^uint64(0)
	}
	if anchor, ok := strings.CutPrefix(m.File, symbols.KernelImage); ok {
		k.AddImage(m.Start, end)
		mappings[symbols.KernelImage] = Mapping{File: symbols.KernelImage, BuildID: ids[symbols.KernelImage],
			Start: m.Start, Limit: end}
		moved, err := k.Relocate(anchor, m.PgOff)
		switch {
		case err != nil:
			return "kernel frames have no names: " + err.Error()
		case moved:
			return "the kernel symbols are of another boot: modules and BPF programs are not named by them"
		}
		return ""
	}
	id := m.BuildID
	if id == "" {
		id = ids[m.File]
	}
	k.AddModule(m.File, m.Start, end, func() *symbols.Object {
		o, _ := store.Object(m.File, id)
		return o
	})
	name := "[" + symbols.ModuleName(m.File) + "]"
	mappings[name] = Mapping{File: name, BuildID: id, Start: m.Start, Limit: end}
	return ""
}

// addDynamic adds code the kernel made at run time: BPF programs, and the
// trampolines of ftrace and kprobes, by the module names kallsyms gives them, and
// returns how many took the address of an earlier one.
func addDynamic(k *symbols.Kernel, ks []perfdata.KSymbol) (reused int) {
	const typeBPF = 1 // PERF_RECORD_KSYMBOL_TYPE_BPF
	names := map[uint64]string{}
	for _, s := range ks {
		if s.Unregister || s.Len == 0 {
			continue
		}
		module := "__builtin__kprobes"
		switch {
		case s.Type == typeBPF:
			module = "bpf"
		case strings.HasPrefix(s.Name, "ftrace"):
			module = "__builtin__ftrace"
		}
		if old, ok := names[s.Addr]; ok && old != s.Name {
			reused++
		}
		names[s.Addr] = s.Name
		k.AddDynamic(s.Name, module, s.Addr, s.Len)
	}
	return reused
}
