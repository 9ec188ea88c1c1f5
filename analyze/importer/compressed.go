package importer

import (
	"bytes"
	"compress/gzip"
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxWindow is what a zstd stream may ask the reader to remember: that of
// `zstd --long`.
const maxWindow = 128 << 20

// Inside returns what a compressed stream holds, told by its first bytes; r
// itself if it is not compressed.
func Inside(head []byte, r io.Reader) (io.Reader, error) {
	if opens := compressionOf(head); opens != nil {
		return opens(r)
	}
	return r, nil
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

// headInside returns the beginning of what a stream holds of which head is the
// beginning; nothing if it cannot be opened.
func headInside(opens func(io.Reader) (io.Reader, error), head []byte) []byte {
	r, err := opens(bytes.NewReader(head))
	if err != nil {
		return nil
	}
	out := make([]byte, HeadBytes)
	n, _ := io.ReadFull(r, out)
	return out[:n]
}
