package profile

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// A digest stands for a sequence of words: two sequences are taken as equal if
// their digests are. 96 bits of it are compared, and its seeds are random, so
// that neither chance (10^-17 for a million sequences) nor the writer of a
// recording makes two meet. It never decides an order.
type digest struct{ a, b uint64 }

// A digester computes digests; those of different digesters are unrelated.
type digester struct{ seed [6]uint64 }

func newDigester() *digester {
	var d digester
	for i := range d.seed {
		d.seed[i] = rand.Uint64()
	}
	return &d
}

// words extends a digest by a sequence; its length counts.
func (d *digester) words(g digest, ws []uint64) digest {
	g.a ^= uint64(len(ws))
	for len(ws) >= 2 {
		x, y := ws[0], ws[1]
		g.a = mix(g.a^x^d.seed[0], y^d.seed[1])
		g.b = mix(g.b^y^d.seed[2], x^d.seed[3])
		ws = ws[2:]
	}
	if len(ws) == 1 {
		return d.pair(g, ws[0], d.seed[4])
	}
	return g
}

// pair extends a digest by two words.
func (d *digester) pair(g digest, x, y uint64) digest {
	return digest{mix(g.a^x^d.seed[4], y^d.seed[1]), mix(g.b^y^d.seed[5], x^d.seed[3])}
}

// mix folds the 128-bit product of two words.
func mix(x, y uint64) uint64 {
	hi, lo := bits.Mul64(x, y)
	return hi ^ lo
}

// A list is a slice in pieces: it grows without copying, so that the memory it
// takes is never more than what is in it by a piece.
type list[T any] struct {
	pieces [][]T
	n      int
}

const (
	pieceBits = 9
	pieceSize = 1 << pieceBits
)

func (l *list[T]) add(v T) *T {
	p := l.last()
	*p = append(*p, v)
	l.n++
	return &(*p)[len(*p)-1]
}

// last returns the piece with room: the next if that before is full, which is there
// already if the list was longer once. The first is small: many lists stay short.
func (l *list[T]) last() *[]T {
	i := l.n >> pieceBits
	switch {
	case i == len(l.pieces) && i == 0:
		l.pieces = append(l.pieces, make([]T, 0, 16))
	case i == len(l.pieces):
		l.pieces = append(l.pieces, make([]T, 0, pieceSize))
	case l.n&(pieceSize-1) == 0:
		l.pieces[i] = l.pieces[i][:0]
	}
	return &l.pieces[i]
}

// addAll adds values in a row.
func (l *list[T]) addAll(vs []T) {
	for len(vs) > 0 {
		p := l.last()
		n := min(len(vs), pieceSize-len(*p))
		*p = append(*p, vs[:n]...)
		l.n += n
		vs = vs[n:]
	}
}

// appendTo appends n values from i on.
func (l *list[T]) appendTo(out []T, i, n uint32) []T {
	for n > 0 {
		piece := l.pieces[i>>pieceBits][i&(pieceSize-1):]
		k := min(n, uint32(len(piece)))
		out = append(out, piece[:k]...)
		i, n = i+k, n-k
	}
	return out
}

func (l *list[T]) at(i uint32) *T { return &l.pieces[i>>pieceBits][i&(pieceSize-1)] }

// none is the number of what there is not.
const none = math.MaxUint32

// An index numbers digests from 0 in the order they are entered, and keeps a
// value with each: open addressing over the numbers, with half of the digest
// beside each number and the other half beside the value.
type index[V any] struct {
	slots   []slot // length a power of two
	entries list[entry[V]]
}

type slot struct {
	tag  uint32
	next uint32 // number + 1; 0 is free
}

type entry[V any] struct {
	key uint64
	v   V
}

func (x *index[V]) len() int { return x.entries.n }

// at returns the value of a number.
func (x *index[V]) at(n uint32) *V { return &x.entries.at(n).v }

// intern returns the number of a digest and its value, which is zero and to be
// set by the caller if the digest is new.
func (x *index[V]) intern(g digest) (n uint32, v *V, isNew bool) {
	if x.entries.n >= len(x.slots)/4*3 {
		x.grow()
	}
	mask := uint64(len(x.slots) - 1)
	tag := uint32(g.b)
	for i := g.a & mask; ; i = (i + 1) & mask {
		s := x.slots[i]
		if s.next == 0 {
			x.slots[i] = slot{tag, uint32(x.entries.n) + 1}
			e := x.entries.add(entry[V]{key: g.a})
			return uint32(x.entries.n) - 1, &e.v, true
		}
		if s.tag == tag {
			if e := x.entries.at(s.next - 1); e.key == g.a {
				return s.next - 1, &e.v, false
			}
		}
	}
}

// find returns the value of a digest if it was entered.
func (x *index[V]) find(g digest) (v V, ok bool) {
	if len(x.slots) == 0 {
		return v, false
	}
	mask := uint64(len(x.slots) - 1)
	for i := g.a & mask; ; i = (i + 1) & mask {
		s := x.slots[i]
		if s.next == 0 {
			return v, false
		}
		if s.tag == uint32(g.b) {
			if e := x.entries.at(s.next - 1); e.key == g.a {
				return e.v, true
			}
		}
	}
}

// peek and fetch read what intern will read of a digest: first the slot where
// it is likely to be, then the entry that stands there. Done for many digests
// before the first intern, they wait for the memory together.
func (x *index[V]) peek(g digest) (next uint32) {
	if len(x.slots) == 0 {
		return 0
	}
	return x.slots[g.a&uint64(len(x.slots)-1)].next
}

func (x *index[V]) fetch(next uint32) uint64 {
	if next == 0 {
		return 0
	}
	return x.entries.at(next - 1).key
}

func (x *index[V]) grow() {
	old := x.slots
	x.slots = make([]slot, max(16, 2*len(old)))
	mask := uint64(len(x.slots) - 1)
	for _, s := range old {
		if s.next == 0 {
			continue
		}
		i := x.entries.at(s.next-1).key & mask
		for x.slots[i].next != 0 {
			i = (i + 1) & mask
		}
		x.slots[i] = s
	}
}

// close frees what only intern needs.
func (x *index[V]) close() { x.slots = nil }

// reset forgets all, and keeps the memory.
func (x *index[V]) reset() {
	clear(x.slots)
	x.entries.n = 0
}

// segments keeps each sequence of words once, numbered from 0.
type segments struct {
	index index[segment]
	words list[uint64]
}

// A segment is a sequence of words in segments.words.
type segment struct{ start, length uint32 }

// intern returns the number of the sequence with digest g.
func (t *segments) intern(g digest, ws []uint64) uint32 {
	n, s, isNew := t.index.intern(g)
	if isNew {
		*s = segment{uint32(t.words.n), uint32(len(ws))}
		t.words.addAll(ws)
	}
	return n
}

// appendTo appends the words of segment n.
func (t *segments) appendTo(out []uint64, n uint32) []uint64 {
	s := t.index.at(n)
	return t.words.appendTo(out, s.start, s.length)
}
