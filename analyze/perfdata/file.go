package perfdata

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"xfrmscope/collect/bundle"
)

// What is wrong with an input that cannot be read at all. Everything less than that is salvaged and reported as a
// bundle.Loss.
var (
	errEmpty       = errors.New("empty file")
	errNotPerfData = errors.New("not a perf.data file")
	errVersion1    = errors.New("perf.data version 1")
	errDamaged     = errors.New("damaged perf.data header")
	errNoEvents    = errors.New("no event in the recording") // no attribute, so no sample can be decoded
	errManyEvents  = errors.New("too many events in the recording")
)

// A FormatError says why an input cannot be read and what to do about it.
type FormatError struct {
	kind   error  // one of the above
	offset int64  // byte offset in the input
	detail string // what was found there
	next   string // what to do
}

// Error returns kind, place, detail and the next step in one sentence.
func (e *FormatError) Error() string {
	return fmt.Sprintf("%v: at byte %d: %s; %s", e.kind, e.offset, e.detail, e.next)
}

// A File is an open recording. Its methods may be called from several goroutines.
type File struct {
	Meta   Meta
	Events []*Event // in the order of the recording, the dummy included

	o       order
	size    int64
	streams []*stream
	closers []io.Closer
	ids     *identity

	unfinished bool // perf record did not end: no features, records up to the end of the file

	// What Open found missing or damaged, before any record.
	headLosses []bundle.Loss

	pipe *pipeHead // of a pipe-mode recording

	buffers *Buffers

	mu      sync.Mutex // held while the first pass runs
	indexed *index
}

// sizes of struct perf_file_header and perf_pipe_file_header (tools/perf/util/header.h, 6.1).
const (
	fileHeaderSize = 104
	pipeHeaderSize = 16
)

// Open reads the header of a recording of size bytes: file mode, pipe mode that was stored in a file, compressed or
// not, of either byte order, whole or cut off. It returns a *FormatError if r holds no recording. For a pipe-mode
// recording it passes over all records, because events and features stand among them, and for one that has lost the
// names of its PMUs with its end; otherwise it reads the header sections only.
//
// r must stay open while the File is used; Close does not close it.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{size: size, buffers: new(Buffers)}
	if err := f.open(r); err != nil {
		return nil, err
	}
	return f, nil
}

// Close releases what OpenFS opened. Blocks and Decoders must not be used after it.
func (f *File) Close() error {
	var errs []error
	for _, c := range f.closers {
		errs = append(errs, c.Close())
	}
	f.closers = nil
	return errors.Join(errs...)
}

func (f *File) open(r io.ReaderAt) error {
	head, err := readAt(r, 0, min(f.size, fileHeaderSize))
	if err != nil {
		return fmt.Errorf("reading the header: %w", err)
	}
	if err := f.magic(head); err != nil {
		return err
	}
	switch size := f.o.u64(head[8:]); {
	case size == pipeHeaderSize:
		return f.openPipe(r)
	case size < fileHeaderSize || len(head) < fileHeaderSize:
		return &FormatError{errDamaged, 8, fmt.Sprintf("header of %d bytes in a file of %d", size, f.size),
			"record again, or copy the file again if the copy was cut off"}
	}
	return f.openFile(r, head)
}

// readAt reads n bytes, which the caller has seen to be in the file.
func readAt(r io.ReaderAt, off, n int64) ([]byte, error) {
	buf := make([]byte, n)
	_, err := io.ReadFull(io.NewSectionReader(r, off, n), buf)
	return buf, err
}

