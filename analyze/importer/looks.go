package importer

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

func looksPerfData(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PERFILE2")) || bytes.HasPrefix(head, []byte("2ELIFREP"))
}

func looksSVG(head []byte) bool {
	trimmed := bytes.TrimSpace(head)
	return bytes.HasPrefix(trimmed, []byte("<")) && bytes.Contains(head, []byte("<svg"))
}

// looksJSON reports whether a line begins an object or a list: iperf3 and shells print lines of text in front.
func looksJSON(head []byte) bool {
	for line := range bytes.Lines(head) {
		if line = bytes.TrimSpace(line); len(line) > 0 && (line[0] == '{' || line[0] == '[') {
			return true
		}
	}
	return false
}

func looksTRexJSON(head []byte) bool {
	return looksJSON(head) &&
		containsAny(head, `"tx_opackets"`, `"fwd_tx_opackets"`, `"rev_tx_opackets"`, `tx_throughput_gibps"`)
}

func looksIPerf3(head []byte) bool {
	return looksJSON(head) && containsAny(head, `"iperf 3`, `"test_start"`, `"sum_sent"`, `"connected"`)
}

func looksLockCSV(head []byte) bool {
	rows, odd := 0, 0
	for line := range bytes.Lines(wholeLines(head)) {
		line = bytes.TrimSpace(line)
		if _, ok := parseLockHeader(line); ok {
			return true
		}
		switch _, columns := columnsOf(string(line)); {
		case columns != nil:
			rows++
		case len(line) > 0 && line[0] != '#':
			odd++
		}
	}
	return rows > odd
}

func looksPktgen(head []byte) bool {
	return containsAny(head, "Result: OK:", "Result: Idle", "pkts-sofar:") &&
		containsAny(head, "Params: count", "pps ")
}

// looksScript reports whether most lines of the head are of samples, and one is the first of a sample.
func looksScript(head []byte) bool {
	if bytes.HasPrefix(head, []byte("# ========\n# captured on")) {
		return true
	}
	samples, known, odd := 0, 0, 0
	maybe, bare := false, false // the line before can begin a sample, if a frame follows; without an event
	for line := range bytes.Lines(wholeLines(head)) {
		line = bytes.TrimRight(line, "\r\n")
		var h header
		isHeader := parseHeader(line, &h) && (h.tid >= 0 || h.timed)
		_, isFrame := parseFrame(line)
		indented := len(line) > 0 && (line[0] == ' ' || line[0] == '\t')
		switch {
		case len(line) == 0 || line[0] == '#':
		case isHeader && h.timed && h.tid >= 0:
			known++
			samples++
		case indented && isFrame:
			if known++; maybe && (!bare || isStackLine(line)) {
				samples++
			}
		case isHeader && (looksEvent(h.event) || len(h.event)+len(h.rest) == 0):
			known++
			if maybe, bare = true, len(h.event) == 0; frameIn(h.rest) != nil {
				samples++
			}
			continue
		case indented && (isSourceLine(line) || isBranchLine(line)):
		default:
			odd++
		}
		maybe = false
	}
	return samples > 0 && known >= odd
}

// isStackLine reports whether a line is a frame as perf prints it: a tab and an address in 16 columns.
func isStackLine(line []byte) bool {
	word, _ := firstWord(line)
	end := len(line) - len(trimLeft(line)) + len(word)
	return len(line) > 0 && line[0] == '\t' && isHex(word) && end >= len("\t")+16
}

// lacking says what a text of perf script does not print of a sample, "" if it is none.
// A stack alone could be folded, but nothing tells of what event, or how often.
func lacking(head []byte) string {
	inline := regexp.MustCompile(`^ *\S.*? +(\d+(/\d+)? +)?(\[\d+\] +)?(\d+\.\d+: +)?(\d+ +)?[0-9a-f]{5,16} \S+`)
	frames, tasks, alone := 0, 0, 0
	task := false // the line before stands before a stack, if one follows
	for line := range bytes.Lines(wholeLines(head)) {
		switch line = bytes.TrimRight(line, "\r\n"); {
		case len(trimSpaces(line)) == 0 || line[0] == '#':
			task = false
		case isStackLine(line):
			frames++
			if task {
				tasks++
			}
			task = false
		case inline.Match(line):
			alone++
		case task || line[0] == '\t':
			return ""
		default:
			task = true
		}
	}
	switch {
	case frames > 0 && alone > 0 || frames+alone == 0:
		return ""
	case tasks > 0:
		return "the thread, the time and the event of a sample"
	case frames > 0:
		return "the task, the CPU, the time and the event of a sample"
	}
	return "the event of a sample"
}

// looksEvent reports whether a word can be the name of an event: a sentence of prose that ends in a colon is none.
func looksEvent(name []byte) bool { return len(name) > 0 && !bytes.ContainsAny(name, " \t") }

// wholeLines takes off a last line that the end of the head may cut.
func wholeLines(head []byte) []byte {
	if len(head) < HeadBytes {
		return head
	}
	return head[:bytes.LastIndexByte(head, '\n')+1]
}

// looksFolded reports whether the whole lines of the head are stacks and their counts: one bad line among three is
// skipped and told later, but a text in which no line has two frames is a list of something else.
func looksFolded(head []byte) bool {
	if !utf8.Valid(head[:len(head)-cutRune(head)]) {
		return false
	}
	stacks, bad := 0, 0
	for line := range bytes.Lines(wholeLines(head)) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		switch stack, _, ok := splitFolded(line); {
		case !ok || !looksStack(stack):
			bad++
		case bytes.IndexByte(stack, ';') > 0:
			stacks++
		}
	}
	return stacks > 0 && 2*bad <= stacks
}

// looksStack reports whether a text can be the frames of a stack: the first may
// be the name of a task, of any words; what else is words alone or a number is
// prose, or a list.
func looksStack(stack []byte) bool {
	_, rest, _ := bytes.Cut(stack, []byte(";"))
	for frame := range bytes.SplitSeq(rest, []byte(";")) {
		if len(frame) > 0 && frame[0] == ' ' || isWords(frame) {
			return false
		}
	}
	return true
}

// isWords reports whether a frame is several plain words, or a number. Names with
// a space in them have brackets, colons or slashes, too, as demangled ones and
// those of code made at run time do, or begin as compilers and interpreters say.
func isWords(frame []byte) bool {
	for _, known := range []string{"operator ", "block in ", "rescue in ", "ensure in "} {
		if bytes.HasPrefix(frame, []byte(known)) {
			return false
		}
	}
	words := 0
	for word := range bytes.FieldsSeq(frame) {
		other := func(r rune) bool { return !unicode.IsLetter(r) && !strings.ContainsRune(`,.!?'"-`, r) }
		if bytes.ContainsFunc(word, other) {
			words--
			continue
		}
		words++
	}
	_, number := parseUint(frame)
	return number || words > 1
}

// cutRune returns the number of bytes of a rune that the end of head cuts off.
func cutRune(head []byte) int {
	for n := 1; n <= min(utf8.UTFMax-1, len(head)); n++ {
		if b := head[len(head)-n]; utf8.RuneStart(b) {
			if !utf8.FullRune(head[len(head)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

// looksPprof recognises an uncompressed profile.proto: field 1, sample_type,
// comes first in what every known writer makes, and it is binary.
func looksPprof(head []byte) bool {
	return head[0] == 0x0a && bytes.ContainsFunc(head, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\r' && r != '\t'
	})
}

func containsAny(head []byte, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return bytes.Contains(head, []byte(w)) })
}

func firstLine(head []byte, limit int) []byte {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	return line[:min(limit, len(line))]
}
