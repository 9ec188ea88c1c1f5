package symbols

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// maxXZDict is the largest dictionary accepted; xz -9 uses 64 MiB.
const maxXZDict = 64 << 20

var errXZ = errors.New("not an xz stream of LZMA2 blocks")

// unxz writes what the first stream of an .xz file unpacks to, at most limit
// bytes. The library's own reader of the container takes the size of the
// dictionary, up to 4 GiB, from the file; so the container is read here
// (xz-file-format 1.2.1) and only LZMA2 is left to it.
func unxz(w io.Writer, r io.Reader, limit int64) error {
	x := xzReader{in: bufio.NewReader(r), limit: limit}
	var head [12]byte
	if _, err := io.ReadFull(&x, head[:]); err != nil {
		return fmt.Errorf("xz stream header: %w", err)
	}
	if !bytes.Equal(head[:7], []byte("\xfd7zXZ\x00\x00")) || head[7] > 15 {
		return errXZ
	}
	x.check = head[7]
	for {
		more, err := x.block(w)
		if err != nil {
			return fmt.Errorf("xz block at byte %d: %w", x.pos, err)
		}
		if !more {
			return nil
		}
	}
}

// An xzReader counts what it hands out: blocks are padded to four bytes.
type xzReader struct {
	in    *bufio.Reader
	pos   int64
	limit int64 // bytes that may still be unpacked
	check byte  // kind of check after each block
}

func (x *xzReader) Read(p []byte) (int, error) {
	n, err := x.in.Read(p)
	x.pos += int64(n)
	return n, err
}

func (x *xzReader) ReadByte() (byte, error) {
	b, err := x.in.ReadByte()
	if err == nil {
		x.pos++
	}
	return b, err
}

// block unpacks one block. more is false at the index, which follows the last.
func (x *xzReader) block(w io.Writer) (more bool, err error) {
	size, err := x.ReadByte()
	if err != nil || size == 0 {
		return false, err
	}
	head := make([]byte, 4*int(size)+3) // the rest of the header, its CRC32 at the end
	if _, err := io.ReadFull(x, head); err != nil {
		return false, err
	}
	dict, err := xzDictSize(head[:len(head)-4])
	if err != nil {
		return false, err
	}
	body, err := lzma.Reader2Config{DictCap: dict}.NewReader2(x)
	if err != nil {
		return false, err
	}
	sum := x.newHash()
	n, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(body, x.limit+1))
	if err != nil {
		return false, err
	}
	if x.limit -= n; x.limit < 0 {
		return false, ErrTooBig
	}
	return true, x.endBlock(sum)
}

// xzDictSize reads a block header without its size byte and CRC: flags,
// optional sizes, and one filter, which must be LZMA2 (id 0x21).
func xzDictSize(head []byte) (int, error) {
	flags := head[0]
	if flags&0x3f != 0 {
		return 0, errXZ // further filters, or reserved bits
	}
	rest := head[1:]
	for _, present := range []bool{flags&0x40 != 0, flags&0x80 != 0} {
		if present {
			_, n := binary.Uvarint(rest)
			if n <= 0 {
				return 0, errXZ
			}
			rest = rest[n:]
		}
	}
	if len(rest) < 3 || rest[0] != 0x21 || rest[1] != 1 {
		return 0, errXZ
	}
	dict, err := lzma.DecodeDictCap(rest[2])
	if err != nil || dict > maxXZDict {
		return 0, ErrTooBig
	}
	return int(max(dict, lzma.MinDictCap)), nil
}

func (x *xzReader) newHash() hash.Hash {
	switch x.check {
	case 1:
		return crc32.NewIEEE()
	case 4:
		return crc64.New(crc64.MakeTable(crc64.ECMA))
	}
	return crc32.NewIEEE() // not compared
}

var errXZCheck = errors.New("checksum does not match")

// endBlock skips the padding and compares the check if it is a CRC.
func (x *xzReader) endBlock(sum hash.Hash) error {
	for x.pos%4 != 0 {
		if _, err := x.ReadByte(); err != nil {
			return err
		}
	}
	// Sizes of the checks 0..15 (xz-file-format 1.2.1, section 2.1.1.2).
	sizes := [16]int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}
	want := make([]byte, sizes[x.check])
	if _, err := io.ReadFull(x, want); err != nil {
		return err
	}
	got := sum.Sum(nil)
	for i, b := range want { // stored little endian, Sum is big endian
		if (x.check == 1 || x.check == 4) && got[len(got)-1-i] != b {
			return errXZCheck
		}
	}
	return nil
}
