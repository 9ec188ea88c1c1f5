package importer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/profile"
	"xfrmscope/collect/bundle"
)

// Options of an import.
type Options struct {
	Name string // of the input, for positions in errors: a path or a URL
}

// An Import is what one file held. Only the fields its format can fill are set.
type Import struct {
	Format   Format
	Profiles []*profile.Profile
	Traffic  *Traffic
	Locks    []bundle.LockRow
	Accesses []perfdata.Access // to memory, of a text that says which data was accessed
	CPUID    string            // as perf prints it: what Accesses mean differs by vendor; "" if not told

	Host    bundle.Host   // of the recording, as far as the file says
	Command []string      // that made the recording; words, not always argv
	Window  bundle.Window // first to last sample, by the recording's clock

	Losses   []bundle.Loss
	Warnings []bundle.Warning

	events      []string // of a recording
	started     time.Time
	frequencyHz int
}

// Read detects the format of r and reads it to its end. Compressed input (gzip, zstd) is read as what it holds. The
// error is a *FormatError, a *SyntaxError, or r's; with r's error comes what had been read until then.
func Read(r io.Reader, opt Options) (*Import, error) {
	inside, err := Inside(r)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", opt.Name, err)
	}
	br := bufio.NewReaderSize(inside, HeadBytes)
	head, err := br.Peek(HeadBytes)
	if err != nil && err != io.EOF && len(head) == 0 {
		return nil, fmt.Errorf("reading %s: %w", opt.Name, err)
	}
	f, err := detect(head, opt.Name)
	if err != nil {
		return nil, err
	}
	return f.readAll(br, opt)
}

// readAll reads r as the format; see Read.
func (f format) readAll(r io.Reader, opt Options) (*Import, error) {
	br := bufio.NewReaderSize(r, HeadBytes)
	if mark, _ := br.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		_, _ = br.Discard(len(byteOrderMark))
	}
	im, err := f.read(br, opt)
	if im != nil {
		im.Format = f.name
	}
	if err != nil && !isOurs(err) {
		err = fmt.Errorf("reading %s: %w", opt.Name, err)
	}
	return im, err
}

func isOurs(err error) bool {
	switch err.(type) {
	case *SyntaxError, *FormatError:
		return true
	}
	return false
}

// readPprof reads a profile.proto; see profile.FromPprof.
func readPprof(r io.Reader, _ Options) (*Import, error) {
	profiles, err := profile.ReadPprof(r)
	if err != nil {
		return nil, err
	}
	return &Import{Profiles: profiles}, nil
}

// maxDocument bounds an input that is held in memory as a whole.
const maxDocument = 256 << 20

// document reads an input that is held as a whole.
func document(r io.Reader, opt Options) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxDocument {
		return nil, &SyntaxError{File: opt.Name, What: "larger than 256 MiB, which no such file is"}
	}
	return data, nil
}

func lineAt(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(max(offset, 0), int64(len(data)))], []byte("\n"))
}

// maxWindow is what a zstd stream may ask the reader to remember: that of `zstd --long`.
const maxWindow = 128 << 20

// Packed reports whether a stream that begins so is compressed.
func Packed(head []byte) bool { return compressionOf(head) != nil }

// Inside returns what a compressed stream holds; r itself if it is not compressed.
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
