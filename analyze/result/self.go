package result

import (
	"xfrmscope/analyze/metric"
)

// A Self is what one function costs by itself, idle time left out. Functions of
// one name are one: no comparison can tell them apart either.
type Self struct {
	Name   string
	Caller string // who calls it most, "" if there is none with a name
	Weight metric.Estimate
}

// Unlisted sums the functions that are not listed.
const Unlisted = "(functions not listed)"
