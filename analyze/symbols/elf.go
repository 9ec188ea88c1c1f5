package symbols

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits of one ELF file: what a header may make this package read. The
// symbol table of vmlinux has about 10 MB, that of a browser about 100 MB.
const (
	maxSymtab    = 512 << 20
	maxNote      = 64 << 10
	maxDebugData = 64 << 20 // .gnu_debugdata, unpacked
	maxNamed     = 8        // bytes of all names for each of the string table
)

// An Object is the symbol table of an ELF file and what is needed to find a
// sampled address in it.
type Object struct {
	Table   *Table // at the addresses of the program headers; a module's at offsets from its first byte of text
	BuildID string // hex, "" if the file has none

	segments []segment
	full     bool // has the local functions too: .symtab or .gnu_debugdata
}

// A segment is what of the file is loaded where.
type segment struct{ offset, size, vaddr uint64 }

// An ELFError says what is wrong with an ELF file.
type ELFError struct {
	Part string // "header", ".symtab", "notes", ".gnu_debugdata"
	Err  error
}

func (e *ELFError) Error() string { return fmt.Sprintf("reading ELF %s: %v", e.Part, e.Err) }
func (e *ELFError) Unwrap() error { return e.Err }

// ReadELF reads the symbols of an ELF file: vmlinux, a kernel module, a
// program, a shared library, or a file of debug information. It takes .symtab,
// else .dynsym with the symbols of .gnu_debugdata (minidebuginfo). The file is
// not trusted; what it makes this package allocate is bounded by its size, and
// by 64 MiB where it is compressed. Errors are *ELFError.
func ReadELF(r io.ReaderAt) (*Object, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, &ELFError{"header", err}
	}
	defer f.Close()
	return readObject(f, true)
}

func readObject(f *elf.File, mini bool) (*Object, error) {
	o := &Object{BuildID: buildID(f)}
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			o.segments = append(o.segments, segment{p.Off, p.Filesz, p.Vaddr})
		}
	}
	e := elfReader{f: f, place: placeSections(f)}
	if err := e.readSymbols(mini); err != nil {
		return nil, err
	}
	o.Table, o.full = e.table(), e.full
	return o, nil
}

// FindOffset returns the number in Table of the symbol of the byte at an offset in the file (for a sampled address,
// address - mapping start + mapping offset), or -1.
func (o *Object) FindOffset(off uint64) int {
	if o == nil {
		return -1
	}
	for _, s := range o.segments {
		if off >= s.offset && off-s.offset < s.size {
			return o.Table.Find(off - s.offset + s.vaddr)
		}
	}
	return -1
}

// lookupModule returns the symbol at an offset from where a kernel module was
// loaded.
func (o *Object) lookupModule(off uint64) (Symbol, bool) {
	if o == nil {
		return Symbol{}, false
	}
	return o.Table.Lookup(off)
}

// An elfReader collects the symbols of one file.
type elfReader struct {
	f     *elf.File
	b     builder
	place []uint64 // what to add to a symbol of section i; notPlaced
	named int      // bytes of names so far
	full  bool
}

func (e *elfReader) readSymbols(mini bool) error {
	if s := section(e.f, elf.SHT_SYMTAB, ""); s != nil {
		e.full = true
		return e.symtab(s)
	}
	if s := section(e.f, elf.SHT_DYNSYM, ""); s != nil {
		if err := e.symtab(s); err != nil {
			return err
		}
	}
	if s := section(e.f, elf.SHT_PROGBITS, ".gnu_debugdata"); s != nil && mini {
		return e.miniDebugInfo(s)
	}
	return nil
}

// miniDebugInfo adds the symbols of an xz-compressed ELF file that holds what
// .dynsym does not: the local functions of a stripped file
// (Fedora's "MiniDebugInfo"; GDB manual, section 18.4).
func (e *elfReader) miniDebugInfo(s *elf.Section) error {
	packed, err := sectionData(s)
	if err != nil {
		return &ELFError{".gnu_debugdata", err}
	}
	var plain bytes.Buffer
	if err := unxz(&plain, bytes.NewReader(packed), maxDebugData); err != nil {
		return &ELFError{".gnu_debugdata", err}
	}
	f, err := elf.NewFile(bytes.NewReader(plain.Bytes()))
	if err != nil {
		return &ELFError{".gnu_debugdata", err}
	}
	defer f.Close()
	inner := elfReader{f: f, b: e.b, place: placeSections(f)}
	if err := inner.readSymbols(false); err != nil {
		return &ELFError{".gnu_debugdata", err}
	}
	e.b, e.full = inner.b, inner.full
	return nil
}

// symtab adds the symbols of one SHT_SYMTAB or SHT_DYNSYM section. It decodes
// the bytes itself: debug/elf makes a struct and a string of every symbol.
func (e *elfReader) symtab(s *elf.Section) error {
	if int(s.Link) >= len(e.f.Sections) {
		return &ELFError{s.Name, fmt.Errorf("string table %d of %d sections", s.Link, len(e.f.Sections))}
	}
	syms, err := sectionData(s)
	if err != nil {
		return &ELFError{s.Name, err}
	}
	names, err := sectionData(e.f.Sections[s.Link])
	if err != nil {
		return &ELFError{s.Name + " names", err}
	}
	size, decode := elf.Sym32Size, decodeSym32
	if e.f.Class == elf.ELFCLASS64 {
		size, decode = elf.Sym64Size, decodeSym64
	}
	for ; len(syms) >= size; syms = syms[size:] {
		e.symbol(decode(e.f.ByteOrder, syms), names)
	}
	return nil
}

