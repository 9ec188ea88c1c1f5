package page

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"math/bits"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"xfrmscope/analyze/result"
)

// A shortening leaves out of results of more than above bytes in the page what a
// comparison needs least.
type shortening struct {
	above int
	what  string
	of    func(*result.Run)
}

func shortenings() []shortening {
	return []shortening{
		{24_000, "functions, stages and callers of single CPUs", func(r *result.Run) {
			eachEvent(r, shortenCPUs)
		}},
		{101_000, "the heat map, files, and all but the 12 heaviest locks and SAs", shortenLists},
		{101_000, "callers of locks and functions that miss", shortenCallers},
		{101_000, "all but the 12 heaviest cache lines, who reads and writes them", shortenLines},
		{101_000, "functions and stages of all events but the main one", shortenEvents},
		{101_000, "all but the 12 heaviest functions", func(r *result.Run) { eachEvent(r, shortenFunctions) }},
	}
}

// maxEmbedded bounds the results inside a page, in bytes: beyond, a page has none.
const maxEmbedded = 400_000

// embedded returns the results as the page carries them: columns (columns.go), packed by zstd.
// Results that are too large are shortened step by step; the second string says
// what was left out. The figures of whole runs always stay: a comparison of pages is
// made of them.
func embedded(r *result.Result) (template.HTML, string) {
	var left []string
	var data []byte
	size := 0 // packed as JSON; 0 if it would not fit
	for i, step := range append([]shortening{{}}, shortenings()...) {
		if i > 0 {
			if size > 0 && size <= step.above {
				break
			}
			r, left = shortened(r, step.of), append(left, step.what)
		}
		if size = 0; shares(r)*bytesPerShare > 2*maxEmbedded {
			continue
		}
		var err error
		if data, size, err = packResults(r); err != nil {
			return "", "This page carries no copy of its results: one of them is no number."
		}
	}
	if size == 0 || size > maxEmbedded {
		return "", fmt.Sprintf("The results of %d runs are too many for a copy in this page; results.json "+
			"has them.", len(r.Runs))
	}
	packed, err := packColumns(data)
	if err != nil {
		return "", "This page carries no copy of its results: " + err.Error() + "."
	}
	return template.HTML(blockOpen("results") + packed + blockEnd), leftOut(left)
}

func leftOut(left []string) string {
	if len(left) == 0 {
		return ""
	}
	return "To keep the page small its own copy of the results leaves out " + strings.Join(left, "; ") +
		". results.json has them."
}

// bytesPerShare is about what one function of one CPU takes, packed.
const bytesPerShare = 80

func shares(r *result.Result) int {
	n := 0
	for _, run := range result.RunsPresent(r) {
		for _, e := range run.Events {
			n += len(e.All.Functions) + len(e.All.Stages) + len(e.All.SpinCallers)
			for i := range e.CPUs {
				n += len(e.CPUs[i].Functions) + len(e.CPUs[i].Stages) + len(e.CPUs[i].SpinCallers)
			}
		}
	}
	return n
}

// resultsWindow is how far back packing looks for the like: over several runs.
const resultsWindow = 8 << 20

// packResults returns results as JSON, and how large it is packed: about what columns
// are, and quick.
func packResults(r *result.Result) (data []byte, size int, err error) {
	if data, err = json.Marshal(r); err != nil {
		return nil, 0, err
	}
	packed, err := pack(data)
	return data, len(packed), err
}

// packColumns packs JSON as the page carries it.
func packColumns(data []byte) (string, error) {
	columns, err := toColumns(data)
	if err != nil {
		return "", err
	}
	return pack(columns)
}

func pack(data []byte) (string, error) {
	window := max(zstd.MinWindowSize, min(resultsWindow, 1<<bits.Len(uint(len(data))))) // it is allocated
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window),
		zstd.WithLowerEncoderMem(true), zstd.WithEncoderLevel(zstd.SpeedBetterCompression))
	if err != nil {
		return "", err
	}
	return encoded(z.EncodeAll(data, nil)), nil
}

// shortened copies a result and the runs in it.
func shortened(r *result.Result, shorten func(*result.Run)) *result.Result {
	out := *r
	out.Runs = make([]*result.Run, len(r.Runs))
	for i, run := range r.Runs {
		if run == nil {
			continue
		}
		c := *run
		shorten(&c)
		out.Runs[i] = &c
	}
	return &out
}

