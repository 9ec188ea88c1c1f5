package lab

import (
	"bytes"
	"fmt"
)

// initramfs makes a cpio archive, format newc (Documentation/driver-api/
// early-userspace/buffer-format.rst, 7.3). Names are in the order they were added.
type initramfs struct {
	b   bytes.Buffer
	ino int
}

const (
	modeDir  = 0o040755
	modeFile = 0o100755
	modeChar = 0o020600
)

func (a *initramfs) dir(name string)               { a.entry(name, modeDir, 0, 0, nil) }
func (a *initramfs) file(name string, data []byte) { a.entry(name, modeFile, 0, 0, data) }

// console makes the device that the first program's output goes to.
func (a *initramfs) console() {
	a.dir("dev")
	a.entry("dev/console", modeChar, 5, 1, nil)
}

func (a *initramfs) entry(name string, mode, major, minor int, data []byte) {
	a.ino++
	fmt.Fprintf(&a.b, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		a.ino, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name)+1, 0, name)
	a.pad()
	a.b.Write(data)
	a.pad()
}

func (a *initramfs) pad() {
	for a.b.Len()%4 != 0 {
		a.b.WriteByte(0)
	}
}

// bytes ends the archive.
func (a *initramfs) bytes() []byte {
	a.entry("TRAILER!!!", 0, 0, 0, nil)
	return a.b.Bytes()
}
