package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// A plainWriter lets through what a terminal shows, and no byte that it would
// obey: labels, file names and names of processes are other people's. Newlines
// and tabs pass.
type plainWriter struct {
	w    io.Writer
	rest []byte // the start of a character whose end comes with the next Write
	err  error  // of the first Write that failed
}

func (p *plainWriter) Write(b []byte) (int, error) {
	text := append(p.rest, b...)
	whole := len(text)
	for i := 1; i < utf8.UTFMax && i <= len(text); i++ {
		if at := len(text) - i; utf8.RuneStart(text[at]) && !utf8.FullRune(text[at:]) {
			whole = at
		}
	}
	p.rest = []byte(string(text[whole:]))
	_, err := io.WriteString(p.w, visible(string(text[:whole]), "\n\t"))
	p.err = cmp.Or(p.err, err)
	return len(b), err
}

// flush writes a character that was cut off by the end.
func (p *plainWriter) flush() {
	_, _ = io.WriteString(p.w, visible(string(p.rest), "")) // nobody is left to be told
	p.rest = nil
}

// visible spells out what is no graphic character, but for those in keep:
// control characters, bytes that are no UTF-8, and what turns the direction of
// the text around it.
func visible(s, keep string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsGraphic(r) || strings.ContainsRune(keep, r):
			b.WriteRune(r)
		case r <= 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// inLine is a name or a text of others within a line of ours.
func inLine(s string) string { return visible(s, "") }

// terminalOf returns the file behind a stream, if it is one that a screen can be
// drawn on.
func terminalOf(w io.Writer) (*os.File, bool) {
	if p, ok := w.(*plainWriter); ok {
		w = p.w
	}
	f, ok := w.(*os.File)
	return f, ok && os.Getenv("TERM") != "dumb"
}

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

// bar draws a share of what is to be done.
func bar(share float64) string {
	const width = 20
	done := int(width * min(1, max(0, share)))
	return fmt.Sprintf("[%s%s] %3.0f %%", strings.Repeat("#", done), strings.Repeat(".", width-done),
		100*min(1, max(0, share)))
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
