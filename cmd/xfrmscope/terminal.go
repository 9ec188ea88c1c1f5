package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"xfrmscope/analyze/result"
	"xfrmscope/reports"
)

// A plainWriter lets through what a terminal shows, and no byte that it would
// obey: labels, file names and names of processes are other people's. Newlines
// and tabs pass.
type plainWriter struct {
	w    io.Writer
	json bool   // what is spelled out is spelled as in a string of JSON
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
	spell := visible
	if p.json {
		spell = visibleJSON
	}
	_, err := io.WriteString(p.w, spell(string(text[:whole]), "\n\t"))
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

// visibleJSON is visible for JSON, which is UTF-8: characters are spelled out as
// its strings have them.
func visibleJSON(s, keep string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsGraphic(r) || strings.ContainsRune(keep, r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// A document begins each object that a command prints as JSON; what results.json
// holds has one of its own.
type document struct {
	Schema int    `json:"schema"`
	Tool   string `json:"tool"`
}

// documentSchema is the version of what list, verify and top print as JSON.
const documentSchema = 1

func newDocument() document { return document{documentSchema, "xfrmscope " + version()} }

// writeJSON prints a document, a pointer, for another program; with its kernel
// addresses masked, if they are.
func (s streams) writeJSON(doc any, masked *result.Addresses, indent string) error {
	if masked != nil {
		masked.Mask(doc)
	}
	return s.json(func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", indent)
		return enc.Encode(doc)
	})
}

// printJSON prints a value for people and programs, without a head.
func (s streams) printJSON(v any) error {
	enc := json.NewEncoder(s.out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// writeResult prints a Result as results.json has it, each number with the half of
// its interval, too.
func (s streams) writeResult(r *result.Result) error {
	r.SetHalves()
	return s.json(func(w io.Writer) error { return reports.WriteJSON(w, r) })
}

func (s streams) json(write func(io.Writer) error) error {
	w := &plainWriter{w: s.binary, json: true}
	return cmp.Or(write(w), w.err)
}

// A jsonOptions are the flags of commands that print JSON.
type jsonOptions struct{ json, addresses bool }

func (o *jsonOptions) flags(f *pflag.FlagSet) {
	f.BoolVar(&o.json, "json", false, "print one document of JSON, for programs")
	f.BoolVar(&o.addresses, "addresses", false, "with --json: "+addressesUsage)
}

// masking is nil if addresses are kept.
func (o *jsonOptions) masking() *result.Addresses {
	if o.addresses {
		return nil
	}
	return new(result.Addresses)
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

func bar(share float64) string {
	const width = 20
	done := int(width * min(1, max(0, share)))
	return fmt.Sprintf("[%s%s] %3.0f %%", strings.Repeat("#", done), strings.Repeat(".", width-done),
		100*min(1, max(0, share)))
}

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

func (s *statusLine) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown {
		fmt.Fprint(s.w, "\r\x1b[K")
		s.shown = false
	}
}
