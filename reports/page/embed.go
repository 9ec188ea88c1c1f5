package page

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/view"
)

// resultsOpen begins the page's own copy of its results. A name from outside
// cannot imitate it: '<' is escaped wherever one is printed.
const resultsOpen = `<script type="text/plain" id="results">`

// A shortening leaves out of results of more than above bytes of base64 what a
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
		{200_000, "the heat map, files, and all but the 12 heaviest locks and SAs", shortenLists},
		{200_000, "all but the 12 heaviest functions", func(r *result.Run) { eachEvent(r, shortenFunctions) }},
	}
}

// maxEmbedded bounds the results inside a page, in bytes of base64: beyond, a
// page has none.
const maxEmbedded = 1_000_000

// embedded returns the results as the page carries them: JSON, gzipped, in
// base64, whose alphabet needs no escaping. Results that are too large are
// shortened step by step; the second string says what was left out. The figures
// of whole runs always stay: a comparison of pages is made of them.
func embedded(r *result.Result) (template.HTML, string) {
	var left []string
	packed := ""
	for _, step := range append([]shortening{{}}, shortenings()...) {
		if step.of != nil && (packed == "" || len(packed) > step.above) {
			r, packed = shortened(r, step.of), ""
			left = append(left, step.what)
		}
		if packed != "" || shares(r)*bytesPerShare > maxEmbedded {
			continue // it fits, or would not
		}
		var err error
		if packed, err = packResults(r); err != nil {
			return "", "This page carries no copy of its results: one of them is no number."
		}
	}
	if packed == "" || len(packed) > maxEmbedded {
		return "", fmt.Sprintf("The results of %d runs are too many for a copy in this page; results.json "+
			"has them.", len(r.Runs))
	}
	return template.HTML(resultsOpen + packed + "</script>"), leftOut(left)
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
	for _, run := range view.Present(r) {
		for _, e := range run.Events {
			n += len(e.All.Functions) + len(e.All.Stages) + len(e.All.SpinCallers)
			for i := range e.CPUs {
				n += len(e.CPUs[i].Functions) + len(e.CPUs[i].Stages) + len(e.CPUs[i].SpinCallers)
			}
		}
	}
	return n
}

func packResults(r *result.Result) (string, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if err := json.NewEncoder(z).Encode(r); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
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

func shortenFunctions(e *result.Event) {
	e.All.Functions = e.All.Functions[:min(shortList, len(e.All.Functions))]
	e.Unmatched = nil
}

// ErrNoResults says that a page holds no results: it is not one of ours, or it
// was written without them.
var ErrNoResults = errors.New(
	"the page holds no results: it is no report.html, or its end was cut off; " +
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
	_, rest, found := bytes.Cut(doc, []byte(resultsOpen))
	data, _, closed := bytes.Cut(rest, []byte("</script>"))
	if !found || !closed {
		return nil, ErrNoResults
	}
	packed, err := base64.StdEncoding.DecodeString(string(data))
	if err != nil {
		return nil, fmt.Errorf("reading the page's results, which begin at byte %d: %w", len(doc)-len(rest),
			err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("reading the page's results: %w", err)
	}
	return z, nil
}
