package symbols

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// An image is a small ELF file in the making.
type image struct {
	typ      elf.Type
	machine  elf.Machine
	sections []testSection
	syms     []testSym
	dynamic  bool   // syms go to .dynsym
	debug    []byte // .gnu_debugdata
	buildID  []byte
}

type testSection struct {
	name  string
	flags elf.SectionFlag
	addr  uint64
	size  uint64
	align uint64
}

type testSym struct {
	name        string
	value, size uint64
	section     int // index into sections; -1 undefined
	bind        elf.SymBind
	typ         elf.SymType
}

const exec_ = elf.SHF_ALLOC | elf.SHF_EXECINSTR

// bytes lays the file out: header, one program header over the first
// section's addresses, contents, section headers.
func (im image) bytes() []byte {
	const headers = 64 + 56
	var body bytes.Buffer
	place := func(b []byte) uint64 {
		off := headers + body.Len()
		body.Write(b)
		return uint64(off)
	}
	names := []byte{0}
	str := func(s string) uint32 {
		at := len(names)
		names = append(append(names, s...), 0)
		return uint32(at)
	}
	sh := []elf.Section64{{}}
	for _, s := range im.sections {
		sh = append(sh, elf.Section64{Name: str(s.name), Type: uint32(elf.SHT_PROGBITS), Flags: uint64(s.flags),
			Addr: s.addr, Off: headers, Size: s.size, Addralign: s.align})
	}
	if im.buildID != nil {
		note := append([]byte{4, 0, 0, 0, byte(len(im.buildID)), 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0},
			im.buildID...)
		sh = append(sh, elf.Section64{Name: str(".note.gnu.build-id"), Type: uint32(elf.SHT_NOTE),
			Off: place(note), Size: uint64(len(note))})
	}
	if im.debug != nil {
		sh = append(sh, elf.Section64{Name: str(".gnu_debugdata"), Type: uint32(elf.SHT_PROGBITS),
			Off: place(im.debug), Size: uint64(len(im.debug))})
	}
	symBytes, symNames := im.symbols()
	typ, symName := elf.SHT_SYMTAB, ".symtab"
	if im.dynamic {
		typ, symName = elf.SHT_DYNSYM, ".dynsym"
	}
	sh = append(sh,
		elf.Section64{Name: str(symName), Type: uint32(typ), Link: uint32(len(sh) + 1), Off: place(symBytes),
			Size: uint64(len(symBytes)), Entsize: 24},
		elf.Section64{Name: str(".strtab"), Type: uint32(elf.SHT_STRTAB), Off: place(symNames),
			Size: uint64(len(symNames))})
	shstr := str(".shstrtab")
	sh = append(sh, elf.Section64{Name: shstr, Type: uint32(elf.SHT_STRTAB), Off: place(names),
		Size: uint64(len(names))})

	h := elf.Header64{Type: uint16(im.typ), Machine: uint16(im.machine), Version: 1, Phoff: 64,
		Shoff:  uint64(headers + body.Len()),
		Ehsize: 64, Phentsize: 56, Phnum: 1, Shentsize: 64, Shnum: uint16(len(sh)),
		Shstrndx: uint16(len(sh) - 1)}
	copy(h.Ident[:], "\x7fELF\x02\x01\x01")
	p := elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X)}
	if len(im.sections) > 0 {
		p.Off, p.Vaddr, p.Filesz, p.Memsz = 0x1000, im.sections[0].addr, 0x10000, 0x10000
	}
	var out bytes.Buffer
	binary.Write(&out, binary.LittleEndian, h)
	binary.Write(&out, binary.LittleEndian, p)
	out.Write(body.Bytes())
	binary.Write(&out, binary.LittleEndian, sh)
	return out.Bytes()
}

func (im image) symbols() (syms, names []byte) {
	var b bytes.Buffer
	names = []byte{0}
	binary.Write(&b, binary.LittleEndian, elf.Sym64{})
	for _, s := range im.syms {
		binary.Write(&b, binary.LittleEndian, elf.Sym64{Name: uint32(len(names)),
			Info:  elf.ST_INFO(s.bind, s.typ),
			Shndx: uint16(s.section + 1), Value: s.value, Size: s.size})
		names = append(append(names, s.name...), 0)
	}
	return b.Bytes(), names
}

