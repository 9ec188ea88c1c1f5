package bundle

import (
	"encoding/binary"
	"encoding/hex"
)

// BuildIDOfNotes returns the first GNU build id, in hex, in a sequence of ELF notes
// such as /sys/kernel/notes (include/uapi/linux/elf.h, NT_GNU_BUILD_ID), "" if there is
// none. order is that of the machine the notes are from.
func BuildIDOfNotes(notes []byte, order binary.ByteOrder) string {
	const gnuBuildID = 3
	for len(notes) >= 12 {
		nameLen, descLen := uint64(order.Uint32(notes)), uint64(order.Uint32(notes[4:]))
		desc := 12 + (nameLen+3)&^3
		end := desc + descLen
		if end > uint64(len(notes)) {
			return ""
		}
		if order.Uint32(notes[8:]) == gnuBuildID && string(notes[12:12+nameLen]) == "GNU\x00" {
			return hex.EncodeToString(notes[desc:end])
		}
		notes = notes[min((end+3)&^3, uint64(len(notes))):]
	}
	return ""
}
