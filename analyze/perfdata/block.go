package perfdata

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
)

// A Block is a run of whole records, at most 4 MiB. Blocks may be decoded in
// any order and by any goroutine, each once.
type Block struct {
	Offset int64 // of the first record in its stream: the byte offset in the file, unless the stream is compressed
	Size   int64 // bytes of the records

	seq    int
	stream *stream
	before []counterValue        // counters as they stood before the block
	chains map[chainKey][]uint64 // deferred chains of samples here that stand in other blocks
	data   []byte                // the records, if the stream had to be decompressed
}

// takes reports whether the record goes on where the block ends.
func (b *Block) takes(rec rawRecord) bool {
	return rec.off == b.Offset+b.Size && b.Size+int64(len(rec.data)) <= b.stream.block
}

// Number returns the block's place in the order of the recording, from 0.
func (b *Block) Number() int { return b.seq }

// Blocks yields the blocks of the recording in order. The first call passes
// over all records (as Sideband does). A block of a recording stored as it is
// costs nothing until a Decoder reads it; one of a compressed recording holds
// its decompressed records, so hand it to a worker soon and keep no more of
// them than there are workers. The error is a failure to read the input.
func (f *File) Blocks(ctx context.Context) iter.Seq2[*Block, error] {
	return func(yield func(*Block, error) bool) {
		if _, err := f.index(ctx); err != nil {
			yield(nil, err)
			return
		}
		for _, blocks := range f.blocksByStream() {
			for b, err := range blocks {
				if err == nil {
					err = ctx.Err()
				}
				if err != nil {
					yield(nil, err)
					return
				}
				if !yield(b, nil) {
					return
				}
			}
		}
	}
}

// blocksByStream returns the blocks of each stream that has any. The index
// must be there.
func (f *File) blocksByStream() []iter.Seq2[*Block, error] {
	var out []iter.Seq2[*Block, error]
	for blocks := f.indexed.blocks; len(blocks) > 0; {
		s, n := blocks[0].stream, 1
		for n < len(blocks) && blocks[n].stream == s {
			n++
		}
		out = append(out, f.streamBlocks(s, blocks[:n]))
		blocks = blocks[n:]
	}
	return out
}

// streamBlocks yields the blocks of one stream, filled if it is compressed.
func (f *File) streamBlocks(s *stream, blocks []*Block) iter.Seq2[*Block, error] {
	return func(yield func(*Block, error) bool) {
		if !s.compressed {
			for _, b := range blocks {
				if !yield(b, nil) {
					return
				}
			}
			return
		}
		b := blockFiller{f: f, blocks: blocks, yield: yield}
		_, err := walkStream(s, b.record)
		if err == nil {
			err = b.flush()
		}
		if err != nil && err != errStopped {
			yield(nil, fmt.Errorf("decompressing: %w", err))
		}
	}
}

// errStopped ends a walk whose consumer has enough.
var errStopped = errors.New("stopped")

// A blockFiller decompresses a stream again and cuts it where the first pass
// did.
type blockFiller struct {
	f      *File
	blocks []*Block // those not filled yet
	data   []byte
	yield  func(*Block, error) bool
}

func (b *blockFiller) record(rec rawRecord) error {
	for len(b.blocks) > 0 && rec.off >= b.blocks[0].Offset+b.blocks[0].Size {
		if err := b.flush(); err != nil {
			return err
		}
	}
	if len(b.blocks) == 0 {
		return errStopped
	}
	if b.data == nil {
		b.data = b.f.buffer(int(b.blocks[0].Size))
	}
	b.data = append(b.data, rec.data...)
	return nil
}

// flush hands out the block that is full.
func (b *blockFiller) flush() error {
	if len(b.blocks) == 0 {
		return nil
	}
	block := *b.blocks[0]
	block.data = b.data
	b.blocks, b.data = b.blocks[1:], nil
	if !b.yield(&block, nil) {
		return errStopped
	}
	return nil
}

// buffer returns an empty buffer for n bytes, one that a decoder is done with
// if there is any.
func (f *File) buffer(n int) []byte {
	if b, ok := f.buffers.Get().(*[]byte); ok && cap(*b) >= n {
		return (*b)[:0]
	}
	return alignedBuffer(max(n, min(blockSize, int(f.size))))[:0]
}

// release gives back the buffer of a decompressed block.
func (f *File) release(b *Block) {
	if b.data != nil {
		data := b.data
		b.data = nil
		f.buffers.Put(&data)
	}
}

// load returns the records of the block, reading them into buf if they are
// stored as they are. The buffer is returned for the next call.
func (b *Block) load(buf []byte) (data, next []byte, err error) {
	if b.data != nil || b.stream.compressed {
		return b.data, buf, nil
	}
	if int64(cap(buf)) < b.Size {
		buf = alignedBuffer(int(max(b.Size, min(blockSize, b.stream.end-b.stream.start))))
	}
	data = buf[:b.Size]
	n, err := b.stream.r.ReadAt(data, b.Offset)
	if int64(n) < b.Size && err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, buf, fmt.Errorf("reading %d bytes of records at byte %d: %w", b.Size, b.Offset, err)
	}
	return data, buf, nil
}
