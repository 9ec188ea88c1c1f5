package importer

import (
	"bytes"
	"math"
	"slices"
)

// A header is the first line of a sample in perf script's text, as perf_sample__fprintf_start and process_event print
// it (tools/perf/builtin-script.c, 6.12):
//
//	comm  pid/tid [cpu] misc sec.usec: period event: rest
//
// Every field but comm can be left out with -F.
type header struct {
	comm     []byte
	pid, tid int32 // -1 if not printed
	cpu      int32 // -1 if not printed
	timed    bool
	timeNS   uint64
	counted  bool // period is printed
	period   uint64
	event    []byte // without the colon, "" if not printed
	rest     []byte // behind the event: a frame or a tracepoint's fields
	record   []byte // "PERF_RECORD_LOST lost 5": no sample
}

// parseHeader reads a header. The slices of h point into line.
//
// A comm may hold anything, spaces and digits too, so the line is read from its time to the left; without a time, from
// the first thing that can be a task's number.
func parseHeader(line []byte, h *header) bool {
	*h = header{pid: -1, tid: -1, cpu: -1}
	if start, end, ok := findTime(line); ok {
		h.timed = true
		h.timeNS, ok = parseTime(line[start:end])
		return ok && h.task(line[:start]) && h.what(trimLeft(line[end+1:]))
	}
	return h.untimed(line)
}

// findTime finds the sample's time: digits, a point, 6 or 9 digits, then a colon at the end of a word.
func findTime(line []byte) (start, end int, ok bool) {
	for from := 0; ; {
		i := bytes.IndexByte(line[from:], ':')
		if i < 0 {
			return 0, 0, false
		}
		end = from + i
		from = end + 1
		if from < len(line) && line[from] != ' ' {
			continue
		}
		if start, ok = timeBefore(line, end); ok {
			return start, end, true
		}
	}
}

// timeBefore returns where the time starts that ends before end.
func timeBefore(line []byte, end int) (int, bool) {
	i := end
	for i > 0 && isDigit(line[i-1]) {
		i--
	}
	if n := end - i; (n != 6 && n != 9) || i == 0 || line[i-1] != '.' {
		return 0, false
	}
	point := i - 1
	i = point
	for i > 0 && isDigit(line[i-1]) {
		i--
	}
	return i, i < point && i > 0 && line[i-1] == ' '
}

// parseTime reads "202513.231785", or with more or fewer decimals.
func parseTime(text []byte) (uint64, bool) {
	sec, frac, _ := bytes.Cut(text, []byte("."))
	s, ok1 := parseUint(sec)
	f, ok2 := parseUint(frac)
	for range 9 - len(frac) {
		f *= 10
	}
	return s*1e9 + f, ok1 && ok2 && s < math.MaxInt64/1_000_000_000
}

// task reads what stands before the time: comm, pid/tid, [cpu], misc.
func (h *header) task(left []byte) bool {
	left = trimSpaces(left)
	rest, word := lastWord(left)
	if before, cpu := lastWord(rest); isMisc(word) && isCPU(cpu) {
		left, rest, word = rest, before, cpu
	}
	if isCPU(word) {
		cpu, ok := parseUint(word[1 : len(word)-1])
		if !ok || cpu > math.MaxInt32 {
			return false
		}
		h.cpu = int32(cpu)
		left = rest
		rest, word = lastWord(left)
	}
	h.comm = left
	if len(rest) > 0 && h.ids(word) {
		h.comm = rest
	}
	return len(h.comm) > 0
}

// ids reads "123" or "123/456". perf prints one number for the thread: -F tid.
func (h *header) ids(word []byte) bool {
	first, second, both := bytes.Cut(word, []byte("/"))
	a, ok := parseID(first)
	if !ok {
		return false
	}
	h.tid = a
	if !both {
		return true
	}
	h.pid = a
	h.tid, ok = parseID(second)
	if !ok {
		h.pid, h.tid = -1, -1
	}
	return ok
}

