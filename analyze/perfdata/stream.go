package perfdata

import (
	"errors"
	"io"
)

// blockSize is what is read at a time: large enough that a read costs nothing,
// small enough that one for each worker is not felt. It is a multiple of 8, so
// records stay aligned.
const blockSize = 4 << 20

// maxRecord is the longest record: its size is a u16.
const maxRecord = 1<<16 - 1

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
			if RecordType(r.s.o.u32(r.buf[r.pos:])) == RecordCompressed2 && r.pos+comp2Header <= r.n {
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
		typ := RecordType(r.s.o.u32(r.buf[pos:]))
		compressed := typ == RecordCompressed || typ == RecordCompressed2
		if recordName(typ) == "" || size < headerSize || size%8 != 0 && !compressed {
			return false
		}
		pos += size
	}
	return true
}
