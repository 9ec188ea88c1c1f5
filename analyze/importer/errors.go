package importer

import (
	"cmp"
	"fmt"
	"strings"

	"xfrmscope/collect/bundle"
)

// A SyntaxError says where a text is not what its format wants.
type SyntaxError struct {
	File string // as the caller named the input, "" if it did not
	Line int    // from 1; 0 if the whole input is meant
	What string // what stands there, or is missing
	Fix  string // what to do next, "" if nothing is known
}

func (e *SyntaxError) Error() string {
	msg := e.position() + ": " + e.What
	if e.Fix != "" {
		msg += "; " + e.Fix
	}
	return msg
}

func (e *SyntaxError) position() string {
	name := orInput(e.File)
	if e.Line == 0 {
		return name
	}
	return fmt.Sprintf("%s:%d", name, e.Line)
}

// at names a line of the input: no figure, as it tells things apart.
func (o Options) at(line int) string { return fmt.Sprintf("%s:%d", o.Name, line) }

// bad is an error of a line of the input, 0 for all of it.
func (o Options) bad(line int, format string, args ...any) *SyntaxError {
	return &SyntaxError{File: o.Name, Line: line, What: fmt.Sprintf(format, args...)}
}

func (e *SyntaxError) fix(text string) *SyntaxError {
	e.Fix = text
	return e
}

// A FormatError says that an input is of none of the known formats.
type FormatError struct {
	File string
	Why  string // "it is empty", "it starts with ..."
	Use  string // the export that can be imported instead, "" if none is known
}

func (e *FormatError) Error() string {
	msg := fmt.Sprintf("%s is in no format that can be imported: %s; ", orInput(e.File), e.Why)
	if e.Use != "" {
		return msg + "use " + e.Use
	}
	var known []string
	for _, f := range formats() {
		known = append(known, string(f.name))
	}
	return msg + "known are " + strings.Join(known, ", ")
}

func orInput(name string) string {
	return cmp.Or(name, "input")
}

// warn tells what weakens a number of the whole file.
func (im *Import) warn(weakens, format string, args ...any) {
	im.Warnings = append(im.Warnings, bundle.Warn(weakens, format, args...))
}

// lost tells what of the file is in no result.
func (im *Import) lost(what string, n, of uint64, effect string) {
	l := bundle.Loss{Source: "importer", What: what, Count: n, Of: of, Effect: effect}
	im.Losses = append(im.Losses, l)
}