// what reads what stands behind the time: period, event, rest; or a record.
func (h *header) what(right []byte) bool {
	if bytes.HasPrefix(right, []byte("PERF_RECORD_")) {
		h.record = right
		return true
	}
	if word, rest := firstWord(right); len(word) > 0 && isDigit(word[0]) {
		if period, ok := parseUint(word); ok {
			h.counted, h.period = true, period
			right = rest
		}
	}
	if len(right) == 0 {
		return true
	}
	name, rest, ok := cutEvent(right)
	h.event, h.rest = name, rest
	return ok
}

// cutEvent parts an event's name, which may hold colons and spaces, from what follows its colon.
func cutEvent(text []byte) (name, rest []byte, ok bool) {
	for from := 0; ; {
		i := bytes.IndexByte(text[from:], ':')
		if i < 0 {
			return nil, nil, false
		}
		from += i + 1
		if from == len(text) || text[from] == ' ' {
			return text[:from-1], trimSpaces(text[from:]), from > 1 && text[0] != '['
		}
	}
}

// untimed reads a header without a time: the first word that can be a task's
// number, and behind which a sensible line goes on, ends the comm.
func (h *header) untimed(line []byte) bool {
	comm := 0 // bytes of line before the word looked at
	for rest := line; ; {
		word, after := firstWord(rest)
		if len(word) == 0 {
			return false
		}
		comm = len(line) - len(trimLeft(rest))
		if name := trimSpaces(line[:comm]); len(name) > 0 && h.ids(word) {
			h.comm = name
			if h.afterIDs(after) {
				return true
			}
			*h = header{pid: -1, tid: -1, cpu: -1}
		}
		rest = after
	}
}

func (h *header) afterIDs(text []byte) bool {
	if word, rest := firstWord(text); isCPU(word) {
		cpu, ok := parseUint(word[1 : len(word)-1])
		if !ok || cpu > math.MaxInt32 {
			return false
		}
		h.cpu, text = int32(cpu), rest
	}
	return h.what(trimLeft(text))
}

// isMisc matches what -F +misc prints: "K", "U", "HGM", and like it.
func isMisc(word []byte) bool {
	if len(word) == 0 || len(word) > 8 {
		return false
	}
	return !slices.ContainsFunc(word, func(c byte) bool {
		return (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	})
}

func isCPU(word []byte) bool {
	return len(word) > 2 && word[0] == '[' && word[len(word)-1] == ']' && isDigit(word[1])
}

func parseID(word []byte) (int32, bool) {
	if string(word) == "-1" {
		return -1, true
	}
	n, ok := parseUint(word)
	return int32(n), ok && n <= math.MaxInt32
}

// parseUint reads a number of decimal digits only.
func parseUint(text []byte) (uint64, bool) {
	if len(text) == 0 || len(text) > 20 {
		return 0, false
	}
	n := uint64(0)
	for _, c := range text {
		d := uint64(c - '0')
		if d > 9 || n > (math.MaxUint64-d)/10 {
			return 0, false
		}
		n = 10*n + d
	}
	return n, true
}

// parseHex reads a number of hex digits only, without 0x.
func parseHex(text []byte) (uint64, bool) {
	if len(text) == 0 || len(text) > 16 {
		return 0, false
	}
	n := uint64(0)
	for _, c := range text {
		switch {
		case isDigit(c):
			n = n<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			n = n<<4 | uint64(c-'a'+10)
		case c >= 'A' && c <= 'F':
			n = n<<4 | uint64(c-'A'+10)
		default:
			return 0, false
		}
	}
	return n, true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func trimLeft(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}

func trimSpaces(b []byte) []byte {
	b = trimLeft(b)
	for n := len(b); n > 0 && (b[n-1] == ' ' || b[n-1] == '\t'); n-- {
		b = b[:n-1]
	}
	return b
}

// firstWord cuts the first word off; rest has no spaces in front.
func firstWord(b []byte) (word, rest []byte) {
	b = trimLeft(b)
	i := bytes.IndexByte(b, ' ')
	if i < 0 {
		return b, nil
	}
	return b[:i], trimLeft(b[i:])
}

// lastWord cuts the last word off; rest keeps its trailing spaces off.
func lastWord(b []byte) (rest, word []byte) {
	b = trimSpaces(b)
	i := bytes.LastIndexByte(b, ' ')
	return trimSpaces(b[:i+1]), b[i+1:]
}
