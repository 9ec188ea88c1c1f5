package symbols

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// A Symbol is a named range of addresses.
type Symbol struct {
	Name   string
	Module string // "" for the kernel image and for user files; "esp4", "bpf", "__builtin__ftrace"
	Start  uint64 // first address
	End    uint64 // address after the last
}

// A Table names addresses. The zero Table and the nil *Table name none.
// It costs 20 bytes a symbol and the bytes of the names.
type Table struct {
	hidden int // symbols at address 0, if there are no others

	starts  []uint64
	sizes   []uint32
	nameOff []uint32
	nameLen []uint16
	module  []uint16 // index into modules; nil if no symbol has one

	// parent[i] is the symbol to ask if an address is past the end of symbol
	// i: the nearest one before it that reaches further; -1 if none does. nil
	// if no two symbols overlap.
	parent []int32

	arena   string
	modules []string
	anchors map[string]uint64 // addresses of anchorNames, aliases or not
}

// anchorNames are the symbols perf record relates a kernel's addresses to
// (ref_reloc_sym_names, tools/perf/util/machine.c).
var anchorNames = [...]string{"_text", "_stext"}

// Len returns the number of symbols.
func (t *Table) Len() int {
	if t == nil {
		return 0
	}
	return len(t.starts)
}

// Lookup returns the symbol that covers addr.
func (t *Table) Lookup(addr uint64) (Symbol, bool) {
	i := t.Find(addr)
	if i < 0 {
		return Symbol{}, false
	}
	return t.At(i), true
}

// At returns symbol i of Len, in the order of addresses. Two readings of one
// file number its symbols alike.
func (t *Table) At(i int) Symbol {
	s := Symbol{
		Name:  t.arena[t.nameOff[i] : t.nameOff[i]+uint32(t.nameLen[i])],
		Start: t.starts[i],
		End:   t.starts[i] + uint64(t.sizes[i]),
	}
	if t.module != nil {
		s.Module = t.modules[t.module[i]]
	}
	return s
}

// Find returns the number of the symbol that covers addr, for At, or -1.
func (t *Table) Find(addr uint64) int {
	if t == nil {
		return -1
	}
	i := sort.Search(len(t.starts), func(i int) bool { return t.starts[i] > addr }) - 1
	for i >= 0 && addr-t.starts[i] >= uint64(t.sizes[i]) {
		if t.parent == nil {
			return -1
		}
		i = int(t.parent[i])
	}
	return i
}

// maxNesting bounds how many symbols may lie inside one another before the
// outer ones are no longer asked: a look-up never takes more steps.
const maxNesting = 32

// maxName is the longest name kept; the rest of a longer one is cut off.
const maxName = math.MaxUint16

// A builder collects symbols in any order.
type builder struct {
	entries []entry
	arena   []byte
	modules []string
	byName  map[string]uint16
	anchors map[string]uint64
}

type entry struct {
	start, end uint64 // end == start: not known, reaches to the next
	nameOff    uint32
	nameLen    uint16 // 0: an end mark, not a symbol
	module     uint16
	kind       kind
}

// kind orders symbols at one address; see better.
type kind uint8

const (
	kindGlobal kind = iota
	kindLocal
	kindWeak
	kindLabel // no type: a place in assembly
)

// add appends a symbol. An empty name makes an end mark: nothing before it
// reaches past it.
func (b *builder) add(name []byte, module string, start, end uint64, k kind) {
	if len(name) > maxName {
		name = name[:maxName]
	}
	if uint64(len(b.arena))+uint64(len(name)) > math.MaxUint32 {
		return // 4 GiB of names: the readers' limits stop long before
	}
	b.entries = append(b.entries, entry{
		start: start, end: max(start, end),
		nameOff: uint32(len(b.arena)), nameLen: uint16(len(name)),
		module: b.moduleIndex(module), kind: k,
	})
	b.arena = append(b.arena, name...)
	b.anchor(name, start)
}

// anchor keeps the address of an anchor: its name may lose to an alias.
func (b *builder) anchor(name []byte, addr uint64) {
	if len(name) == 0 || len(name) > len("_stext") || name[0] != '_' {
		return
	}
	for _, a := range anchorNames {
		if string(name) == a {
			if b.anchors == nil {
				b.anchors = map[string]uint64{}
			}
			b.anchors[a] = addr
		}
	}
}

