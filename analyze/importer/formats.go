package importer

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"xfrmscope/collect/bundle"
)

// A Format is a file format other programs write, by the name that errors and
// reports print.
type Format string

const (
	// Recording is the perf.data of perf record: OfRecording describes it, and
	// the analysis reads it itself.
	Recording Format = bundle.PerfDataFile

	flameSVG   Format = "flame graph SVG"
	trexSweep  Format = "TRex JSON"
	iperfJSON  Format = "iperf3 JSON"
	trexTable  Format = "TRex CSV"
	lockTable  Format = "perf lock contention CSV"
	pktgenText Format = "pktgen result"
	pprofProto Format = "pprof"
	scriptText Format = "perf script text"
	foldedText Format = "folded stacks"
)

// A format is what this package knows of one: how it is recognised, and how it
// is read. A new one is a row of formats and a reader.
type format struct {
	name  Format
	looks func(head []byte) bool
	read  func(io.Reader, Options) (*Import, error)
}

// formats lists what is known, in the order it is asked for: the more telling
// beginnings first.
func formats() []format {
	return []format{
		{Recording, looksPerfData, readRecording},
		{flameSVG, looksSVG, readSVG},
		{trexSweep, looksTRexJSON, readTRexJSON},
		{iperfJSON, looksIPerf3, readIPerf3},
		{trexTable, looksTRexCSV, readTRexCSV},
		{lockTable, looksLockCSV, readLockCSV},
		{pktgenText, looksPktgen, readPktgen},
		{pprofProto, looksPprof, readPprof},
		{scriptText, looksScript, readScript},
		{foldedText, looksFolded, readFolded},
	}
}

// HeadBytes is how much of an input Detect wants to see.
const HeadBytes = 64 << 10

// Detect tells the format of an input by its first bytes, HeadBytes or all of
// them; gzipped text is told by what is inside. name decides only where the
// bytes leave it open, and stands in the error, a *FormatError.
func Detect(head []byte, name string) (Format, error) {
	f, err := detect(head, name)
	return f.name, err
}

func detect(head []byte, name string) (format, error) {
	if isGzip(head) {
		head = gunzipHead(head)
	}
	head = bytes.TrimPrefix(head, []byte(byteOrderMark))
	if len(bytes.TrimSpace(head)) == 0 {
		return format{}, &FormatError{File: name, Why: "it is empty"}
	}
	if bytes.HasPrefix(head, []byte("xfrmscope ")) {
		why := "it is a digest of xfrmscope, whose numbers are in the results.json beside it"
		return format{}, &FormatError{File: name, Why: why}
	}
	guess := byName(name)
	var guessed format
	for _, f := range formats() {
		if f.looks(head) {
			return f, nil
		}
		if f.name == guess {
			guessed = f
		}
	}
	if guess != "" {
		return guessed, nil
	}
	return format{}, &FormatError{File: name, Why: fmt.Sprintf("it starts with %q", firstLine(head, 60))}
}

// byName guesses from a file's name. Names of traffic results say too little.
func byName(name string) Format {
	base := strings.TrimSuffix(path.Base(name), ".gz")
	switch path.Ext(base) {
	case ".folded", ".collapsed":
		return foldedText
	case ".svg":
		return flameSVG
	case ".pb", ".pprof":
		return pprofProto
	}
	return ""
}

// byteOrderMark begins texts of some editors.
const byteOrderMark = "\xef\xbb\xbf"

func isGzip(head []byte) bool { return bytes.HasPrefix(head, []byte{0x1f, 0x8b}) }

// gunzipHead returns the beginning of what a gzip stream holds; nothing if it
// is none. The stream is expected to be cut off.
func gunzipHead(head []byte) []byte {
	zr, err := gzip.NewReader(bytes.NewReader(head))
	if err != nil {
		return nil
	}
	out := make([]byte, HeadBytes)
	n, _ := io.ReadFull(zr, out)
	return out[:n]
}

func looksPerfData(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PERFILE2")) || bytes.HasPrefix(head, []byte("2ELIFREP"))
}

func looksSVG(head []byte) bool {
	trimmed := bytes.TrimSpace(head)
	return bytes.HasPrefix(trimmed, []byte("<")) && bytes.Contains(head, []byte("<svg"))
}

func looksJSON(head []byte) bool {
	trimmed := bytes.TrimSpace(head)
	return len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[')
}

func looksTRexJSON(head []byte) bool {
	return looksJSON(head) && containsAny(head, `"tx_opackets"`, `"fwd_tx_opackets"`, `"rev_tx_opackets"`, `tx_throughput_gibps"`)
}

func looksIPerf3(head []byte) bool {
	return looksJSON(head) && containsAny(head, `"iperf 3`, `"test_start"`, `"sum_sent"`, `"connected"`)
}

func looksTRexCSV(head []byte) bool {
	for line := range bytes.Lines(head) {
		switch {
		case bytes.HasPrefix(line, []byte("#flows,run_")):
			return true
		case !bytes.HasPrefix(line, []byte("#")) && len(bytes.TrimSpace(line)) > 0:
			return false
		}
	}
	return false
}

func looksLockCSV(head []byte) bool {
	for line := range bytes.Lines(head) {
		if _, ok := parseLockHeader(bytes.TrimRight(line, "\r\n")); ok {
			return true
		}
	}
	return false
}

func looksPktgen(head []byte) bool {
	return containsAny(head, "Result: OK:", "Result: Idle", "pkts-sofar:") && containsAny(head, "Params: count", "pps ")
}

// looksScript reports whether a line of the head is a sample's first line.
func looksScript(head []byte) bool {
	if bytes.HasPrefix(head, []byte("# ========\n# captured on")) {
		return true
	}
	for line := range bytes.Lines(head) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 || line[0] == '#' || line[0] == '\t' {
			continue
		}
		var h header
		if parseHeader(line, &h) && (h.timed || len(h.event) > 0) {
			return true
		}
	}
	return false
}

// looksFolded reports whether every whole line of the head is a stack and its
// count.
func looksFolded(head []byte) bool {
	if !utf8.Valid(head[:len(head)-cutRune(head)]) {
		return false
	}
	whole := head
	if len(head) >= HeadBytes {
		whole = head[:bytes.LastIndexByte(head, '\n')+1]
	}
	seen := false
	for line := range bytes.Lines(whole) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if _, _, ok := splitFolded(line); !ok {
			return false
		}
		seen = true
	}
	return seen
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
	for _, w := range words {
		if bytes.Contains(head, []byte(w)) {
			return true
		}
	}
	return false
}

func firstLine(head []byte, limit int) []byte {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	return line[:min(limit, len(line))]
}
