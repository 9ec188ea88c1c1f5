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
	index index[uint32] // values are user segments
	words []uint64      // scratch
}

// holdUser sets the user part of a held sample: its addresses and layout, or
// if user frames are left out a stand-in or nothing.
func (c *counter) holdUser(h *held, s *perfdata.Sample, ch *chain) {
	h.userID, h.user, h.layout = digest{}, h.user[:0], nil
	switch {
	case len(ch.user) == 0:
	case c.shared.spaces != nil:
		h.layout = c.shared.spaces.at(s.PID, s.TimeNS)
		h.user = append(h.user, ch.user...)
		h.userID = c.shared.digester.words(digest{uint64(h.layout.id()), 1}, ch.user)
	case len(ch.kernel) > 0:
	case ch.user[0] == guestFrame:
		h.userID = digest{guestTime, 2}
	default:
		h.userID = digest{userTime, 2}
	}
}

// id returns the number of a layout, 0 for none.
func (l *layout) id() uint32 {
	if l == nil {
		return 0
	}
	return l.number
}

// internUser returns the user segment of a held sample.
func (c *counter) internUser(h *held) uint32 {
	switch {
	case h.userID == digest{}:
		return none
	case len(h.user) == 0: // a stand-in
		return c.user.intern(h.userID, []uint64{h.userID.a}, h.position)
	}
	_, seg, isNew := c.raw.index.intern(h.userID)
	if !isNew {
		first := &c.user.index.at(*seg).first
		*first = min(*first, h.position)
		return *seg
	}
	words := c.resolveUser(h.user, h.layout)
	*seg = c.user.intern(c.shared.digester.words(digest{}, words), words, h.position)
	return *seg
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
