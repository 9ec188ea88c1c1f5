package perfdata

import (
	"errors"
	"io"
	"unsafe"
)

// blockSize is what is read at a time: large enough that a read costs nothing,
// small enough that one for each worker is not felt. It is a multiple of 8, so
// records stay aligned.
const blockSize = 4 << 20

// A stream is one data section: the file's, or one of a directory's.
type stream struct {
	r          io.ReaderAt
	index      int
	start, end int64 // of the section in r
	o          order
	block      int64 // most bytes of a Block
	compressed bool  // COMPRESSED records were met
}

// A recordReader hands out the records of a stream as they are stored, through
// one buffer of at most blockSize.
type recordReader struct {
	s        *stream
	buf      []byte
	pos, n   int   // next record, bytes filled
	base     int64 // place of buf[0] in the file
	end      int64 // of what can be read
	failed   error // read error, ends the stream
	damaged  []span
	unfilled int64 // bytes after the last whole record

	parts int64 // bytes of further parts of the COMPRESSED2 record before
	part  bool  // the record handed out is one of them
}

// A span is a range of bytes of a file.
type span struct{ off, size int64 }

func newRecordReader(s *stream) *recordReader {
	return &recordReader{s: s, base: s.start, end: s.end}
}

// next returns the next record, whole; ok is false at the end of what can be
// read. The record is valid until the call after.
func (r *recordReader) next() (rec []byte, ok bool) {
	for {
		if r.pos+headerSize <= r.n {
			size, parts := int(r.s.o.u16(r.buf[r.pos+6:])), int64(0)
			if recordType(r.s.o.u32(r.buf[r.pos:])) == recordCompressed2 && r.pos+comp2Header <= r.n {
				size, parts = r.compressed2(size)
			}
			if size < headerSize {
				if !r.resync() {
					return nil, false
				}
				continue
			}
			if r.pos+size <= r.n {
				rec = r.buf[r.pos : r.pos+size]
				r.pos += size
				r.part, r.parts = r.parts > 0, parts
				return rec, true
			}
		}
		if !r.fill() {
			return nil, false
		}
	}
}

// sizes of COMPRESSED2: its header with data_size, and the most data a part
// may have (tools/perf/builtin-record.c record__pushfn, 6.16).
const (
	comp2Header  = 16
	comp2MaxData = maxRecord - comp2Header
)

// compressed2 returns how many bytes the COMPRESSED2 record at hand has, and
// how many in further parts follow it. perf record from 6.16 on writes ALIGN8(16
// + data_size) into the u16 size without looking, so it wraps; the padding is
// then missing. Above 65519 bytes data_size is the sum of several parts with a
// header each; the first part is full, and the others have a right size but no
// data_size.
func (r *recordReader) compressed2(size int) (bytes int, parts int64) {
	if r.parts > 0 {
		return size, max(r.parts-int64(size), 0)
	}
	data := r.s.o.u64(r.buf[r.pos+headerSize:])
	switch left := uint64(r.end - r.offset()); {
	case data > left || (comp2Header+data+7)&^7 <= uint64(size):
		return size, 0
	case data <= comp2MaxData:
		return comp2Header + int(data), 0
	default:
		return maxRecord, int64(data) - comp2MaxData
	}
}

// offset returns the place in the file of the record that next would return.
func (r *recordReader) offset() int64 { return r.base + int64(r.pos) }

// fill reads on from the first unread record. It reports false at the end.
func (r *recordReader) fill() bool {
	r.base += int64(r.pos)
	left := r.end - r.base
	if r.failed != nil || left <= 0 || (r.n > r.pos && int64(r.n-r.pos) >= left) {
		r.unfilled = max(left, 0)
		return false
	}
	r.pos, r.n = 0, 0
	size := int(min(left, blockSize))
	if cap(r.buf) < size {
		r.buf = alignedBuffer(size)
	}
	n, err := r.s.r.ReadAt(r.buf[:size], r.base)
	if n < size && err != nil {
		if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			r.failed = err
		}
		r.end = r.base + int64(n)
	}
	r.n = n
	if n == 0 {
		r.unfilled = left
	}
	return n > 0
}

// skip passes over n bytes that follow a record and are no records (the
// payloads of AUXTRACE and TRACING_DATA).
func (r *recordReader) skip(n int64) {
	if n < 0 || n > r.end-r.offset() {
		n = r.end - r.offset()
	}
	if int64(r.pos)+n <= int64(r.n) {
		r.pos += int(n)
		return
	}
	r.base += int64(r.pos) + n
	r.pos, r.n = 0, 0
}

// resyncRun is how many headers in a row must make sense before reading goes
// on after damage.
const resyncRun = 16

// resync looks for the next place from which records follow one another and
// notes what it passed over.
func (r *recordReader) resync() bool {
	from := r.offset()
	for {
		for r.pos += 8; r.pos+headerSize <= r.n; r.pos += 8 {
			if r.plausible(r.pos) {
				r.damaged = append(r.damaged, span{from, r.offset() - from})
				return true
			}
		}
		r.pos = min(r.pos, r.n)
		if !r.fill() {
			r.damaged = append(r.damaged, span{from, r.end - from})
			r.unfilled = 0
			return false
		}
		r.pos = -8
	}
}

// plausible reports whether a run of records begins at pos: known types, sizes
// that kernels write, up to resyncRun of them or to the end of the section.
func (r *recordReader) plausible(pos int) bool {
	for i := range resyncRun {
		if pos == r.n && r.base+int64(r.n) == r.end {
			return true
		}
		if pos+headerSize > r.n {
			return i >= resyncRun/4 // the rest is not in the buffer yet
		}
		size := int(r.s.o.u16(r.buf[pos+6:]))
		typ := recordType(r.s.o.u32(r.buf[pos:]))
		compressed := typ == recordCompressed || typ == recordCompressed2
		if !typ.known() || size < headerSize || size%8 != 0 && !compressed {
			return false
		}
		pos += size
	}
	return true
}

// A walk passes over every record of one stream in order, decompressing as it
// goes, and collects what was lost on the way.
type walk struct {
	rr    *recordReader
	off   int64 // place of the next record in the stream (see Block.Offset)
	end   int64 // end of the last stored record in the file
	visit func(rawRecord) error

	buffers *walkBuffers
	lost    walkLosses
}

// walkLosses is what a walk could not hand out.
type walkLosses struct {
	tail         int64  // bytes after the last whole record
	damaged      []span // bytes passed over because no record could begin there
	readErr      error
	pieces       int64 // COMPRESSED records that could not be decompressed
	pieceBytes   int   // their bytes
	pieceErr     error
	inflatedTail int64 // decompressed bytes of a record that never ended
}

// walk calls visit with every record of s.
func (f *File) walk(s *stream, visit func(rawRecord) error) (walkLosses, error) {
	w := &walk{rr: newRecordReader(s), off: s.start, end: s.start, visit: visit, buffers: f.buffers.walk()}
	w.rr.buf = w.buffers.read
	err := w.run()
	w.buffers.read = w.rr.buf
	f.buffers.walks.Put(w.buffers)
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
		if t := recordType(w.rr.s.o.u32(rec)); t == recordCompressed || t == recordCompressed2 {
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
	if err := w.visit(rawRecord{data: rec, off: w.off, file: end, stored: true}); err != nil {
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
	switch recordType(o.u32(rec)) {
	case recordAuxtrace:
		if len(rec) >= 16 {
			if n := int64(o.u64(rec[8:])); n > 0 {
				return n
			}
		}
	case recordHeaderTracingData:
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
