package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// plainEvery is how often a status is written where there is no terminal to
// rewrite it on.
const plainEvery = 30 * time.Second

// A statusLine shows what is going on: on a terminal in one line that is
// rewritten, elsewhere as a line now and then.
type statusLine struct {
	w     io.Writer
	width int    // columns of the terminal, 0 if there is none
	last  string // for the caller: what the last finished part said

	mu    sync.Mutex
	shown bool
	when  time.Time
}

func newStatusLine(w io.Writer) *statusLine {
	s := &statusLine{w: w}
	if f, ok := terminalOf(w); ok {
		if size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil {
			s.w, s.width = f, max(20, int(size.Col))
		}
	}
	return s
}

// set shows a status.
func (s *statusLine) set(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.width > 0 {
		runes := []rune(inLine(text))
		fmt.Fprintf(s.w, "\r%s\x1b[K", string(runes[:min(len(runes), s.width-1)]))
		s.shown = true
		return
	}
	if time.Since(s.when) >= plainEvery {
		fmt.Fprintln(s.w, text)
		s.when = time.Now()
	}
}

// print writes a line that stays.
func (s *statusLine) print(text string) {
	s.clear()
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(s.w, visible(text, "\n\t"))
	s.when = time.Now()
}

// clear takes the status away.
func (s *statusLine) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown {
		fmt.Fprint(s.w, "\r\x1b[K")
		s.shown = false
	}
}
