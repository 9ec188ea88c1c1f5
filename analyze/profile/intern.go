package profile

import (
	"math/bits"
	"math/rand/v2"
)

// A digest stands for a sequence of words: two sequences are taken as equal if
// their digests are. It has 128 bits and random seeds, so that neither chance
// (10^-26 for a million sequences) nor the writer of a recording makes two
// meet. It never decides an order.
type digest struct{ a, b uint64 }

// A digester computes digests; those of different digesters are unrelated.
type digester struct{ seed [6]uint64 }

func newDigester() *digester {
	var d digester
	for i := range d.seed {
		d.seed[i] = rand.Uint64() | 1
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

// An index finds the number of a digest among those entered: open addressing
// over the numbers, with 32 bits of the digest beside each.
type index struct {
	slots []slot // length a power of two; number+1, 0 is free
	used  int
}

type slot struct {
	tag    uint32
	number uint32
}

// find returns the number of g, whose digest is among digests, or the place to
// enter it at.
func (x *index) find(g digest, digests []digest) (number uint32, place int, ok bool) {
	if len(x.slots) == 0 {
		return 0, -1, false
	}
	mask := len(x.slots) - 1
	tag := uint32(g.b)
	for i := int(g.a) & mask; ; i = (i + 1) & mask {
		s := x.slots[i]
		if s.number == 0 {
			return 0, i, false
		}
		if s.tag == tag && digests[s.number-1] == g {
			return s.number - 1, i, true
		}
	}
}

// enter adds the number of g, which find did not find and for which it
// returned place. digests are those of all numbers, g's included.
func (x *index) enter(g digest, place int, number uint32, digests []digest) {
	if x.used >= len(x.slots)/4*3 {
		x.grow(digests[:number])
		_, place, _ = x.find(g, digests)
	}
	x.slots[place] = slot{uint32(g.b), number + 1}
	x.used++
}

func (x *index) grow(digests []digest) {
	x.slots = make([]slot, max(64, 2*len(x.slots)))
	mask := len(x.slots) - 1
	for n, g := range digests {
		i := int(g.a) & mask
		for x.slots[i].number != 0 {
			i = (i + 1) & mask
		}
		x.slots[i] = slot{uint32(g.b), uint32(n) + 1}
	}
}

// segments keeps each sequence of words once, numbered from 0.
type segments struct {
	index   index
	digests []digest
	first   []uint64 // where in the recording a segment was met first
	ends    []uint32 // segment i is words[ends[i-1]:ends[i]]
	words   []uint64
}

// add enters a sequence that lookup did not find.
func (t *segments) add(g digest, place int, ws []uint64, position uint64) uint32 {
	n := uint32(len(t.digests))
	t.digests = append(t.digests, g)
	t.first = append(t.first, position)
	t.words = append(t.words, ws...)
	t.ends = append(t.ends, uint32(len(t.words)))
	t.index.enter(g, place, n, t.digests)
	return n
}

// intern returns the number of the sequence with digest g.
func (t *segments) intern(g digest, ws []uint64, position uint64) uint32 {
	n, place, ok := t.index.find(g, t.digests)
	if !ok {
		return t.add(g, place, ws, position)
	}
	t.first[n] = min(t.first[n], position)
	return n
}

// at returns segment n.
func (t *segments) at(n uint32) []uint64 {
	start := uint32(0)
	if n > 0 {
		start = t.ends[n-1]
	}
	return t.words[start:t.ends[n]]
}

func (t *segments) len() int { return len(t.digests) }
