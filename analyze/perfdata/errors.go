package perfdata

import (
	"errors"
	"fmt"
)

// What is wrong with an input that cannot be read at all; test with errors.Is.
// Everything less than that is salvaged and reported as a bundle.Loss.
var (
	// ErrEmpty: the input has no bytes.
	ErrEmpty = errors.New("empty file")
	// ErrNotPerfData: the input is something else.
	ErrNotPerfData = errors.New("not a perf.data file")
	// ErrVersion1: written before Linux 2.6.32 (magic PERFFILE).
	ErrVersion1 = errors.New("perf.data version 1")
	// ErrDamaged: a header that nothing can be found by.
	ErrDamaged = errors.New("damaged perf.data header")
	// ErrNoEvents: no attribute, so no sample can be decoded.
	ErrNoEvents = errors.New("no event in the recording")
)

// A FormatError says why an input cannot be read and what to do about it.
type FormatError struct {
	Kind   error  // one of the Err values above
	Offset int64  // byte offset in the input
	Detail string // what was found there
	Next   string // what to do
}

// Error returns kind, place, detail and the next step in one sentence.
func (e *FormatError) Error() string {
	return fmt.Sprintf("%v: at byte %d: %s; %s", e.Kind, e.Offset, e.Detail, e.Next)
}

// Unwrap returns Kind.
func (e *FormatError) Unwrap() error { return e.Kind }
