package importer

import (
	"bytes"
	"errors"
	"io"
)

// maxLine bounds what one line of a text may take: nothing a program prints about one stack or result comes near it.
const maxLine = 4 << 20

// lines cuts a stream into lines without copying them.
type lines struct {
	r    io.Reader
	file string
	buf  []byte
	at   int   // of the next line in buf
	end  int   // of what was read
	num  int   // of the line next returned last, from 1
	err  error // what ended the stream; io.EOF
	cut  bool  // the last line has no newline
}

func newLines(r io.Reader, file string) *lines {
	return &lines{r: r, file: file, buf: make([]byte, 256<<10)}
}

// all goes through the lines; the number of each is l.num.
func (l *lines) all(yield func([]byte) bool) {
	for {
		line, ok := l.next()
		if !ok || !yield(line) {
			return
		}
	}
}

// next returns the next line without its end, and false after the last. The line is good until the following call.
func (l *lines) next() ([]byte, bool) {
	scanned := l.at
	for {
		if i := bytes.IndexByte(l.buf[scanned:l.end], '\n'); i >= 0 {
			line := l.buf[l.at : scanned+i]
			l.at = scanned + i + 1
			l.num++
			return trimCR(line), true
		}
		scanned = l.end - l.at
		if l.err != nil || !l.fill() {
			return l.last()
		}
	}
}

// fill reads more behind the line begun, which it moves to the front.
func (l *lines) fill() bool {
	l.end = copy(l.buf, l.buf[l.at:l.end])
	l.at = 0
	if l.end == len(l.buf) {
		if len(l.buf) >= maxLine {
			l.err = Options{Name: l.file}.bad(l.num+1, "a line longer than 4 MiB: this is no text of lines")
			l.end = 0
			return false
		}
		l.buf = append(l.buf, make([]byte, len(l.buf))...)
	}
	for range 100 {
		n, err := l.r.Read(l.buf[l.end:])
		l.end += n
		if err != nil {
			l.err = err
		}
		if n > 0 || err != nil {
			return true
		}
	}
	l.err = io.ErrNoProgress
	return false
}

// last returns what stands behind the last newline.
func (l *lines) last() ([]byte, bool) {
	line := l.buf[l.at:l.end]
	l.at = l.end
	if len(line) == 0 {
		return nil, false
	}
	l.cut = true
	l.num++
	return trimCR(line), true
}

// failure returns why the stream ended early, nil if it did not.
func (l *lines) failure() error {
	if errors.Is(l.err, io.EOF) {
		return nil
	}
	return l.err
}

func trimCR(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}
