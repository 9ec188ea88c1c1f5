package symbols

import (
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
)

// noteGNUBuildID is NT_GNU_BUILD_ID, the type of the note (elf.h).
const noteGNUBuildID = 3

// buildIDOfNotes returns the GNU build id, in hex, in a sequence of ELF notes
// such as /sys/kernel/notes, or "" if there is none. order is the byte order
// of the machine the notes are from.
func buildIDOfNotes(notes []byte, order binary.ByteOrder) string {
	for len(notes) >= 12 {
		nameLen, descLen := uint64(order.Uint32(notes)), uint64(order.Uint32(notes[4:]))
		typ := order.Uint32(notes[8:])
		desc := 12 + (nameLen+3)&^3
		end := desc + descLen
		if end > uint64(len(notes)) {
			return ""
		}
		if typ == noteGNUBuildID && string(notes[12:12+nameLen]) == "GNU\x00" {
			return hex.EncodeToString(notes[desc:end])
		}
		notes = notes[min((end+3)&^3, uint64(len(notes))):]
	}
	return ""
}

// buildID returns the build id of an ELF file: in a note section, or in a note
// segment if the sections are stripped.
func buildID(f *elf.File) string {
	for _, s := range f.Sections {
		if s.Type != elf.SHT_NOTE || s.Size > maxNote {
			continue
		}
		if b, err := s.Data(); err == nil {
			if id := buildIDOfNotes(b, f.ByteOrder); id != "" {
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
			if id := buildIDOfNotes(b, f.ByteOrder); id != "" {
				return id
			}
		}
	}
	return ""
}
