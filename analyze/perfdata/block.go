package perfdata

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A Block is a run of whole records, at most 4 MiB, or a hardware trace. Blocks may
// be decoded in any order and by any goroutine, each once.
type Block struct {
	offset int64 // of the first record in its stream: the byte offset in the file, unless the stream is compressed
	size   int64 // bytes of the records

	seq    int
	stream *stream
	before []counterValue        // counters as they stood before the block
	chains map[chainKey][]uint64 // deferred chains of samples here that stand in other blocks
	data   []byte                // the records, if the stream had to be decompressed
	aux    *aux                  // of a trace, else nil
}

// takes reports whether the record goes on where the block ends.
func (b *Block) takes(rec rawRecord) bool {
	return rec.off == b.offset+b.size && b.size+int64(len(rec.data)) <= b.stream.block
}

// Blocks yields the blocks of the recording in order. The first call passes over all records (as Sideband does). A
// block of a recording stored as it is costs nothing until a Decoder reads it; one of a compressed recording holds its
// decompressed records, so hand it to a worker soon and keep no more of them than there are workers. The error is a
// failure to read the input.
func (f *File) Blocks(ctx context.Context) iter.Seq2[*Block, error] {
	return func(yield func(*Block, error) bool) {
		x, err := f.index(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		for blocks := x.blocks; len(blocks) > 0; {
			s, n := blocks[0].stream, 1
			for n < len(blocks) && blocks[n].stream == s {
				n++
			}
			for b, err := range f.streamBlocks(s, blocks[:n]) {
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
			blocks = blocks[n:]
		}
		for i := range x.trace.parts {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if !x.trace.spe || !yield(&Block{seq: len(x.blocks) + i, aux: &x.trace.parts[i]}, nil) {
				return
			}
		}
	}
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
		if whole := f.takeKept(blocks[0]); whole != nil {
			yield(whole, nil)
			return
		}
		b := blockFiller{f: f, blocks: blocks, yield: yield}
		_, err := b.f.walk(s, b.record)
		if err == nil {
			err = b.flush()
		}
		if err != nil && err != errStopped {
			yield(nil, fmt.Errorf("decompressing: %w", err))
		}
	}
}

// takeKept returns the only block of a stream with its records, if the first pass kept them; the next call does not.
func (f *File) takeKept(b *Block) *Block {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b.data == nil {
		return nil
	}
	whole := *b
	b.data = nil
	return &whole
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
	for len(b.blocks) > 0 && rec.off >= b.blocks[0].offset+b.blocks[0].size {
		if err := b.flush(); err != nil {
			return err
		}
	}
	if len(b.blocks) == 0 {
		return errStopped
	}
	if b.data == nil {
		size := max(b.blocks[0].size, min(blockSize, b.f.size))
		b.data = b.f.buffers.block(int(size))
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

// load returns the records of the block, reading them into buf if they are
// stored as they are. The buffer is returned for the next call.
func (b *Block) load(buf []byte) (data, next []byte, err error) {
	if b.data != nil || b.stream.compressed {
		return b.data, buf, nil
	}
	if int64(cap(buf)) < b.size {
		buf = alignedBuffer(int(max(b.size, min(blockSize, b.stream.end-b.stream.start))))
	}
	data = buf[:b.size]
	n, err := b.stream.r.ReadAt(data, b.offset)
	if int64(n) < b.size && err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, buf, fmt.Errorf("reading %d bytes of records at byte %d: %w", b.size, b.offset, err)
	}
	return data, buf, nil
}

// Buffers are the memory that recordings are read with, one after the other or side by side: that of one is used again
// for the next. The zero value is ready.
type Buffers struct {
	blocks sync.Pool // *[]byte
	walks  sync.Pool // *walkBuffers
}

// walkBuffers are what one pass over a stream needs.
type walkBuffers struct {
	read          []byte // of a recordReader
	piece, cut    []byte // of an inflater
	decompression *zstd.Decoder
}

// Reuse has f read with memory that other recordings were read with. Call it before anything is read.
func (f *File) Reuse(b *Buffers) { f.buffers = b }

func (b *Buffers) walk() *walkBuffers {
	if w, ok := b.walks.Get().(*walkBuffers); ok {
		return w
	}
	return new(walkBuffers)
}

// block returns an empty buffer for n bytes, of a block that a decoder is done with if there is any.
func (b *Buffers) block(n int) []byte {
	if old, ok := b.blocks.Get().(*[]byte); ok && cap(*old) >= n {
		return (*old)[:0]
	}
	return alignedBuffer(n)[:0]
}

// release takes back the buffer of a block.
func (b *Buffers) release(data []byte) {
	if data != nil {
		b.blocks.Put(&data)
	}
}
