package importer

import (
	"bytes"
	"math"
	"slices"

	"xfrmscope/analyze/profile"
)

// A frame is one line of a stack in perf script's text
// (sample__fprintf_callchain, tools/perf/util/evsel_fprintf.c, 6.12):
//
//	addr symbol+0xoffset (file)
//
// Without -F ip or -F dso the address or the file is missing; an inlined function has "(inlined)" for a file.
type frame struct {
	address uint64
	symbol  []byte // "" if no symbol covers the address
	file    []byte // "" if not printed
	inlined bool
}

// parseFrame reads a line of a stack; false if it can be none.
func parseFrame(line []byte) (frame, bool) {
	line = trimSpaces(line)
	f := frame{}
	text, file, filed := cutFile(line)
	word, rest := firstWord(text)
	address, addressed := parseHex(word)
	if addressed {
		f.address, text = address, rest
	}
	if !addressed && !filed || len(line) == 0 {
		return frame{}, false
	}
	f.symbol = cutOffset(trimSpaces(text))
	if string(f.symbol) == profile.Unknown {
		f.symbol = nil
	}
	f.file = file
	if string(file) == "inlined" {
		f.file, f.inlined = nil, true
	}
	return f, true
}

// cutFile parts "text (file)". A file's name may hold parentheses: "(deleted)".
func cutFile(line []byte) (text, file []byte, ok bool) {
	if !bytes.HasSuffix(line, []byte(")")) {
		return line, nil, false
	}
	open := openingOf(line)
	if open < 0 {
		open = bytes.LastIndex(line, []byte(" ("))
	}
	if open < 0 || line[open] != ' ' {
		return line, nil, false
	}
	return line[:open], cutOffset(line[open+2 : len(line)-1]), true
}

// openingOf returns where the space stands before the parenthesis that the
// last byte of line closes, -1 if it closes none.
func openingOf(line []byte) int {
	depth := 0
	for i := len(line) - 1; i >= 0; i-- {
		switch line[i] {
		case ')':
			depth++
		case '(':
			if depth--; depth == 0 {
				if i > 0 && line[i-1] == ' ' {
					return i - 1
				}
				return -1
			}
		}
	}
	return -1
}

// cutOffset takes "+0x1f" off the end of a symbol or file.
func cutOffset(text []byte) []byte {
	i := bytes.LastIndexByte(text, '+')
	if i <= 0 || !bytes.HasPrefix(text[i:], []byte("+0x")) {
		return text
	}
	if _, ok := parseHex(text[i+3:]); !ok {
		return text
	}
	return text[:i]
}

// isSourceLine matches what -F +srcline prints behind a frame: "  file.c:123", "  libc.so.6[27b25]".
func isSourceLine(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("  ")) || bytes.ContainsAny(trimSpaces(line), " \t") {
		return false
	}
	word := trimSpaces(line)
	if bytes.HasSuffix(word, []byte("]")) {
		return bytes.IndexByte(word, '[') > 0 || bytes.Count(word, []byte("[")) > 1
	}
	i := bytes.LastIndexByte(word, ':')
	_, ok := parseUint(word[i+1:])
	return i > 0 && ok
}

// A place is what a frame's text stands for in the builder.
type place struct {
	location int32 // -1 if the text is no frame
	mapping  int32 // of location
	inlined  int32 // index into stacker.inlines, or -1
}

// A stacker puts stacks together from the text of their frames. A text is parsed once and then known.
type stacker struct {
	b       *builder
	known   *texts
	places  []place // by the text's number in known
	inlines []inline
	key     stackKey
	open    []pending // inlined frames of key whose file is not known yet
}

type inline struct {
	address uint64
	symbol  []byte
}

type pending struct{ at, inline int32 }

func newStacker(b *builder) *stacker {
	return &stacker{b: b, known: newTexts()}
}

func (s *stacker) reset() {
	s.key = s.key[:0]
	s.open = s.open[:0]
}

// push adds a frame, leaf first; false if the text is none.
func (s *stacker) push(text []byte) bool {
	n, added := s.known.number(text)
	if added {
		s.places = append(s.places, s.place(text))
	}
	p := s.places[n]
	switch {
	case p.location < 0:
		return false
	case p.inlined >= 0:
		s.open = append(s.open, pending{int32(s.key.len()), p.inlined})
	case len(s.open) > 0:
		s.settle(p.mapping)
	}
	s.key = s.key.push(p.location)
	return true
}

func (s *stacker) place(text []byte) place {
	f, ok := parseFrame(text)
	if !ok {
		return place{location: -1}
	}
	if f.inlined {
		s.inlines = append(s.inlines, inline{f.address, bytes.Clone(f.symbol)})
		return place{location: math.MaxInt32, inlined: int32(len(s.inlines) - 1)}
	}
	mapping := s.mapping(f)
	// perf prints an address in one way only: it is new.
	location := s.b.newLocation(s.b.describe(f.address, f.symbol, mapping))
	return place{location: location, mapping: int32(mapping), inlined: -1}
}

// mapping returns the number of a frame's mapping: unknown files count for the kernel's if the address is one of it.
func (s *stacker) mapping(f frame) int {
	if len(f.file) == 0 {
		f.file = []byte(unknownFile)
	}
	kernel := kernelAddress(f.address) && !bytes.HasPrefix(f.file, []byte("[v")) || kernelFile(f.file)
	return s.b.mapping(f.file, kernel)
}

// settle gives the inlined frames below a frame that frame's file: inlining does not leave it.
func (s *stacker) settle(mapping int32) {
	for _, p := range s.open {
		in := s.inlines[p.inline]
		l := s.b.describe(in.address, in.symbol, int(mapping))
		l.Inlined = true
		location := s.b.enter(l)
		copy(s.key[4*p.at:], stackKey(nil).push(location))
	}
	s.open = s.open[:0]
}

// finish returns the number of the stack. A sample without a frame has one
// that is unknown, so that its weight is seen.
func (s *stacker) finish() (stack int32, empty bool) {
	if len(s.open) > 0 {
		s.settle(int32(s.b.mapping([]byte(unknownFile), false)))
	}
	empty = len(s.key) == 0
	if empty {
		s.key = s.key.push(s.b.location(0, nil, s.b.mapping([]byte(unknownFile), false)))
	}
	stack = s.b.stack(s.key)
	s.reset()
	return stack, empty
}

// isBranchLine matches the branches that -F +brstack prints behind a stack: "0xff81/0xff82/P/-/-/3  0x...", with names
// instead of addresses after +brstacksym.
func isBranchLine(line []byte) bool {
	word, _ := firstWord(line)
	return isBranch(word)
}

// isBranch matches FROM/TO/predicted/in transaction/abort/cycles.
func isBranch(word []byte) bool {
	parts := bytes.Split(word, []byte("/"))
	if len(parts) < 5 {
		return false
	}
	return !slices.ContainsFunc(parts[2:5], func(part []byte) bool {
		return len(part) < 1 || len(part) > 2 || len(bytes.Trim(part, "PMXAN-")) > 0
	})
}

// cutBranches takes branches off the end of a line.
func cutBranches(line []byte) (rest []byte, cut bool) {
	for {
		before, word := lastWord(line)
		if !isBranch(word) {
			return line, cut
		}
		line, cut = before, true
	}
}
