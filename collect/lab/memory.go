package lab

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf/btf"

	"xfrmscope/collect/probe"
)

// A memory reads a guest's memory by the kernel's own tables: page tables, struct
// page, slab caches. Of what is not as expected nothing is read: names are missing
// then, and nothing else.
type memory struct {
	ram     []byte
	symbols map[string]uint64

	direct  uint64 // where all memory is mapped (page_offset_base)
	pages   uint64 // where its struct pages are (vmemmap_base)
	pgd     uint64 // the kernel's page table, physical
	levels  int
	perCPU  []uint64 // what is added to a per-CPU symbol, by CPU
	offsets slabOffsets
}

// slabOffsets are where the fields lie that lead to a slab's object.
type slabOffsets struct{ cache, pageType, name, size, objectSize, leftPad, pageSize uint64 }

const (
	pageTypeSlab = 0xf5    // PGTY_slab, include/linux/page-flags.h, 6.12 and 7.3
	moduleBase   = 1 << 30 // of the mapping of the kernel's image, which modules follow
)

func newMemory(ram []byte, symbols map[string]uint64, cpus int, t *types) (*memory, error) {
	m := &memory{ram: ram, symbols: symbols, levels: 4}
	for _, v := range []struct {
		symbol string
		to     *uint64
	}{{"page_offset_base", &m.direct}, {"vmemmap_base", &m.pages}} {
		at, ok := symbols[v.symbol]
		if *v.to = m.word(at); !ok || *v.to == 0 {
			return nil, fmt.Errorf("the kernel has no %s", v.symbol)
		}
	}
	if m.direct == 0xff11000000000000 { // __PAGE_OFFSET_BASE_L5
		m.levels = 5
	}
	table, ok := symbols["init_top_pgt"]
	if !ok {
		return nil, fmt.Errorf("the kernel has no init_top_pgt")
	}
	m.pgd = table - textBase
	for cpu := range uint64(cpus) {
		m.perCPU = append(m.perCPU, m.word(symbols["__per_cpu_offset"]+8*cpu))
	}
	for _, f := range []struct {
		structure, field string
		to               *uint64
	}{
		{"slab", "slab_cache", &m.offsets.cache}, {"page", "page_type", &m.offsets.pageType},
		{"kmem_cache", "name", &m.offsets.name}, {"kmem_cache", "size", &m.offsets.size},
		{"kmem_cache", "object_size", &m.offsets.objectSize},
	} {
		if *f.to, ok = t.offset(f.structure, f.field); !ok {
			return nil, fmt.Errorf("the kernel's BTF has no %s.%s", f.structure, f.field)
		}
	}
	if m.offsets.leftPad, ok = t.offset("kmem_cache", "red_left_pad"); !ok {
		m.offsets.leftPad = 0 // without CONFIG_SLUB_DEBUG
	}
	page, ok := t.structs["page"]
	if !ok {
		return nil, fmt.Errorf("the kernel's BTF has no struct page")
	}
	m.offsets.pageSize = uint64(page.Size)
	return m, nil
}

// physical translates an address of the kernel's.
func (m *memory) physical(va uint64) (uint64, bool) {
	if off := va - m.direct; off < uint64(len(m.ram)) {
		return off, true
	}
	if off := va - textBase; off < moduleBase {
		return off, off < uint64(len(m.ram))
	}
	table := m.pgd
	for level := m.levels; level > 0; level-- {
		shift := 12 + 9*(level-1)
		at := table + va>>shift&511*8
		if at+8 > uint64(len(m.ram)) {
			return 0, false
		}
		entry := binary.LittleEndian.Uint64(m.ram[at:])
		if entry&1 == 0 {
			return 0, false
		}
		table = entry & 0x000ffffffffff000
		if level == 1 || entry&0x80 != 0 {
			page := uint64(1)<<shift - 1
			pa := table&^page | va&page
			return pa, pa < uint64(len(m.ram))
		}
	}
	return 0, false
}