func readImage(t *testing.T, im image) *Object {
	t.Helper()
	o, err := ReadELF(bytes.NewReader(im.bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

var program = image{
	typ: elf.ET_DYN, machine: elf.EM_X86_64, buildID: []byte{0xab, 0xcd, 0xef, 1, 2, 3, 4, 5},
	sections: []testSection{{".text", exec_, 0x401000, 0x1000, 16},
		{".data", elf.SHF_ALLOC | elf.SHF_WRITE, 0x402000, 0x100, 8}},
	syms: []testSym{
		{"main", 0x401000, 0x80, 0, elf.STB_GLOBAL, elf.STT_FUNC},
		{"loop_in_main", 0x401040, 0, 0, elf.STB_LOCAL, elf.STT_NOTYPE},
		{"_ZN3foo3barEv", 0x401080, 0x40, 0, elf.STB_LOCAL, elf.STT_FUNC},
		{"__memcpy_alias", 0x401100, 0x40, 0, elf.STB_GLOBAL, elf.STT_FUNC},
		{"memcpy", 0x401100, 0x40, 0, elf.STB_GLOBAL, elf.STT_FUNC},
		{"weak_memcpy_with_a_long_name", 0x401100, 0x40, 0, elf.STB_WEAK, elf.STT_FUNC},
		{"memcpy_local_and_longer", 0x401100, 0x40, 0, elf.STB_LOCAL, elf.STT_FUNC},
		{"outer", 0x401200, 0x100, 0, elf.STB_GLOBAL, elf.STT_FUNC},
		{"inner", 0x401240, 0x10, 0, elf.STB_LOCAL, elf.STT_FUNC},
		{"asm_without_size", 0x401400, 0, 0, elf.STB_GLOBAL, elf.STT_NOTYPE},
		{"asm_next", 0x401480, 0, 0, elf.STB_GLOBAL, elf.STT_FUNC},
		{"table", 0x402000, 0x100, 1, elf.STB_GLOBAL, elf.STT_OBJECT},
		{"printf", 0, 0, -1, elf.STB_GLOBAL, elf.STT_FUNC},
	},
}

func TestELFLookup(t *testing.T) {
	o := readImage(t, program)
	if o.BuildID != "abcdef0102030405" {
		t.Errorf("BuildID = %q", o.BuildID)
	}
	for _, c := range []struct {
		off  uint64 // in the file: 0x1000 is loaded at 0x401000
		want string
	}{
		{0xfff, ""},
		{0x1000, "main"},
		{0x1050, "main"}, // a label does not cut a function
		{0x107f, "main"},
		{0x1080, "_ZN3foo3barEv"},
		{0x10c0, ""}, // padding
		{0x1100, "memcpy"},
		{0x1230, "outer"},
		{0x1248, "inner"},
		{0x1260, "outer"}, // behind what lies inside
		{0x1300, ""},
		{0x1450, "asm_without_size"},
		{0x1480, "asm_next"},
		{0x1fff, "asm_next"}, // to the end of the section
		{0x2000, ""},
	} {
		s, _ := lookupOffset(o, c.off)
		if s.Name != c.want {
			t.Errorf("LookupOffset(%#x) = %q, want %q", c.off, s.Name, c.want)
		}
	}
}

func TestELFModuleLayout(t *testing.T) {
	o := readImage(t, image{
		typ: elf.ET_REL, machine: elf.EM_X86_64,
		sections: []testSection{
			{".text", exec_, 0, 0x123, 16},
			{".init.text", exec_, 0, 0x100, 16},
			{".data", elf.SHF_ALLOC, 0, 0x100, 16},
			{".exit.text", exec_, 0, 0x20, 64},
		},
		syms: []testSym{
			{"esp_output", 0x10, 0x40, 0, elf.STB_LOCAL, elf.STT_FUNC},
			{"init_module", 0, 0x40, 1, elf.STB_GLOBAL, elf.STT_FUNC},
			{"cleanup_module", 0, 0x20, 3, elf.STB_GLOBAL, elf.STT_FUNC},
		},
	})
	k := NewKernel(nil)
	k.AddModule("/lib/modules/6.18.1/esp4.ko", 0xffffffffc0a51000, 0xffffffffc0a61000, func() *Object { return o })
	k.Seal()
	for addr, want := range map[uint64]string{
		0xffffffffc0a51018: "esp_output",
		0xffffffffc0a51148: "cleanup_module", // 0x123 aligned to 0x40
		0xffffffffc0a51000: "",
	} {
		s, mapping, _ := k.Lookup(addr)
		if s.Name != want || mapping != "[esp4]" {
			t.Errorf("Lookup(%#x) = %q in %q, want %q in [esp4]", addr, s.Name, mapping, want)
		}
	}
}

func TestELFMiniDebugInfo(t *testing.T) {
	if _, err := exec.LookPath("xz"); err != nil {
		t.Skip("no xz to pack with")
	}
	inner := program
	inner.syms = []testSym{{"local_function", 0x401300, 0x40, 0, elf.STB_LOCAL, elf.STT_FUNC}}
	for _, args := range [][]string{{"-9"}, {"--check=crc32"}, {"--check=none"}, {"--check=sha256"},
		{"--block-size=512"}} {
		outer := program
		outer.dynamic, outer.debug = true, xz(t, inner.bytes(), args...)
		o := readImage(t, outer)
		for off, want := range map[uint64]string{0x1310: "local_function", 0x1110: "memcpy"} {
			if s, _ := lookupOffset(o, off); s.Name != want {
				t.Errorf("xz %v: LookupOffset(%#x) = %q, want %q", args, off, s.Name, want)
			}
		}
	}
}

func xz(t *testing.T, data []byte, args ...string) []byte {
	t.Helper()
	c := exec.Command("xz", append(args, "-c")...)
	c.Stdin = bytes.NewReader(data)
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestUnxzRefuses(t *testing.T) {
	if _, err := exec.LookPath("xz"); err != nil {
		t.Skip("no xz to pack with")
	}
	good := xz(t, bytes.Repeat([]byte("symbol"), 1000))
	big := bytes.Clone(good)
	big[12+4] = 40 // the dictionary: 4 GiB - 1
	damaged := bytes.Clone(good)
	damaged[40] ^= 1
	for name, c := range map[string]struct {
		data  []byte
		limit int64
	}{
		"a dictionary of 4 GiB": {big, 1 << 20},
		"a result too big":      {good, 5999},
		"a flipped bit":         {damaged, 1 << 20},
		"a cut file":            {good[:len(good)/3], 1 << 20},
		"something else":        {[]byte("hello, hello, hello"), 1 << 20},
	} {
		var out bytes.Buffer
		if err := unxz(&out, bytes.NewReader(c.data), c.limit); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	var out bytes.Buffer
	if err := unxz(&out, bytes.NewReader(good), 6000); err != nil || out.Len() != 6000 {
		t.Errorf("the good one: %d bytes, %v", out.Len(), err)
	}
}

// TestELFOfThisTest reads the test's own file.
func TestELFOfThisTest(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	o, err := ReadELF(f)
	var ee *ELFError
	if errors.As(err, &ee) && ee.Part == "header" {
		t.Skip("tests are no ELF files here:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for i := range o.Table.Len() {
		found = found || o.Table.At(i).Name == "xfrmscope/analyze/symbols.TestELFOfThisTest"
	}
	if o.Table.Len() > 0 && !found {
		t.Error("the test does not find its own name")
	}
	checkTable(t, o.Table)
}

func TestStoreFindsByBuildIDThenPath(t *testing.T) {
	id := "abcdef0102030405"
	other := program
	other.buildID = []byte{1, 2, 3, 4}
	stripped := program
	stripped.syms, stripped.dynamic = program.syms[:1], true
	packaged, inDebug := stripped, program
	packaged.buildID, inDebug.buildID = []byte{0x99, 0x88}, []byte{0x99, 0x88}
	cache := fstest.MapFS{
		".build-id/ab/cdef0102030405/elf":      {Data: program.bytes()},
		".build-id/ab/cdef0102030405/kallsyms": {Data: []byte(smallKallsyms)},
	}
	debug := fstest.MapFS{".build-id/ab/cdef0102030405.debug": {Data: program.bytes()}}
	root := fstest.MapFS{
		"usr/bin/good":                        {Data: program.bytes()},
		"usr/bin/stripped":                    {Data: stripped.bytes()},
		"usr/bin/replaced":                    {Data: other.bytes()},
		"usr/bin/rubbish":                     {Data: []byte("#!/bin/sh\n")},
		"usr/bin/packaged":                    {Data: packaged.bytes()},
		"usr/lib/debug/.build-id/99/88.debug": {Data: inDebug.bytes()},
	}
	for _, c := range []struct {
		name, file, id string
		places         Places
		want           string // name at offset 0x1110, "-" for an error
	}{
		{"perf's cache", "/usr/bin/gone", id, Places{BuildIDs: []fs.FS{cache}}, "memcpy"},
		{"by path", "/usr/bin/good", id, Places{Root: root}, "memcpy"},
		{"by path without build id", "/usr/bin/good", "", Places{Root: root}, "memcpy"},
		{"deleted since", "/usr/bin/good (deleted)", id, Places{Root: root}, "memcpy"},
		{"stripped alone", "/usr/bin/stripped", id, Places{Root: root}, ""},
		{"stripped with debug file", "/usr/bin/stripped", id, Places{Root: root, BuildIDs: []fs.FS{debug}},
			"memcpy"},
		{"stripped with debug package", "/usr/bin/packaged", "9988", Places{Root: root}, "memcpy"},
		{"debug file alone", "/usr/bin/gone", id, Places{BuildIDs: []fs.FS{debug}}, "-"},
		{"replaced by another build", "/usr/bin/replaced", id, Places{Root: root}, "-"},
		{"no ELF file", "/usr/bin/rubbish", "", Places{Root: root}, "-"},
		{"nowhere", "/usr/bin/good", id, Places{}, "-"},
		{"a path that leaves the root", "/../etc/passwd", "", Places{Root: root}, "-"},
		{"not a path", "[vdso]", "", Places{Root: root}, "-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewStore(c.places)
			o, err := s.Object(c.file, c.id)
			var nf *NotFoundError
			if c.want == "-" {
				if !errors.As(err, &nf) {
					t.Errorf("error = %v, want a NotFoundError", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if sym, _ := lookupOffset(o, 0x1110); sym.Name != c.want {
				t.Errorf("name = %q, want %q", sym.Name, c.want)
			}
			if again, _ := s.Object(c.file, c.id); again != o {
				t.Error("the second answer is another object: not kept")
			}
		})
	}
	tab, err := NewStore(Places{BuildIDs: []fs.FS{cache}}).Kallsyms(id)
	if err != nil || tab.Len() == 0 {
		t.Errorf("Kallsyms = %d symbols, %v", tab.Len(), err)
	}
}

func TestStoreUnpacksModules(t *testing.T) {
	module := image{typ: elf.ET_REL, machine: elf.EM_X86_64,
		sections: []testSection{{".text", exec_, 0, 0x100, 16}},
		syms:     []testSym{{"esp_output", 0, 0x40, 0, elf.STB_LOCAL, elf.STT_FUNC}}}.bytes()
	for ext, packer := range map[string]string{".ko": "", ".ko.xz": "xz", ".ko.gz": "gzip", ".ko.zst": "zstd"} {
		data := module
		if packer != "" {
			if _, err := exec.LookPath(packer); err != nil {
				t.Logf("no %s to pack with", packer)
				continue
			}
			c := exec.Command(packer, "-c")
			c.Stdin = bytes.NewReader(module)
			var err error
			if data, err = c.Output(); err != nil {
				t.Fatal(err)
			}
		}
		dir := t.TempDir() // a real file: it has random access
		if err := os.WriteFile(filepath.Join(dir, "esp4"+ext), data, 0o644); err != nil {
			t.Fatal(err)
		}
		o, err := NewStore(Places{Root: os.DirFS(dir)}).Object("/esp4"+ext, "")
		if err != nil {
			t.Errorf("%s: %v", ext, err)
			continue
		}
		if s, _ := o.lookupModule(8); s.Name != "esp_output" {
			t.Errorf("%s: %q", ext, s.Name)
		}
	}
}

func FuzzELF(f *testing.F) {
	f.Add(program.bytes())
	small := program
	small.dynamic, small.typ = true, elf.ET_REL
	f.Add(small.bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := ReadELF(bytes.NewReader(data))
		if err != nil {
			var ee *ELFError
			if !errors.As(err, &ee) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		checkTable(t, o.Table)
		lookupOffset(o, 0x1000)
		o.lookupModule(0x10)
	})
}

func FuzzUnxz(f *testing.F) {
	f.Add([]byte("\xfd7zXZ\x00\x00\x04"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out bytes.Buffer
		unxz(&out, bytes.NewReader(data), 1<<20)
		if out.Len() > 1<<20+1 {
			t.Fatalf("%d bytes out of a limit of 1 MiB", out.Len())
		}
	})
}

// lookupOffset returns the symbol at an offset in a file.
func lookupOffset(o *Object, off uint64) (Symbol, bool) {
	i := o.FindOffset(off)
	if i < 0 {
		return Symbol{}, false
	}
	return o.Table.At(i), true
}
