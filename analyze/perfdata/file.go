package perfdata

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// A File is an open recording. Its methods may be called from several
// goroutines.
type File struct {
	Meta   Meta
	Events []*Event // in the order of the recording, the dummy included

	o       order
	size    int64
	streams []*stream
	closers []io.Closer
	ids     *identity

	// What Open found missing or damaged, before any record.
	headLosses []lossNote

	pipe *pipeHead // of a pipe-mode recording

	buffers sync.Pool // of blocks that had to be decompressed

	mu      sync.Mutex // held while the first pass runs
	indexed *index
}

// sizes of struct perf_file_header and perf_pipe_file_header
// (tools/perf/util/header.h, 6.1).
const (
	fileHeaderSize = 104
	pipeHeaderSize = 16
)

// Open reads the header of a recording of size bytes: file mode, pipe mode
// that was stored in a file, compressed or not, of either byte order, whole or
// cut off. It returns a *FormatError if r holds no recording. For a pipe-mode
// recording it passes over all records, because events and features stand
// among them; otherwise it reads the header sections only.
//
// r must stay open while the File is used; Close does not close it.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{size: size}
	if err := f.open(r); err != nil {
		return nil, fmt.Errorf("opening perf.data: %w", err)
	}
	return f, nil
}

// OpenPath opens the file at path, or the directory that `perf record
// --threads` makes. Close closes what it opened.
func OpenPath(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("opening perf.data: %w", err)
	}
	dir, name := filepath.Split(filepath.Clean(path))
	if info.IsDir() {
		dir, name = path, "."
	}
	if dir == "" {
		dir = "."
	}
	f, err := OpenFS(os.DirFS(dir), name)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	return f, nil
}

// OpenFS is OpenPath below a file system; its files must be able to read at an
// offset, as those of os.DirFS and embed.FS are.
func OpenFS(fsys fs.FS, name string) (*File, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		file.Close()
		return nil, err
	case info.IsDir():
		file.Close()
		return openDirectory(fsys, name)
	case !info.Mode().IsRegular(): // a FIFO, /dev/stdin
		defer file.Close()
		return OpenStream(file)
	}
	r, size, err := randomAccess(file)
	f := &File{size: size, closers: []io.Closer{file}}
	if err == nil {
		err = f.open(r)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return f, nil
}

// Close releases what OpenPath and OpenStream opened. Blocks and Decoders must
// not be used after it.
func (f *File) Close() error {
	var first error
	for _, c := range f.closers {
		if err := c.Close(); err != nil && first == nil {
			first = err
		}
	}
	f.closers = nil
	return first
}

func (f *File) open(r io.ReaderAt) error {
	var head [fileHeaderSize]byte
	n, err := r.ReadAt(head[:min(f.size, fileHeaderSize)], 0)
	if int64(n) < min(f.size, fileHeaderSize) && err != nil {
		return fmt.Errorf("reading the header: %w", err)
	}
	if err := f.magic(head[:n]); err != nil {
		return err
	}
	f.Meta.BigEndian = f.o.big
	f.Meta.ByteOrder = binary.LittleEndian
	if f.o.big {
		f.Meta.ByteOrder = binary.BigEndian
	}
	switch size := f.o.u64(head[8:]); {
	case size == pipeHeaderSize:
		return f.openPipe(r)
	case size < fileHeaderSize || n < fileHeaderSize:
		return &FormatError{ErrDamaged, 8, fmt.Sprintf("header of %d bytes in a file of %d", size, f.size),
			"record again, or copy the file again if the copy was cut off"}
	}
	return f.openFile(r, head[:])
}

// magic checks the first bytes and sets the byte order
// (tools/perf/util/header.c check_magic_endian, 6.1).
func (f *File) magic(head []byte) error {
	if len(head) == 0 {
		return &FormatError{ErrEmpty, 0, "no bytes", "record again; perf record was stopped before it wrote anything"}
	}
	if len(head) < pipeHeaderSize {
		return &FormatError{ErrNotPerfData, 0, fmt.Sprintf("%d bytes", len(head)), "give the file that perf record -o wrote"}
	}
	switch string(head[:8]) {
	case "PERFILE2":
		return nil
	case "2ELIFREP":
		f.o.big = true
		return nil
	case "PERFFILE", "ELIFFREP":
		return &FormatError{ErrVersion1, 0, "magic PERFFILE, the format before Linux 2.6.32",
			"convert it with the perf that wrote it (perf script), then import the text"}
	}
	next := "give the file that perf record -o wrote"
	switch {
	case head[0] == 0x1f && head[1] == 0x8b:
		next = "it is gzip: gunzip it first"
	case binary.LittleEndian.Uint32(head) == 0xfd2fb528:
		next = "it is zstd: unzstd it first"
	case string(head[:6]) == "\xfd7zXZ\x00":
		next = "it is xz: unxz it first"
	}
	return &FormatError{ErrNotPerfData, 0, fmt.Sprintf("magic %q", head[:8]), next}
}

// section is struct perf_file_section.
type section struct{ off, size int64 }

func (f *fields) section() section {
	return section{int64(f.u64()), int64(f.u64())}
}

// within reports whether the section lies in a file of size bytes.
func (s section) within(size int64) bool {
	return s.off >= 0 && s.size >= 0 && s.off <= size && s.size <= size-s.off
}

