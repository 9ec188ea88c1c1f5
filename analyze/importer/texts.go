package importer

import (
	"bytes"
	"hash/maphash"
	"math"
	"slices"
)

// texts numbers byte strings from 0: a hash table that keeps every string once, one behind another. It allocates for
// new strings only. Seeds are random, so that no input can make its strings collide.
type texts struct {
	seed    maphash.Seed
	slots   []uint64 // upper half of the hash, number + 1; 0 is free
	hashes  []uint64 // by number
	ends    []int    // string i is kept[ends[i-1]:ends[i]]
	kept    []byte
	maxUsed int
}

func newTexts() *texts {
	return &texts{seed: maphash.MakeSeed()}
}

// number returns the number of a string, and whether it is new.
func (t *texts) number(text []byte) (n int32, added bool) {
	if len(t.hashes) >= t.maxUsed {
		t.grow()
	}
	h := maphash.Bytes(t.seed, text)
	mask := uint64(len(t.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		slot := t.slots[i]
		if slot == 0 {
			t.slots[i] = h&^math.MaxUint32 | uint64(len(t.hashes)+1)
			return t.add(h, text), true
		}
		if (slot^h)>>32 == 0 {
			n := int32(slot&math.MaxUint32) - 1
			if bytes.Equal(t.at(n), text) {
				return n, false
			}
		}
	}
}

func (t *texts) add(h uint64, text []byte) int32 {
	t.hashes = append(doubled(t.hashes, 1), h)
	t.kept = append(doubled(t.kept, len(text)), text...)
	t.ends = append(doubled(t.ends, 1), len(t.kept))
	return int32(len(t.hashes) - 1)
}

func (t *texts) at(n int32) []byte {
	start := 0
	if n > 0 {
		start = t.ends[n-1]
	}
	return t.kept[start:t.ends[n]]
}

func (t *texts) len() int { return len(t.hashes) }

func (t *texts) grow() {
	t.slots = make([]uint64, max(1024, 2*len(t.slots)))
	t.maxUsed = len(t.slots) / 2
	mask := uint64(len(t.slots) - 1)
	for n, h := range t.hashes {
		i := h & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = h&^math.MaxUint32 | uint64(n+1)
	}
}

// doubled makes room for n more entries. It doubles: append alone grows long
// slices by a quarter, and copies each entry five times.
func doubled[T any](s []T, n int) []T {
	if len(s)+n <= cap(s) {
		return s
	}
	return slices.Grow(s, max(n, len(s)))
}