// bytes returns n bytes at an address, nil if they are not there.
func (m *memory) bytes(va, n uint64) []byte {
	pa, ok := m.physical(va)
	if !ok || pa+n > uint64(len(m.ram)) {
		return nil
	}
	return m.ram[pa : pa+n]
}

// word returns 8 bytes at an address, 0 if they are not there.
func (m *memory) word(va uint64) uint64 {
	if b := m.bytes(va, 8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (m *memory) half(va uint64) uint64 {
	if b := m.bytes(va, 4); b != nil {
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return 0
}

// An object is one of a slab cache.
type object struct {
	cache string
	start uint64 // in the direct mapping
	size  uint64
}

// object returns the slab cache's object an address is in.
func (m *memory) object(va uint64) (object, bool) {
	pa, ok := m.physical(va)
	if !ok {
		return object{}, false
	}
	o := &m.offsets
	page := m.pages + pa>>12*o.pageSize
	cache := m.word(page + o.cache)
	if cache&1 == 1 { // a tail page: it points to the head, or holds a mask of the head's address
		if head := cache - 1; head-m.pages < uint64(len(m.ram))>>12*o.pageSize {
			page = head
		} else {
			page &= cache
		}
		cache = m.word(page + o.cache)
	}
	size := m.half(cache + o.size)
	if m.half(page+o.pageType)>>24 != pageTypeSlab || size == 0 {
		return object{}, false
	}
	slab := m.direct + (page-m.pages)/o.pageSize<<12
	start := slab + (m.direct+pa-slab)/size*size
	if o.leftPad != 0 {
		start += m.half(cache + o.leftPad)
	}
	name, _, _ := bytes.Cut(m.bytes(m.word(cache+o.name), 64), []byte{0})
	return object{string(name), start, m.half(cache + o.objectSize)}, len(name) > 0
}

// types are the structures of the kernel.
type types struct {
	structs map[string]*btf.Struct
	leads   map[*btf.Struct][]lead
}

// A lead is a pointer within a structure, to another one.
type lead struct {
	offset uint64
	to     *btf.Struct
}

func newTypes(raw []byte) (*types, error) {
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("the kernel's BTF: %w", err)
	}
	t := &types{structs: map[string]*btf.Struct{}, leads: map[*btf.Struct][]lead{}}
	for typ, err := range spec.All() {
		if err != nil {
			return nil, fmt.Errorf("the kernel's BTF: %w", err)
		}
		if s, ok := typ.(*btf.Struct); ok && s.Name != "" && s.Size > 0 && t.structs[s.Name] == nil {
			t.structs[s.Name] = s
		}
	}
	return t, nil
}

// offset returns where a member of a structure lies, also one of an unnamed member.
func (t *types) offset(structure, member string) (uint64, bool) {
	s, ok := t.structs[structure]
	if !ok {
		return 0, false
	}
	_, at, ok := probe.FindMember(s.Members, member)
	return at, ok
}

// pointers are the leads of a structure.
func (t *types) pointers(s *btf.Struct) []lead {
	if leads, ok := t.leads[s]; ok {
		return leads
	}
	leads := pointersIn(nil, s, 0, 0)
	t.leads[s] = leads
	return leads
}

func pointersIn(leads []lead, t btf.Type, base uint64, depth int) []lead {
	const deepest, longest = 5, 16 // members within members, elements of an array
	if depth > deepest {
		return leads
	}
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Pointer:
		if s, ok := btf.UnderlyingType(t.Target).(*btf.Struct); ok && s.Size > 0 {
			leads = append(leads, lead{base, s})
		}
	case *btf.Array:
		size, err := btf.Sizeof(t.Type)
		for i := range min(uint64(t.Nelems), longest) {
			if err == nil {
				leads = pointersIn(leads, t.Type, base+i*uint64(size), depth+1)
			}
		}
	default:
		for _, m := range probe.MembersOf(t) {
			if m.BitfieldSize == 0 {
				leads = pointersIn(leads, m.Type, base+uint64(m.Offset.Bytes()), depth+1)
			}
		}
	}
	return leads
}
