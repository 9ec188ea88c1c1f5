package profile

import (
	"sync"

	"xfrmscope/analyze/perfdata"
)

// User addresses mean something in one layout of one process only. They are
// counted by the file that is mapped and the place in it, so that the same code
// of all processes is one stack: as words of a file's number and an offset.
//
// Without Options.User, the user part of a stack is left out if there is a
// kernel part; else it is the one word userTime or guestTime.
const (
	wordBits  = 48 // of the place; a file's number is above it
	placeMask = 1<<wordBits - 1

	fileUnmapped = 0xffff // place is an address nothing was mapped at
	fileRare     = 0xfffe // place is an index into userWords
	fileSpecial  = 0xfffd // place is one of the stand-ins
	maxUserFiles = 0xfffd

	userTime  = fileSpecial << wordBits
	guestTime = fileSpecial<<wordBits | 1
)

// A userPlace is a place in a file, or an address if file is fileUnmapped.
type userPlace struct {
	file  int32
	place uint64
}

// userWords numbers the places that do not fit a word: addresses above 48 bits
// and files above 65,532. Workers share it.
type userWords struct {
	mu    sync.Mutex
	index map[userPlace]uint64
	list  []userPlace
}

func (w *userWords) word(p userPlace) uint64 {
	if p.file < maxUserFiles && p.place <= placeMask {
		return uint64(p.file)<<wordBits | p.place
	}
	if p.file == fileUnmapped && p.place <= placeMask {
		return fileUnmapped<<wordBits | p.place
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.index == nil {
		w.index = map[userPlace]uint64{}
	}
	i, ok := w.index[p]
	if !ok {
		i = uint64(len(w.list))
		w.list = append(w.list, p)
		w.index[p] = i
	}
	return fileRare<<wordBits | i
}

// place is the inverse of word.
func (w *userWords) place(word uint64) userPlace {
	file := int32(word >> wordBits)
	if file == fileRare {
		return w.list[word&placeMask]
	}
	return userPlace{file, word & placeMask}
}

// rawUser finds the user segment of addresses seen before in the same layout.
type rawUser struct {
	index    index
	digests  []digest
	segments []uint32
	words    []uint64 // scratch
}

// userDigest returns a digest of the user part of a chain, the zero digest if
// the part is none. If user frames are left out, it is of the stand-in, which
// is returned too.
func (c *counter) userDigest(s *perfdata.Sample, ch *chain) (g digest, standIn uint64) {
	switch {
	case len(ch.user) == 0:
		return digest{}, 0
	case c.shared.spaces != nil:
		g = digest{uint64(c.layout(s).id()), 1}
		return c.shared.digester.words(g, ch.user), 0
	case len(ch.kernel) > 0:
		return digest{}, 0
	}
	standIn = userTime
	if ch.user[0] == guestFrame {
		standIn = guestTime
	}
	return digest{standIn, 2}, standIn
}

func (c *counter) layout(s *perfdata.Sample) *layout {
	return c.shared.spaces.at(s.PID, s.TimeNS)
}

// id returns the number of a layout, 0 for none.
func (l *layout) id() uint32 {
	if l == nil {
		return 0
	}
	return l.number
}

// internUser returns the user segment of a chain: of its addresses, or of the
// stand-in.
func (c *counter) internUser(g digest, standIn uint64, addrs []uint64, s *perfdata.Sample, position uint64) uint32 {
	switch {
	case standIn != 0:
		return c.user.intern(g, []uint64{standIn}, position)
	case g == digest{}:
		return none
	}
	n, place, ok := c.raw.index.find(g, c.raw.digests)
	if ok {
		seg := c.raw.segments[n]
		c.user.first[seg] = min(c.user.first[seg], position)
		return seg
	}
	words := c.resolveUser(addrs, c.layout(s))
	seg := c.user.intern(c.shared.digester.words(digest{}, words), words, position)
	c.raw.digests = append(c.raw.digests, g)
	c.raw.segments = append(c.raw.segments, seg)
	c.raw.index.enter(g, place, uint32(len(c.raw.segments)-1), c.raw.digests)
	return seg
}

// resolveUser returns the words of addresses in a layout.
func (c *counter) resolveUser(addrs []uint64, l *layout) []uint64 {
	words := c.raw.words[:0]
	for _, a := range addrs {
		if a == guestFrame {
			words = append(words, guestTime)
			continue
		}
		p := userPlace{fileUnmapped, a}
		if m, ok := l.find(a); ok {
			p = userPlace{m.file, a - m.start + m.offset}
			if c.shared.spaces.files[m.file].pid != 0 {
				p.place = a // code made at run time is named by address
			}
		}
		words = append(words, c.shared.words.word(p))
	}
	c.raw.words = words
	return words
}
