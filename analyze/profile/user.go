package profile

import (
	"sync"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/symbols"
)

// User addresses mean something in one layout of one process only. A user
// frame is counted as a word: the number of the file that is mapped there, and
// the number of the function in the file's symbol table. So the same calls in
// all processes are one stack.
//
// Without Options.User, the user part of a stack is left out if there is a
// kernel part; else it is the one word userTime or guestTime.
const (
	functionBits = 40 // of 1 + the function's number, 0 if it has no symbol
	functionMask = 1<<functionBits - 1

	fileUnmapped = 1<<24 - 1 // nothing was mapped there
	maxUserFiles = 1<<24 - 3

	unmapped  = fileUnmapped << functionBits
	userTime  = (fileUnmapped - 1) << functionBits
	guestTime = (fileUnmapped-1)<<functionBits | 1
)

// holdUser sets the user part of a held sample: its addresses and layout, or
// if user frames are left out a stand-in or nothing.
func (c *counter) holdUser(h *held, s *perfdata.Sample, ch *chain) {
	h.user, h.standIn = h.user[:0], 0
	switch {
	case len(ch.user) == 0:
	case c.spaces != nil:
		h.layout = c.spaces.at(s.PID, s.TimeNS)
		h.user = append(h.user, ch.user...)
		h.userID = c.digester.words(digest{uint64(h.layout.id()), 1}, ch.user)
	case len(ch.kernel) > 0:
	case ch.user[0] == guestFrame:
		h.standIn, h.userID = guestTime, digest{guestTime, 0}
	default:
		h.standIn, h.userID = userTime, digest{userTime, 0}
	}
}

// id returns the number of a layout, 0 for none.
func (l *layout) id() uint32 {
	if l == nil {
		return 0
	}
	return l.number
}

// internUser returns the user segment of a held sample, or none. Addresses met
// before in the same layout have it in the raw table.
func (c *counter) internUser(h *held) uint32 {
	if h.standIn == 0 && len(h.user) == 0 {
		return none
	}
	if seg, ok := c.raw.find(h.userID); ok {
		return seg
	}
	words := append(c.words[:0], h.standIn)
	if h.standIn == 0 {
		words = c.resolveUser(h.user, h.layout)
	}
	c.words = words
	seg := c.user.intern(c.digester.words(digest{}, words), words)
	c.raw.intern(h.userID, seg)
	return seg
}

// resolveUser returns the words of addresses, leaf first. The first is where
// the task was interrupted or entered the kernel, the others are return
// addresses.
func (c *counter) resolveUser(addrs []uint64, l *layout) []uint64 {
	words := c.words[:0]
	for i, a := range addrs {
		if i > 0 && a > 0 && a != guestFrame && !c.asPerf {
			a--
		}
		words = append(words, c.userWord(a, l))
	}
	return words
}

// userWord returns the word of an address.
func (s *shared) userWord(addr uint64, l *layout) uint64 {
	if addr == guestFrame {
		return guestTime
	}
	m, ok := l.find(addr)
	if !ok || m.file > maxUserFiles {
		return unmapped
	}
	f := s.spaces.files[m.file].symbols(s.store)
	var function int
	if f.jitted != nil {
		function = f.jitted.Find(addr) // code made at run time is named by address
	} else {
		function = f.object.FindOffset(addr - m.start + m.offset)
	}
	return uint64(m.file)<<functionBits | uint64(function+1)
}

// fileSymbols names the functions of one user file; it is read when the file
// is met first.
type fileSymbols struct {
	once   sync.Once
	object *symbols.Object
	jitted *symbols.Table
	err    error
}

// symbols returns the symbols of the file.
func (u *userFile) symbols(store *symbols.Store) *fileSymbols {
	u.names.once.Do(func() {
		if u.pid != 0 {
			u.names.jitted, u.names.err = store.PerfMap(u.pid)
		} else {
			u.names.object, u.names.err = store.Object(u.name, u.buildID)
		}
	})
	return u.names
}

// at returns the symbol of a number, as in a word.
func (f *fileSymbols) at(function uint64) symbols.Symbol {
	switch {
	case function == 0:
		return symbols.Symbol{}
	case f.jitted != nil:
		return f.jitted.At(int(function - 1))
	}
	return f.object.Table.At(int(function - 1))
}
