package perfdata

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
)

// openPipe reads a pipe-mode recording: after 16 bytes there are only records, and events and features are among them.
func (f *File) openPipe(r io.ReaderAt) error {
	f.streams = []*stream{{r: r, start: pipeHeaderSize, end: f.size, o: f.o, block: blockSize}}
	f.pipe = &pipeHead{f: f}
	if _, err := f.walk(f.streams[0], f.pipe.leading); err != nil && !errors.Is(err, errStopped) {
		return err
	}
	if len(f.Events) == 0 {
		return &FormatError{errNoEvents, pipeHeaderSize, "no HEADER_ATTR record in the stream",
			"the pipe broke before perf wrote its header; record again"}
	}
	f.finishEvents()
	_, err := f.index(context.Background())
	return err
}

// A pipeHead collects the header records of a pipe-mode recording. They come first, but for build ids, which perf knows
// only at the end.
type pipeHead struct {
	f   *File
	end int64 // up to here they were read by Open
}

// leading takes records up to the first sample.
func (p *pipeHead) leading(rec rawRecord) error {
	switch typ := recordType(p.f.o.u32(rec.data)); typ {
	case recordSample, recordFinishedRound:
		return errStopped
	default:
		p.end = rec.off + int64(len(rec.data))
		return p.record(rec)
	}
}

// late takes a header record met in the first pass, after the part leading took.
func (p *pipeHead) late(rec rawRecord, x *index) error {
	if rec.off < p.end {
		return nil
	}
	if err := p.record(rec); err != nil {
		return err
	}
	if recordType(p.f.o.u32(rec.data)) == recordHeaderAttr {
		p.f.finishEvents()
		x.reads = newCounters(p.f.ids)
	}
	return nil
}

func (p *pipeHead) record(rec rawRecord) error {
	f := p.f
	body := fields{o: f.o, b: rec.data[headerSize:]}
	switch recordType(f.o.u32(rec.data)) {
	case recordHeaderAttr:
		if len(f.Events) == maxEvents {
			return manyEvents(rec.off, maxEvents+1)
		}
		f.addEvent(attrRecord(body.b, f.o))
	case recordEventUpdate:
		p.update(&body)
	case recordHeaderEventType: // u64 config, char name[64] (3.x)
		f.Meta.eventTypes = append(f.Meta.eventTypes, eventType{body.u64(), cstring(body.rest())})
	case recordHeaderFeature:
		if id := body.u64(); id < featureBitCount {
			f.Meta.feature(feature(id), body.rest(), f.o)
		}
	case recordHeaderBuildID:
		f.Meta.addBuildIDs(rec.data, f.o)
	case recordHeaderTracingData:
		return f.pipeTracingData(rec.file, int64(body.u32()))
	}
	return nil
}

// attrRecord reads a HEADER_ATTR: an attr of its own size, then ids (tools/perf/util/header.c
// perf_event__process_attr, 6.1).
func attrRecord(b []byte, o order) *Event {
	e := &Event{attr: parseAttr(b, o)}
	if uint64(e.attr.Size) < uint64(len(b)) {
		e.ids = o.u64s(b[e.attr.Size:])
	}
	return e
}

// updateName is the EVENT_UPDATE that names an event (tools/lib/perf/include/perf/event.h PERF_EVENT_UPDATE__NAME,
// 6.1). The others change how perf stat prints counts: unit, scale, CPUs.
const updateName = 2

// update applies an EVENT_UPDATE: u64 type, u64 id, text.
func (p *pipeHead) update(body *fields) {
	kind, id := body.u64(), body.u64()
	if kind != updateName {
		return
	}
	for _, e := range p.f.Events {
		if slices.Contains(e.ids, id) {
			e.Name = cstring(body.rest())
			return
		}
	}
}

// maxTracingData bounds the tracepoint formats that are read; those of every tracepoint of a kernel are about 3 MB.
const maxTracingData = 64 << 20

// pipeTracingData reads the blob behind a TRACING_DATA record.
func (f *File) pipeTracingData(at, size int64) error {
	s := section{at, size}
	if !s.within(f.size) || size > maxTracingData {
		f.note("tracepoint formats", 1, "payloads of tracepoints cannot be decoded")
		return nil
	}
	buf, err := readAt(f.streams[0].r, at, size)
	if err != nil {
		return fmt.Errorf("reading tracepoint formats at byte %d: %w", at, err)
	}
	f.Meta.feature(featureTracingData, buf, f.o)
	return nil
}