func decodeSym32(o binary.ByteOrder, b []byte) elf.Sym64 {
	return elf.Sym64{Name: o.Uint32(b), Value: uint64(o.Uint32(b[4:])), Size: uint64(o.Uint32(b[8:])),
		Info: b[12], Other: b[13], Shndx: o.Uint16(b[14:])}
}

func decodeSym64(o binary.ByteOrder, b []byte) elf.Sym64 {
	return elf.Sym64{Name: o.Uint32(b), Info: b[4], Other: b[5], Shndx: o.Uint16(b[6:]),
		Value: o.Uint64(b[8:]), Size: o.Uint64(b[16:])}
}

// symbol adds a function, or a place in assembly, that lies in executable
// code.
func (e *elfReader) symbol(s elf.Sym64, names []byte) {
	typ := elf.ST_TYPE(s.Info)
	k := kindLabel
	switch {
	case typ == elf.STT_FUNC || typ == elf.STT_GNU_IFUNC:
		k = kindOf(elf.ST_BIND(s.Info))
	case typ != elf.STT_NOTYPE || elf.ST_VISIBILITY(s.Other) != elf.STV_DEFAULT:
		return
	}
	i := int(s.Shndx)
	if i >= len(e.place) || e.place[i] == notPlaced {
		return // undefined, absolute, data, or code that is thrown away
	}
	if uint64(s.Name) >= uint64(len(names)) {
		return
	}
	name, _, ok := bytes.Cut(names[s.Name:], []byte{0})
	if !ok || len(name) == 0 || name[0] == '$' || name[0] == '.' && k == kindLabel {
		return
	}
	if e.named += len(name); e.named > maxNamed*len(names) {
		return // symbols of a made-up table: those of a linker share the ends of names at most
	}
	if e.f.Machine == elf.EM_ARM && k != kindLabel {
		s.Value &^= 1 // the bit says Thumb
	}
	start := s.Value + e.place[i]
	e.b.add(name, "", start, start+s.Size, k)
}

func kindOf(b elf.SymBind) kind {
	switch b {
	case elf.STB_GLOBAL, elf.STB_LOOS: // STB_GNU_UNIQUE
		return kindGlobal
	case elf.STB_WEAK:
		return kindWeak
	}
	return kindLocal
}

// table ends the symbols that have no size, and keeps the best of each
// address.
func (e *elfReader) table() *Table {
	for i, s := range e.f.Sections {
		if e.place[i] != notPlaced {
			end := s.Size + e.place[i]
			if e.f.Type != elf.ET_REL {
				end += s.Addr
			}
			e.b.add(nil, "", end, end, kindLabel)
		}
	}
	e.b.sort()
	es := e.b.entries
	for i := range es {
		if es[i].end == es[i].start && i+1 < len(es) {
			es[i].end = es[i+1].start
		}
	}
	e.b.entries = e.b.best(es)
	return e.b.table()
}

// best keeps one entry an address, and no label inside a function: its loops
// and tails are not what a report names.
func (b *builder) best(es []entry) []entry {
	kept := es[:0]
	var covered uint64 // end of the furthest function so far
	for i := range es {
		e := es[i]
		if e.kind == kindLabel && e.nameLen > 0 && e.start < covered {
			continue
		}
		if n := len(kept); n > 0 && kept[n-1].start == e.start {
			if b.better(&e, &kept[n-1]) {
				kept[n-1] = e
			}
		} else {
			kept = append(kept, e)
		}
		if e.kind != kindLabel {
			covered = max(covered, e.end)
		}
	}
	return kept
}

// better says whether x names an address better than y, which came first:
// perf's choose_best_symbol (tools/perf/util/symbol.c, 6.12).
func (b *builder) better(x, y *entry) bool {
	if (x.nameLen == 0) != (y.nameLen == 0) {
		return x.nameLen > 0
	}
	if (x.end == x.start) != (y.end == y.start) {
		return x.end > x.start
	}
	if x.kind != y.kind && (x.kind == kindLabel || y.kind == kindLabel) {
		return y.kind == kindLabel
	}
	if x.kind != y.kind && (x.kind == kindWeak || y.kind == kindWeak) {
		return y.kind == kindWeak
	}
	if x.kind != y.kind {
		return x.kind == kindGlobal
	}
	nx, ny := b.name(x), b.name(y)
	if ux, uy := underscores(nx), underscores(ny); ux != uy {
		return ux < uy
	}
	return len(nx) > len(ny)
}

func underscores(s string) int { return len(s) - len(strings.TrimLeft(s, "_")) }

// section returns the first section of a type, and of a name unless "".
func section(f *elf.File, t elf.SectionType, name string) *elf.Section {
	for _, s := range f.Sections {
		if s.Type == t && (name == "" || s.Name == name) {
			return s
		}
	}
	return nil
}

var errSection = errors.New("the section is compressed or larger than a symbol table can be")

// sectionData reads a section of bounded size. debug/elf reads in chunks, so a
// size beyond the end of the file is an error before it is memory.
func sectionData(s *elf.Section) ([]byte, error) {
	if s.Size > maxSymtab || s.Flags&elf.SHF_COMPRESSED != 0 {
		return nil, errSection
	}
	return s.Data()
}
