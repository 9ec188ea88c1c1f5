package perfdata

import (
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/klauspost/compress/zstd"
)

// The limits of decompression. A recording whose pieces claim more is cut off
// there, and the rest counted as lost.
const (
	// maxWindow is what one stream may ask the decoder to remember. zstd level
	// 22, the highest perf offers, asks for 128 MiB; its default for 512 KiB.
	// A stream too short to fill its window gets no more than it can fill.
	maxWindow = 128 << 20
	// maxRatio is how much longer than its compressed form a stream may be;
	// recordings reach 5 to 100.
	maxRatio = 1024
	// ratioFree is the output allowed before the ratio counts.
	ratioFree = 4 << 20
)

// blockHeader is the size of a zstd block header (RFC 8878 section 3.1.1.2).
const blockHeader = 3

var errRatio = errors.New("it expands to more than 1024 times its size")

// An inflater joins the pieces that COMPRESSED and COMPRESSED2 records carry:
// together they are one zstd stream, whose end perf never writes and whose
// pieces end anywhere in a record (tools/perf/util/zstd.c, 6.16). The decoder
// pulls pieces through Read and pushes what they hold through Write; every
// piece was flushed by its writer, so a record between two pieces is met after
// all that the earlier piece held.
type inflater struct {
	w       *walk
	store   []byte // the piece at hand, copied out of the reader's buffer
	piece   []byte // what the decoder has not taken of it
	buf     []byte // decompressed bytes that are no whole record yet
	in, out uint64
	wanted  int   // bytes the decoder asked for when there were no more
	err     error // from visit, ends the walk
}

// inflate walks the rest of the stream, beginning with the compressed record
// first.
func (w *walk) inflate(first []byte) error {
	z := &inflater{w: w, store: w.buffers.piece, buf: w.buffers.cut[:0]}
	z.take(first)
	window := uint64(min(ratioFree+maxRatio*(w.rr.s.end-w.rr.s.start), maxWindow))
	narrowWindow(z.piece, window)
	err := w.decompress(z, window)
	w.buffers.piece, w.buffers.cut = z.store, z.buf
	if z.err != nil {
		return z.err
	}
	w.lost.inflatedTail = int64(len(z.buf))
	if errors.Is(err, io.ErrUnexpectedEOF) && z.wanted == blockHeader {
		err = nil // between two blocks: the end perf never writes
	}
	if err == nil {
		return nil
	}
	w.lost.pieceErr = fmt.Errorf("decompressing the stream at byte %d: %w", w.rr.offset(), err)
	w.lost.pieceBytes += len(z.piece)
	w.lost.pieces++
	return w.skipCompressed()
}

// decompress has a decoder push what z hands it into z.
func (w *walk) decompress(z *inflater, window uint64) (err error) {
	dec := w.buffers.decompression
	if dec == nil {
		dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.IgnoreChecksum(true))
		if err != nil {
			return err
		}
		w.buffers.decompression = dec
	}
	if err := dec.ResetWithOptions(z, zstd.WithDecoderMaxWindow(window)); err != nil {
		return err
	}
	_, err = dec.WriteTo(z)
	return errors.Join(err, dec.Reset(nil))
}

// narrowWindow lowers the window that a zstd frame header asks for to what the
// stream can fill: nothing refers back further (RFC 8878 section 3.1.1.1).
func narrowWindow(frame []byte, window uint64) {
	const magic, singleSegment, minLog = "\x28\xb5\x2f\xfd", 1 << 5, 10
	if len(frame) < 6 || string(frame[:4]) != magic || frame[4]&singleSegment != 0 {
		return
	}
	most := byte(bits.Len64(window)-1-minLog) << 3 // exponent in the upper five bits, mantissa 0
	frame[5] = min(frame[5], most)
}

// skipCompressed walks on over records stored as they are and counts the
// pieces that can no longer be decompressed.
func (w *walk) skipCompressed() error {
	for {
		rec, ok := w.rr.next()
		if !ok {
			return nil
		}
		if piece, is := compressedPiece(rec, w.rr.s.o, w.rr.part); is {
			w.end = w.rr.offset()
			w.lost.pieces++
			w.lost.pieceBytes += len(piece)
		} else if err := w.plain(rec); err != nil {
			return err
		}
	}
}

// compressedPiece returns the zstd bytes of a compressed record; part says
// that it continues the one before and has no data_size.
func compressedPiece(rec []byte, o order, part bool) ([]byte, bool) {
	switch recordType(o.u32(rec)) {
	case recordCompressed:
		return rec[headerSize:], true
	case recordCompressed2: // u64 data_size, data, padding
		if len(rec) < comp2Header {
			return nil, true
		}
		piece := rec[comp2Header:]
		if n := o.u64(rec[8:]); !part && n < uint64(len(piece)) {
			piece = piece[:n]
		}
		return piece, true
	}
	return nil, false
}

func (z *inflater) take(rec []byte) bool {
	piece, is := compressedPiece(rec, z.w.rr.s.o, z.w.rr.part)
	if is {
		z.w.end = z.w.rr.offset()
		z.store = append(z.store[:0], piece...)
		z.piece = z.store
		z.in += uint64(len(piece))
	}
	return is
}

// Read feeds the decoder.
func (z *inflater) Read(p []byte) (int, error) {
	for len(z.piece) == 0 {
		rec, ok := z.w.rr.next()
		if !ok {
			z.wanted = len(p)
			return 0, io.EOF
		}
		if !z.take(rec) {
			if z.err = z.w.plain(rec); z.err != nil {
				return 0, z.err
			}
		}
	}
	n := copy(p, z.piece)
	z.piece = z.piece[n:]
	return n, nil
}

// Write takes what the decoder made and hands out the whole records in it.
func (z *inflater) Write(p []byte) (int, error) {
	if z.out += uint64(len(p)); z.out > ratioFree && z.out/maxRatio > z.in {
		return 0, errRatio
	}
	z.buf = append(z.buf, p...)
	o, pos := z.w.rr.s.o, 0
	for pos+headerSize <= len(z.buf) {
		size := int(o.u16(z.buf[pos+6:]))
		if size < headerSize {
			return 0, fmt.Errorf("a decompressed record of %d bytes", size)
		}
		if pos+size > len(z.buf) {
			break
		}
		rec := rawRecord{data: z.buf[pos : pos+size], off: z.w.off, file: z.w.rr.offset()}
		if z.err = z.w.visit(rec); z.err != nil {
			return 0, z.err
		}
		z.w.off += int64(size)
		pos += size
	}
	z.buf = z.buf[:copy(z.buf, z.buf[pos:])]
	return len(p), nil
}
