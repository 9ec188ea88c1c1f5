package perfdata

import (
	"encoding/binary"
	"iter"
	"math/bits"
)

// An order is the byte order of a recording.
type order struct{ big bool }

func (o order) u16(b []byte) uint16 {
	if o.big {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

func (o order) u32(b []byte) uint32 {
	if o.big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

func (o order) u64(b []byte) uint64 {
	if o.big {
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}

// u64s returns the whole words of b.
func (o order) u64s(b []byte) []uint64 {
	var list []uint64
	for ; len(b) >= 8; b = b[8:] {
		list = append(list, o.u64(b))
	}
	return list
}

// records yields the whole records in data with their places. It stops at the
// first that is not.
func (o order) records(data []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for at := 0; at+headerSize <= len(data); {
			size := int(o.u16(data[at+6:]))
			if size < headerSize || at+size > len(data) || !yield(at, data[at:at+size]) {
				return
			}
			at += size
		}
	}
}

// native reports whether the recording has the byte order of this machine, so
// that its words can be used where they lie.
func (o order) native() bool {
	return o.big == (binary.NativeEndian.Uint16([]byte{0, 1}) == 1)
}

// bitField returns the C bit field of width w that begins at bit off in the
// little-endian layout of the u64 v. Compilers for big-endian machines lay bit
// fields out from the other end, so the field's place differs, not only its
// bytes (tools/perf/util/evsel.c evsel__bitfield_swap_branch_flags, 6.1).
func (o order) bitField(v uint64, off, w uint) uint64 {
	if o.big {
		off = 64 - off - w
	}
	return v >> off & (1<<w - 1)
}

// flags returns the u64 of one-bit fields v as a little-endian compiler would
// have laid it out.
func (o order) flags(v uint64) uint64 {
	if o.big {
		return bits.Reverse64(v)
	}
	return v
}

// fields reads the fields of one structure in turn. A read past the end
// returns zero and sets short; nothing is ever allocated by a length that was
// not found to be there.
type fields struct {
	o     order
	b     []byte
	short bool
}

func (f *fields) take(n int) []byte {
	if n < 0 || n > len(f.b) {
		f.short = true
		f.b = nil
		return nil
	}
	p := f.b[:n]
	f.b = f.b[n:]
	return p
}

func (f *fields) u8() uint8 {
	if p := f.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (f *fields) u16() uint16 {
	if p := f.take(2); p != nil {
		return f.o.u16(p)
	}
	return 0
}

func (f *fields) u32() uint32 {
	if p := f.take(4); p != nil {
		return f.o.u32(p)
	}
	return 0
}

func (f *fields) u64() uint64 {
	if p := f.take(8); p != nil {
		return f.o.u64(p)
	}
	return 0
}

// rest returns what is left.
func (f *fields) rest() []byte {
	p := f.b
	f.b = nil
	return p
}

// text reads a string of perf's header: u32 length, then that many bytes, NUL
// padded (tools/perf/util/header.c do_read_string, 6.1).
func (f *fields) text() string {
	n := f.u32()
	if uint64(n) > uint64(len(f.b)) {
		f.short = true
		f.b = nil
		return ""
	}
	return cstring(f.take(int(n)))
}

// texts reads u32 count, then that many strings.
func (f *fields) texts() []string {
	var list []string
	for n := f.u32(); n > 0 && !f.short; n-- {
		list = append(list, f.text())
	}
	return list
}

// cstring returns b up to its first NUL.
func cstring(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
