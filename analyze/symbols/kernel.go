package symbols

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
)

// Names of the mappings that kernel addresses lie in.
const (
	KernelImage = "[kernel.kallsyms]" // perf's name of the kernel image
)

// A Kernel names the addresses of one recorded kernel. Fill it with what the
// recording says (Relocate, AddImage, AddModule, AddDynamic), call Seal, then
// look up; after Seal it may be used from several goroutines.
type Kernel struct {
	table   *Table
	slide   uint64 // table address - recorded address, modulo 2^64
	image   []region
	modules []region
	dynamic *Table // KSYMBOL records
	build   builder
}

// A region is a range of recorded addresses with the file it comes from.
type region struct {
	start, end uint64
	name       string
	object     func() *Object // symbols of the module's .ko; nil if not at hand
}

// NewKernel returns a Kernel that names by t, the kallsyms of the recorded
// kernel or the table of its vmlinux. t may be nil or unusable: the addresses
// then keep their mapping and have no name.
func NewKernel(t *Table) *Kernel { return &Kernel{table: t} }

// A RelocationError says that a table can't be the recorded kernel's.
type RelocationError struct {
	Symbol   string // the symbol a recording gives the address of: "_text", "_stext"
	Recorded uint64 // its address at the time of the recording
}

func (e *RelocationError) Error() string {
	return fmt.Sprintf("the kernel symbols have no %s, which the recording places at %#x: they belong to another "+
		"kernel or are incomplete; use the kallsyms of the recorded kernel", e.Symbol, e.Recorded)
}

// Relocate says that symbol ("_text" or "_stext") was at the address recorded:
// a kernel is placed at random at each boot (KASLR), so a table of another
// boot is off by a constant. perf record puts the symbol in the name of the
// kernel's MMAP record, "[kernel.kallsyms]_text", and the address in its pgoff
// (perf_event__synthesize_kernel_mmap, tools/perf/util/synthetic-events.c).
//
// It returns whether the table is of another boot. Modules and BPF programs
// lie elsewhere then, so their names in the table are not used. After an error
// (*RelocationError) nothing in the table is: a wrong name is worse than none.
func (k *Kernel) Relocate(symbol string, recorded uint64) (moved bool, err error) {
	if k.table.Usable() != nil || recorded == 0 {
		return false, nil
	}
	addr, ok := k.table.anchors[symbol]
	if !ok {
		k.table = nil
		return false, &RelocationError{symbol, recorded}
	}
	k.slide = addr - recorded
	return k.slide != 0, nil
}

// AddImage says that the kernel's own text was at [start, end).
func (k *Kernel) AddImage(start, end uint64) {
	if end > start {
		k.image = append(k.image, region{start: start, end: end, name: KernelImage})
	}
}

// AddModule says that a module was at [start, end). file is what the recording
// calls it, "/lib/modules/6.18.1/kernel/net/ipv4/esp4.ko.xz" or "[esp4]". object
// returns the symbols of the file, nil if they can't be had; it is called at
// most once, for an address that kallsyms does not name. It may be nil.
func (k *Kernel) AddModule(file string, start, end uint64, object func() *Object) {
	if end <= start {
		return
	}
	if object != nil {
		object = sync.OnceValue(object)
	}
	k.modules = append(k.modules, region{start, end, ModuleName(file), object})
}

// AddDynamic says that code of that name was put at [start, start+size) while
// the recording ran or before: a KSYMBOL record. It overrides every table. Of
// two at one place the later call wins.
func (k *Kernel) AddDynamic(name, module string, start uint64, size uint32) {
	k.build.add([]byte(name), module, start, start+uint64(size), kindGlobal)
}

// Seal makes the Kernel ready for look-ups.
func (k *Kernel) Seal() {
	k.dynamic = k.build.latest()
	k.build = builder{}
	byStart := func(a, b region) int { return cmp.Compare(a.start, b.start) }
	slices.SortStableFunc(k.image, byStart)
	slices.SortStableFunc(k.modules, byStart)
}

// Lookup returns the symbol that covers a recorded address and the mapping the
// address lies in: KernelImage, "[bpf]", a module as "[esp4]", or "" if
// nothing is known about it. ok says whether there is a symbol; Start and End
// of it are recorded addresses.
func (k *Kernel) Lookup(addr uint64) (s Symbol, mapping string, ok bool) {
	if s, ok = k.dynamic.Lookup(addr); ok {
		return s, brackets(s.Module), true
	}
	if s, ok = k.byTable(addr); ok {
		if s.Module == "" {
			return s, KernelImage, true
		}
		return s, brackets(s.Module), true
	}
	if r := find(k.modules, addr); r != nil {
		s, ok = r.lookup(addr)
		return s, brackets(r.name), ok
	}
	if find(k.image, addr) != nil {
		return Symbol{}, KernelImage, false
	}
	return Symbol{}, "", false
}

// lookup looks in the module's own file.
func (r *region) lookup(addr uint64) (Symbol, bool) {
	if r.object == nil {
		return Symbol{}, false
	}
	s, ok := r.object().lookupModule(addr - r.start)
	if ok {
		s.Module, s.Start, s.End = r.name, s.Start+r.start, s.End+r.start
	}
	return s, ok
}

// byTable looks in kallsyms. A table of another boot still names the kernel
// image, not the modules and programs, which moved by other distances.
func (k *Kernel) byTable(addr uint64) (Symbol, bool) {
	s, ok := k.table.Lookup(addr + k.slide)
	if !ok || k.slide != 0 && s.Module != "" {
		return Symbol{}, false
	}
	s.Start, s.End = s.Start-k.slide, s.End-k.slide
	return s, true
}

// find returns the region that holds addr, nil if none does. Where two
// overlap, the one that starts later is meant.
func find(rs []region, addr uint64) *region {
	i := sort.Search(len(rs), func(i int) bool { return rs[i].start > addr }) - 1
	if i < 0 || addr >= rs[i].end {
		return nil
	}
	return &rs[i]
}

func brackets(module string) string {
	if module == "" {
		return ""
	}
	return "[" + module + "]"
}

// ModuleName returns what kallsyms calls the module in a file:
// ".../esp4.ko.zst" is "esp4", ".../nf-log.ko" is "nf_log", "[esp4]" is
// "esp4". Dashes become underscores as in the kernel
// (KBUILD_MODNAME, scripts/Makefile.lib).
func ModuleName(file string) string {
	name := file[strings.LastIndexByte(file, '/')+1:]
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if base, _, ok := strings.Cut(name, ".ko"); ok {
		name = base
	}
	return strings.ReplaceAll(name, "-", "_")
}