// openFile reads struct perf_file_header and what it points to.
func (f *File) openFile(r io.ReaderAt, head []byte) error {
	h := fields{o: f.o, b: head[16:]}
	attrSize := int64(h.u64())
	attrs, data, types := h.section(), h.section(), h.section()
	bitmap := featureBits(h.take(32), f.o)
	if err := f.readAttrs(r, attrs, attrSize); err != nil {
		return err
	}
	if data.off < 0 || data.off > f.size {
		f.note(lossNote{what: "the data section", count: 1, effect: "the file ends before it; no record was read"})
		data = section{f.size, 0}
	}
	table := data.off + max(data.size, 0)
	if data.size == 0 {
		if unfinished := !f.plausibleTable(r, table, bitmap); unfinished {
			data.size = f.size - data.off
			f.Meta.Unfinished = true
			bitmap = nil
			f.note(lossNote{what: "the end of the recording", count: 1, effect: "perf record did not finish the file: what its buffers still held, build ids, tracepoint formats and the description of the host are missing"})
		}
	}
	if !data.within(f.size) {
		missing := uint64(data.size) - uint64(f.size-data.off)
		f.note(lossNote{what: "bytes of the data section", count: missing, of: uint64(data.size), effect: "the file is cut off; headers and build ids after the data are missing too"})
		f.Meta.Truncated = true
		data.size, bitmap = f.size-data.off, nil
	}
	f.streams = []*stream{{r: r, start: data.off, end: data.off + data.size, o: f.o, block: blockSize}}
	f.readFeatures(r, table, bitmap)
	f.readEventTypes(r, types)
	f.finishEvents()
	return nil
}

// readAttrs reads the attrs section: structures of attrSize bytes, an attr
// and the section of its ids.
func (f *File) readAttrs(r io.ReaderAt, attrs section, attrSize int64) error {
	const idSection = 16
	if attrSize < attrSizeVer0+idSection || attrSize > 1<<16 || !attrs.within(f.size) || attrs.size < attrSize {
		return &FormatError{ErrDamaged, 16, fmt.Sprintf("attributes of %d bytes each, section %d+%d in a file of %d bytes",
			attrSize, attrs.off, attrs.size, f.size), "the header was overwritten; record again"}
	}
	buf := make([]byte, attrs.size)
	if _, err := io.ReadFull(io.NewSectionReader(r, attrs.off, attrs.size), buf); err != nil {
		return fmt.Errorf("reading the attributes at byte %d: %w", attrs.off, err)
	}
	budget := f.size // ids of all events together, so that overlapping sections cost no more than the file
	for ; int64(len(buf)) >= attrSize; buf = buf[attrSize:] {
		e := &Event{Attr: parseAttr(buf[:attrSize-idSection], f.o)}
		tail := fields{o: f.o, b: buf[attrSize-idSection : attrSize]}
		ids := tail.section()
		if budget -= ids.size; !ids.within(f.size) || budget < 0 {
			f.note(lossNote{what: "id lists of events", count: 1, effect: "samples may not find their event"})
			budget += ids.size
		} else if err := f.readIDs(r, e, ids); err != nil {
			return err
		}
		f.addEvent(e)
	}
	return nil
}

func (f *File) readIDs(r io.ReaderAt, e *Event, s section) error {
	if s.size < 8 {
		return nil
	}
	buf := make([]byte, s.size&^7)
	if _, err := io.ReadFull(io.NewSectionReader(r, s.off, int64(len(buf))), buf); err != nil {
		return fmt.Errorf("reading event ids at byte %d: %w", s.off, err)
	}
	e.IDs = make([]uint64, 0, len(buf)/8)
	for ; len(buf) > 0; buf = buf[8:] {
		e.IDs = append(e.IDs, f.o.u64(buf))
	}
	return nil
}

func (f *File) addEvent(e *Event) {
	e.Index = len(f.Events)
	e.layout = newLayout(&e.Attr)
	f.Events = append(f.Events, e)
}

// finishEvents names the events and makes the id table, once all attributes
// and features are known.
func (f *File) finishEvents() {
	f.Meta.nameEvents(f.Events)
	for _, e := range f.Events {
		if e.Name == "" {
			e.Name = f.tracepointName(e)
		}
		if e.Name == "" {
			e.Name = defaultName(&e.Attr, f.Meta.PMUs)
		}
	}
	f.Meta.groupEvents(f.Events)
	f.ids = newIdentity(f.Events)
}

// tracepointName names a tracepoint by its recorded format, "" if there is
// none.
func (f *File) tracepointName(e *Event) string {
	if !e.IsTracepoint() || len(f.Meta.TracingData) == 0 {
		return ""
	}
	formats, err := f.Formats()
	if err != nil {
		return "" // reported to those who ask for payloads
	}
	if format := formats.Of(e); format != nil {
		return format.System + ":" + format.Name
	}
	return ""
}

// Sideband passes over every record of the recording once and returns what is
// not a sample: tasks, mappings, kernel symbols, losses, counts. Later calls
// return the same value. The error is a failure to read the input; damage is
// in Sideband.Losses.
func (f *File) Sideband() (*Sideband, error) {
	x, err := f.index(context.Background())
	if err != nil {
		return nil, err
	}
	return x.side, nil
}

// index makes the first pass, once. A pass that failed or was cancelled is
// made again by the next caller.
func (f *File) index(ctx context.Context) (*index, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.indexed != nil {
		return f.indexed, nil
	}
	x, err := buildIndex(ctx, f)
	if err == nil {
		f.indexed = x
	}
	return x, err
}
