package symbols

import (
	"debug/elf"

	"xfrmscope/collect/bundle"
)

// buildID returns the build id of an ELF file: in a note section, or in a note
// segment if the sections are stripped.
func buildID(f *elf.File) string {
	for _, s := range f.Sections {
		if s.Type != elf.SHT_NOTE || s.Size > maxNote {
			continue
		}
		if b, err := s.Data(); err == nil {
			if id := bundle.BuildIDOfNotes(b, f.ByteOrder); id != "" {
				return id
			}
		}
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_NOTE || p.Filesz > maxNote {
			continue
		}
		b := make([]byte, p.Filesz)
		if n, _ := p.ReadAt(b, 0); n == len(b) {
			if id := bundle.BuildIDOfNotes(b, f.ByteOrder); id != "" {
				return id
			}
		}
	}
	return ""
}
