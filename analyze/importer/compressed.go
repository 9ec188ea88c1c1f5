package importer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxWindow is what a zstd stream may ask the reader to remember: that of
// `zstd --long`.
const maxWindow = 128 << 20

// Packed reports whether a stream that begins so is compressed.
func Packed(head []byte) bool { return compressionOf(head) != nil }

// Inside returns what a compressed stream holds; r itself if it is not
// compressed.
func Inside(r io.Reader) (io.Reader, error) {
	br := bufio.NewReaderSize(r, HeadBytes)
	magic, _ := br.Peek(4)
	if opens := compressionOf(magic); opens != nil {
		return opens(br)
	}
	return br, nil
}

// compressionOf returns the reader of a compression, nil if there is none.
func compressionOf(head []byte) func(io.Reader) (io.Reader, error) {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return func(r io.Reader) (io.Reader, error) {
			return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		}
	}
	return nil
}
