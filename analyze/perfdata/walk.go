package perfdata

import "unsafe"

// A walk passes over every record of one stream in order, decompressing as it
// goes, and collects what was lost on the way.
type walk struct {
	rr    *recordReader
	off   int64 // place of the next record in the stream (see Block.Offset)
	end   int64 // end of the last stored record in the file
	visit func(rawRecord) error

	lost walkLosses
}

// walkLosses is what a walk could not hand out.
type walkLosses struct {
	tail         int64  // bytes after the last whole record
	damaged      []span // bytes passed over because no record could begin there
	readErr      error
	compressed   map[RecordType]uint64 // COMPRESSED records met, by type
	pieces       uint64                // COMPRESSED records that could not be decompressed
	pieceBytes   uint64                // their bytes
	pieceErr     error
	inflatedTail int64 // decompressed bytes of a record that never ended
}

// walkStream calls visit with every record of s.
func walkStream(s *stream, visit func(rawRecord) error) (walkLosses, error) {
	w := &walk{rr: newRecordReader(s), off: s.start, end: s.start, visit: visit}
	err := w.run()
	w.lost.tail = w.rr.unfilled
	w.lost.damaged = w.rr.damaged
	w.lost.readErr = w.rr.failed
	return w.lost, err
}

func (w *walk) run() error {
	for {
		rec, ok := w.rr.next()
		if !ok {
			return nil
		}
		if t := RecordType(w.rr.s.o.u32(rec)); t == RecordCompressed || t == RecordCompressed2 {
			if !w.rr.s.compressed { // passes after the first only read it
				w.rr.s.compressed = true
			}
			return w.inflate(rec)
		}
		if err := w.plain(rec); err != nil {
			return err
		}
	}
}

// plain hands out a record that is stored as it is. Bytes before it that are
// no record, a payload or damage, count for its place in the stream.
func (w *walk) plain(rec []byte) error {
	end := w.rr.offset()
	w.off += end - int64(len(rec)) - w.end
	w.end = end
	if err := w.visit(rawRecord{data: rec, off: w.off, file: end}); err != nil {
		return err
	}
	w.off += int64(len(rec))
	if n := payloadSize(rec, w.rr.s.o); n > 0 {
		w.rr.skip(n)
	}
	return nil
}

// payloadSize returns the bytes that follow a record outside its size:
// AUXTRACE has a trace, TRACING_DATA a padded blob behind it
// (tools/perf/util/session.c perf_session__process_user_event, 6.1).
func payloadSize(rec []byte, o order) int64 {
	switch RecordType(o.u32(rec)) {
	case RecordAuxtrace:
		if len(rec) >= 16 {
			if n := int64(o.u64(rec[8:])); n > 0 {
				return n
			}
		}
	case RecordHeaderTracingData:
		if len(rec) >= 12 {
			return (int64(o.u32(rec[8:])) + 7) &^ 7
		}
	}
	return 0
}

// alignedBuffer returns n bytes whose first is 8-aligned, so that the u64s of
// records can be used where they lie.
func alignedBuffer(n int) []byte {
	words := make([]uint64, (n+7)/8)
	if len(words) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), n)
}
