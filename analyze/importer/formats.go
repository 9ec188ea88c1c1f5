package importer

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"xfrmscope/collect/bundle"
)

// A Format is a file format other programs write, by the name that errors and reports print.
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

// formats lists what is known, in the order it is asked for: the more telling beginnings first.
func formats() []format {
	return []format{
		{Recording, looksPerfData, readRecording},
		{flameSVG, looksSVG, readSVG},
		{trexSweep, looksTRexJSON, readTRexJSON},
		{iperfJSON, looksIPerf3, readIPerf3},
		{trexTable, looksTable, readTable},
		{lockTable, looksLockCSV, readLockCSV},
		{pktgenText, looksPktgen, readPktgen},
		{pprofProto, looksPprof, readPprof},
		{scriptText, looksScript, readScript},
		{foldedText, looksFolded, readFolded},
	}
}

// HeadBytes is how much of an input Detect wants to see.
const HeadBytes = 64 << 10

// Detect tells the format of an input by its first bytes, HeadBytes or all of them. name decides only where the bytes
// leave it open, and stands in the error, a *FormatError.
func Detect(head []byte, name string) (Format, error) {
	f, err := detect(head, name)
	return f.name, err
}

func detect(head []byte, name string) (format, error) {
	head = bytes.TrimPrefix(head, []byte(byteOrderMark))
	if len(bytes.TrimSpace(head)) == 0 {
		return format{}, &FormatError{File: name, Why: "it is empty"}
	}
	for _, f := range formats() {
		if f.looks(head) {
			return f, nil
		}
	}
	if why, use := refused(head); why != "" {
		return format{}, &FormatError{File: name, Why: why, Use: use}
	}
	if guess := byName(name); guess != "" {
		return formats()[slices.IndexFunc(formats(), func(f format) bool { return f.name == guess })], nil
	}
	return format{}, &FormatError{File: name, Why: fmt.Sprintf("it starts with %q", firstLine(head, 60))}
}

// byName guesses from a file's name. Names of traffic results say too little.
func byName(name string) Format {
	base := strings.TrimSuffix(strings.TrimSuffix(path.Base(name), ".gz"), ".zst")
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