// moduleIndex numbers the modules from 0 = "none". There can be no more than
// 65535; symbols of further ones lose the module, not the name.
func (b *builder) moduleIndex(name string) uint16 {
	if b.modules == nil {
		b.modules, b.byName = []string{""}, map[string]uint16{"": 0}
	}
	i, ok := b.byName[name]
	if !ok && len(b.modules) <= math.MaxUint16 {
		i = uint16(len(b.modules))
		b.modules = append(b.modules, name)
		b.byName[name] = i
	}
	return i
}

func (b *builder) name(e *entry) string {
	return string(b.arena[e.nameOff : e.nameOff+uint32(e.nameLen)])
}

// sort orders by address; symbols at one address keep their order.
func (b *builder) sort() {
	byStart := func(x, y entry) int {
		switch {
		case x.start < y.start:
			return -1
		case x.start > y.start:
			return 1
		}
		return 0
	}
	if !slices.IsSortedFunc(b.entries, byStart) {
		slices.SortStableFunc(b.entries, byStart)
	}
}

// table makes the table of the entries, which must be sorted, have ends, and
// be one an address.
func (b *builder) table() *Table {
	n := 0
	for i := range b.entries {
		if b.entries[i].nameLen > 0 {
			n++
		}
	}
	t := &Table{
		starts: make([]uint64, 0, n), sizes: make([]uint32, 0, n),
		nameOff: make([]uint32, 0, n), nameLen: make([]uint16, 0, n),
		arena: string(b.arena), anchors: b.anchors,
	}
	if len(b.modules) > 1 {
		t.modules, t.module = b.modules, make([]uint16, 0, n)
	}
	for i := range b.entries {
		if e := &b.entries[i]; e.nameLen > 0 {
			t.push(e)
		}
	}
	t.nest()
	return t
}

func (t *Table) push(e *entry) {
	t.starts = append(t.starts, e.start)
	t.sizes = append(t.sizes, uint32(min(e.end-e.start, math.MaxUint32)))
	t.nameOff = append(t.nameOff, e.nameOff)
	t.nameLen = append(t.nameLen, e.nameLen)
	if t.module != nil {
		t.module = append(t.module, e.module)
	}
}

// nest sets parent if any symbol reaches into the next one.
func (t *Table) nest() {
	end := func(i int) uint64 { return t.starts[i] + uint64(t.sizes[i]) }
	overlap := false
	for i := 1; i < len(t.starts); i++ {
		overlap = overlap || end(i-1) > t.starts[i]
	}
	if !overlap {
		return
	}
	t.parent = make([]int32, len(t.starts))
	var open []int // each reaches further than the one after it
	for i := range t.starts {
		for len(open) > 0 && end(open[len(open)-1]) <= end(i) {
			open = open[:len(open)-1]
		}
		t.parent[i] = -1
		if n := len(open); n > 0 && n < maxNesting {
			t.parent[i] = int32(open[n-1])
		}
		open = append(open, i)
	}
}

// An UnusableError says why a table names nothing, and what helps. It never stands in the way of the samples: they are
// kept, without names.
type UnusableError struct {
	Why string // what was found
	Fix string // a command or a sentence
}

func (e *UnusableError) Error() string { return e.Why + "; " + e.Fix }

// Usable returns nil if the table can name anything, else an *UnusableError. The sentences are about kernel symbols,
// the only ones a report can't do without.
func (t *Table) Usable() error {
	const again = "record again with /proc/kallsyms snapshotted, or give the kernel's vmlinux"
	switch {
	case t == nil:
		return &UnusableError{"there are no kernel symbols", again}
	case t.hidden > 0:
		return &UnusableError{
			fmt.Sprintf("all %d kallsyms addresses are 0 (kernel.kptr_restrict hides them)", t.hidden),
			"run as root: sysctl kernel.kptr_restrict=0, then record again"}
	case len(t.starts) == 0:
		return &UnusableError{
			"kallsyms has no text symbol (a kernel without CONFIG_KALLSYMS, or an empty snapshot)", again}
	}
	return nil
}
