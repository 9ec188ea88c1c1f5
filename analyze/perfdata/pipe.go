package perfdata

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// OpenStream reads a recording from a pipe, such as `perf record -o - |` or
// `cat perf.data |`, to its end. A recording is read twice (side-band, then
// samples), so what comes is first copied to a temporary file in os.TempDir,
// already unlinked, that Close frees: memory stays flat, disk space of the
// recording's size is needed. A reader that is a regular file is used where it
// lies.
func OpenStream(r io.Reader) (*File, error) {
	if file, ok := r.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			if at, err := file.Seek(0, io.SeekCurrent); err == nil && at == 0 {
				return Open(file, info.Size())
			}
		}
	}
	spool, err := os.CreateTemp("", "perfdata-*")
	if err != nil {
		return nil, fmt.Errorf("making a temporary file for the recording (set TMPDIR to a place with room): %w", err)
	}
	os.Remove(spool.Name())
	size, err := io.Copy(spool, r)
	if err != nil {
		spool.Close()
		return nil, fmt.Errorf("copying the recording to %s (set TMPDIR to a place with room): %w", os.TempDir(), err)
	}
	f := &File{size: size, closers: []io.Closer{spool}}
	if err := f.open(spool); err != nil {
		spool.Close()
		return nil, fmt.Errorf("opening perf.data from a pipe: %w", err)
	}
	return f, nil
}

// openPipe reads a pipe-mode recording: after 16 bytes there are only
// records, and events and features are among them.
func (f *File) openPipe(r io.ReaderAt) error {
	f.Meta.Pipe = true
	f.streams = []*stream{{r: r, start: pipeHeaderSize, end: f.size, o: f.o, block: blockSize}}
	f.pipe = &pipeHead{f: f}
	if _, err := walkStream(f.streams[0], f.pipe.leading); err != nil && !errors.Is(err, errStopped) {
		return err
	}
	if len(f.Events) == 0 {
		return &FormatError{ErrNoEvents, pipeHeaderSize, "no HEADER_ATTR record in the stream",
			"the pipe broke before perf wrote its header; record again"}
	}
	f.finishEvents()
	_, err := f.index(context.Background())
	return err
}

// A pipeHead collects the header records of a pipe-mode recording.
// They come first, but for build ids, which perf knows only at the end.
type pipeHead struct {
	f   *File
	end int64 // up to here they were read by Open
}

// leading takes records up to the first sample.
func (p *pipeHead) leading(rec rawRecord) error {
	switch typ := RecordType(p.f.o.u32(rec.data)); typ {
	case RecordSample, RecordFinishedRound:
		return errStopped
	default:
		p.end = rec.off + int64(len(rec.data))
		return p.record(rec)
	}
}

func (p *pipeHead) record(rec rawRecord) error {
	f := p.f
	body := fields{o: f.o, b: rec.data[headerSize:]}
	switch RecordType(f.o.u32(rec.data)) {
	case RecordHeaderAttr:
		f.addEvent(attrRecord(body.b, f.o))
	case RecordEventUpdate:
		p.update(&body)
	case RecordHeaderEventType: // u64 config, char name[64] (3.x)
		f.Meta.eventTypes = append(f.Meta.eventTypes, eventType{body.u64(), cstring(body.rest())})
	case RecordHeaderFeature:
		id := body.u64()
		if id >= featureBitCount {
			return nil
		}
		f.Meta.feature(Feature(id), append([]byte(nil), body.rest()...), f.o)
	case RecordHeaderBuildID:
		f.Meta.buildIDs(rec.data, f.o)
	case RecordHeaderTracingData:
		size := int64(body.u32())
		return f.pipeTracingData(rec.file, size)
	}
	return nil
}

// attrRecord reads a HEADER_ATTR: an attr of its own size, then ids
// (tools/perf/util/header.c perf_event__process_attr, 6.1).
func attrRecord(b []byte, o order) *Event {
	e := &Event{Attr: parseAttr(b, o)}
	if uint64(e.Attr.Size) < uint64(len(b)) {
		for ids := b[e.Attr.Size:]; len(ids) >= 8; ids = ids[8:] {
			e.IDs = append(e.IDs, o.u64(ids))
		}
	}
	return e
}

// updateName is the EVENT_UPDATE that names an event
// (tools/lib/perf/include/perf/event.h PERF_EVENT_UPDATE__NAME, 6.1). The
// others change how perf stat prints counts: unit, scale, CPUs.
const updateName = 2

// update applies an EVENT_UPDATE: u64 type, u64 id, text.
func (p *pipeHead) update(body *fields) {
	kind, id := body.u64(), body.u64()
	if kind != updateName {
		return
	}
	for _, e := range p.f.Events {
		if slices.Contains(e.IDs, id) {
			e.Name = cstring(body.rest())
			return
		}
	}
}

// pipeTracingData reads the blob behind a TRACING_DATA record.
func (f *File) pipeTracingData(at, size int64) error {
	s := section{at, size}
	if !s.within(f.size) || size > maxTracingData {
		f.note(lossNote{what: "tracepoint formats", count: 1, effect: "payloads of tracepoints cannot be decoded"})
		return nil
	}
	buf := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(f.streams[0].r, at, size), buf); err != nil {
		return fmt.Errorf("reading tracepoint formats at byte %d: %w", at, err)
	}
	f.Meta.feature(FeatureTracingData, buf, f.o)
	return nil
}

// maxTracingData bounds the tracepoint formats that are kept; those of every
// tracepoint of a kernel are about 3 MB.
const maxTracingData = 64 << 20