// magic checks the first bytes and sets the byte order (tools/perf/util/header.c check_magic_endian, 6.1).
func (f *File) magic(head []byte) error {
	if len(head) == 0 {
		return &FormatError{errEmpty, 0, "no bytes",
			"record again; perf record was stopped before it wrote anything"}
	}
	next := "give the file that perf record -o wrote"
	if len(head) < pipeHeaderSize {
		return &FormatError{errNotPerfData, 0, fmt.Sprintf("%d bytes", len(head)), next}
	}
	switch string(head[:8]) {
	case "PERFILE2":
		return nil
	case "2ELIFREP":
		f.o.big = true
		return nil
	case "PERFFILE", "ELIFFREP":
		return &FormatError{errVersion1, 0, "magic PERFFILE, the format that perf wrote until 2012 (Linux 3.3)",
			"print it with a perf of that age (perf script), and import the text"}
	}
	switch {
	case head[0] == 0x1f && head[1] == 0x8b:
		next = "it is gzip: gunzip it first"
	case binary.LittleEndian.Uint32(head) == 0xfd2fb528:
		next = "it is zstd: unzstd it first"
	case string(head[:6]) == "\xfd7zXZ\x00":
		next = "it is xz: unxz it first"
	}
	return &FormatError{errNotPerfData, 0, fmt.Sprintf("magic %q", head[:8]), next}
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
		f.note("the data section", 1, "the file ends before it; no record was read").Kind = bundle.LossEnd
		data = section{f.size, 0}
	}
	table := data.off + max(data.size, 0)
	if data.size == 0 && !f.plausibleTable(r, table, bitmap) {
		data.size = f.size - data.off
		f.unfinished = true
		bitmap = nil
		l := f.note("the end of the recording", 1, "perf record did not finish the file: what its buffers "+
			"still held, build ids, tracepoint formats and the description of the host are missing")
		l.Kind = bundle.LossEnd
	}
	if !data.within(f.size) {
		missing := uint64(data.size) - uint64(f.size-data.off)
		l := f.note("bytes of the data section", missing,
			"the file is cut off; headers and build ids after the data are missing too")
		l.Kind, l.Of = bundle.LossEnd, uint64(data.size)
		data.size, bitmap = f.size-data.off, nil
	}
	f.streams = []*stream{{r: r, start: data.off, end: data.off + data.size, o: f.o, block: blockSize}}
	f.readFeatures(r, table, bitmap)
	f.readEventTypes(r, types)
	f.finishEvents()
	if f.lacksNames() {
		_, err := f.index(context.Background())
		return err
	}
	return nil
}

// readAttrs reads the attrs section: structures of attrSize bytes, an attr and the section of its ids.
func (f *File) readAttrs(r io.ReaderAt, attrs section, attrSize int64) error {
	const idSection = 16
	if attrSize < attrSizeVer0+idSection || attrSize > 1<<16 || !attrs.within(f.size) || attrs.size < attrSize {
		return &FormatError{errDamaged, 16,
			fmt.Sprintf("attributes of %d bytes each, section %d+%d in a file of %d bytes",
				attrSize, attrs.off, attrs.size, f.size), "the header was overwritten; record again"}
	}
	if n := attrs.size / attrSize; n > maxEvents {
		return manyEvents(attrs.off, n)
	}
	buf, err := readAt(r, attrs.off, attrs.size)
	if err != nil {
		return fmt.Errorf("reading the attributes at byte %d: %w", attrs.off, err)
	}
	budget := f.size // ids of all events together, so that overlapping sections cost no more than the file
	for ; int64(len(buf)) >= attrSize; buf = buf[attrSize:] {
		e := &Event{attr: parseAttr(buf[:attrSize-idSection], f.o)}
		tail := fields{o: f.o, b: buf[attrSize-idSection : attrSize]}
		ids := tail.section()
		if budget -= ids.size; !ids.within(f.size) || budget < 0 {
			f.note("id lists of events", 1, "samples may not find their event")
			budget += ids.size
		} else {
			list, err := readAt(r, ids.off, ids.size&^7)
			if err != nil {
				return fmt.Errorf("reading event ids at byte %d: %w", ids.off, err)
			}
			e.ids = f.o.u64s(list)
		}
		f.addEvent(e)
	}
	return nil
}

// maxEvents bounds the events of a recording: perf knows some 10,000 tracepoints, and what
// describes a run names each event.
const maxEvents = 1 << 16

func manyEvents(at, n int64) error {
	return &FormatError{errManyEvents, at, fmt.Sprintf("%d attributes of events, and %d are read at most", n,
		maxEvents), "record fewer events: `perf record -e`"}
}

func (f *File) addEvent(e *Event) {
	e.Index = len(f.Events)
	e.layout = newLayout(&e.attr)
	f.Events = append(f.Events, e)
}

// finishEvents names the events and makes the id table, once all attributes and features are known.
func (f *File) finishEvents() {
	f.Meta.nameEvents(f.Events)
	for _, e := range f.Events {
		if e.Name == "" && e.attr.Type == typeTracepoint {
			e.Name = f.Meta.tracepoints[e.attr.Config]
		}
		if e.Name == "" {
			e.Name = defaultName(&e.attr, f.Meta.pmus)
		}
		e.spe = strings.HasPrefix(cmp.Or(f.Meta.pmus[e.attr.Type], e.Name), spePMU)
	}
	f.ids = newIdentity(f.Events)
}

// Sideband passes over every record of the recording once and returns what is not a sample: tasks, mappings, kernel
// symbols, losses. Later calls return the same value. The error is a failure to read the input; damage is in
// Sideband.Losses.
func (f *File) Sideband() (*Sideband, error) {
	x, err := f.index(context.Background())
	if err != nil {
		return nil, err
	}
	return x.side, nil
}

// index makes the first pass, once. A pass that failed or was cancelled is made again by the next caller.
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
