package importer

import (
	"fmt"
	"strings"
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
	name := e.File
	if name == "" {
		name = "input"
	}
	if e.Line == 0 {
		return name
	}
	return fmt.Sprintf("%s:%d", name, e.Line)
}

// A FormatError says that an input is of none of the known formats.
type FormatError struct {
	File string
	Why  string // "it is empty", "it starts with ..."
}

func (e *FormatError) Error() string {
	var known []string
	for _, f := range formats() {
		known = append(known, string(f.name))
	}
	name := e.File
	if name == "" {
		name = "input"
	}
	return fmt.Sprintf("%s is in no format that can be imported: %s; known are %s",
		name, e.Why, strings.Join(known, ", "))
}