// eachEvent copies the events of a run and calls f for each copy.
func eachEvent(r *result.Run, f func(*result.Event)) {
	events := make([]*result.Event, len(r.Events))
	for i, e := range r.Events {
		c := *e
		f(&c)
		events[i] = &c
	}
	r.Events = events
}

func shortenCPUs(e *result.Event) {
	cpus := make([]result.CPU, len(e.CPUs))
	for i, c := range e.CPUs {
		c.Functions, c.Stages, c.SpinCallers = nil, nil, nil
		cpus[i] = c
	}
	e.CPUs = cpus
}

const shortList = 12

func shortenLists(r *result.Run) {
	r.Heat, r.Manifest.Files = nil, nil
	r.Locks.Rows = r.Locks.Rows[:min(shortList, len(r.Locks.Rows))]
	r.SAs = r.SAs[:min(shortList, len(r.SAs))]
}

func shortenCallers(r *result.Run) {
	r.Misses = slices.Clone(r.Misses)
	for i := range r.Misses {
		r.Misses[i].Functions = nil
	}
	eachEvent(r, func(e *result.Event) {
		e.All.SpinCallers, e.All.LockWordCallers, e.Unmatched = nil, nil, nil
	})
}

func shortenLines(r *result.Run) {
	if r.Lines == nil {
		return
	}
	lines := *r.Lines
	lines.Fields = slices.Clone(lines.Fields[:min(shortList, len(lines.Fields))])
	for i := range lines.Fields {
		f := &lines.Fields[i]
		f.Writers, f.Readers, f.With, f.Objects, f.From = nil, nil, nil, nil, nil
	}
	r.Lines = &lines
}

func shortenEvents(r *result.Run) {
	mains := r.Mains()
	eachEvent(r, func(e *result.Event) {
		if !slices.ContainsFunc(mains, func(m *result.Event) bool { return m.Name == e.Name }) {
			e.All.Functions, e.All.Stages, e.All.Receive, e.All.Directions = nil, nil, nil, nil
		}
	})
}

func shortenFunctions(e *result.Event) {
	e.All.Functions = e.All.Functions[:min(shortList, len(e.All.Functions))]
}

// ErrNoResults says that a page holds no results: it is not one of ours, or it
// was written without them.
var ErrNoResults = errors.New("the page holds no results: it is no report.html, or its end was cut off; " +
	"use the results.json written beside it")

// maxPageBytes bounds the page that is read, far above what is written: it comes
// from somebody else's mail.
const maxPageBytes = 64 << 20

// Results returns the results.json that a page carries; the error wraps
// ErrNoResults if there is none.
func Results(r io.Reader) (io.Reader, error) {
	doc, err := io.ReadAll(io.LimitReader(r, maxPageBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the page: %w", err)
	}
	if len(doc) > maxPageBytes {
		return nil, fmt.Errorf("reading the page: more than %d bytes", maxPageBytes)
	}
	if text, at, ok := blockOf(doc, blockOpen("results")); ok {
		packed, err := decoded(text)
		if err != nil {
			return nil, fmt.Errorf("reading the page's results, which begin at byte %d: %w", at, err)
		}
		z, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderMaxWindow(resultsWindow))
		if err != nil {
			return nil, fmt.Errorf("reading the page's results: %w", err)
		}
		return unpacked(z, at)
	}
	text, at, ok := blockOf(doc, earlierOpen)
	if !ok {
		return nil, ErrNoResults
	}
	packed, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return nil, fmt.Errorf("reading the page's results, which begin at byte %d: %w", at, err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("reading the page's results: %w", err)
	}
	return z, nil
}

// maxColumns bounds the columns that are read, in bytes: some five times what fits
// into maxEmbedded.
const maxColumns = 32 << 20

// unpacked is the JSON of packed results, columns but for earlier versions.
func unpacked(z io.Reader, at int) (io.Reader, error) {
	b := bufio.NewReader(z)
	if begin, _ := b.Peek(len(columnsOpen)); string(begin) != columnsOpen {
		return b, nil
	}
	text, err := io.ReadAll(io.LimitReader(b, maxColumns+1))
	if err == nil && len(text) > maxColumns {
		err = fmt.Errorf("more than %d bytes", maxColumns)
	}
	if err == nil {
		text, err = fromColumns(text)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the page's results, which begin at byte %d: %w", at, err)
	}
	return bytes.NewReader(text), nil
}

// earlierOpen begins the results of pages of earlier versions: gzip in base64.
const earlierOpen = `<script type="text/plain" id="results">`
