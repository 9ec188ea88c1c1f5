package symbols

import (
	"debug/elf"
	"strings"
)

// notPlaced marks a section whose symbols name no sampled address.
const notPlaced = ^uint64(0)

// placeSections returns for each section what to add to its symbols' values:
// 0 if it is executable code of a linked file, its offset from the module's
// base if of a kernel module, else notPlaced.
func placeSections(f *elf.File) []uint64 {
	place := make([]uint64, len(f.Sections))
	var size uint64
	for i, s := range f.Sections {
		place[i] = notPlaced
		if s.Flags&elf.SHF_EXECINSTR == 0 || s.Flags&elf.SHF_ALLOC == 0 {
			continue
		}
		if f.Type != elf.ET_REL {
			place[i] = 0
			continue
		}
		place[i], size = layOut(s, size)
	}
	return place
}

// layOut returns the offset of a module's executable section and the size of
// the module's text with it. The kernel puts the executable sections one after
// the other in the order of the file, each at its alignment, and the .init
// ones elsewhere (layout_sections and module_get_offset_and_type,
// kernel/module/main.c, 6.12).
//
// On arm64 and others the loader enlarges .plt sections (module_frob_arch_
// sections), so nothing behind one has a known place.
func layOut(s *elf.Section, size uint64) (place, newSize uint64) {
	if size == notPlaced || strings.HasPrefix(s.Name, ".plt") {
		return notPlaced, notPlaced
	}
	if strings.HasPrefix(s.Name, ".init") {
		return notPlaced, size
	}
	align := max(s.Addralign, 1)
	if align > 1<<20 || s.Size > 1<<32 {
		return notPlaced, notPlaced
	}
	place = (size + align - 1) / align * align
	return place, place + s.Size
}
