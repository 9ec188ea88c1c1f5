package profile

import (
	"fmt"
	"strings"

	"github.com/ianlancetaylor/demangle"

	"xfrmscope/collect/bundle"
)

// displayName returns a function's name as people write it: C++ and Rust names
// are demangled, without parameters, as perf prints them. Suffixes stay.
func displayName(name string) string {
	if !strings.HasPrefix(name, "_Z") && !strings.HasPrefix(name, "_R") {
		return name
	}
	return demangle.Filter(name, demangle.NoParams)
}

// lossText is a loss as one line of a report.
func lossText(l *bundle.Loss) string {
	var b strings.Builder
	fmt.Fprintf(&b, "loss: %s: %d %s", l.Source, l.Count, l.What)
	if l.Of > 0 {
		fmt.Fprintf(&b, " of %d", l.Of)
	}
	if l.CPU != nil {
		fmt.Fprintf(&b, ", CPU %d", *l.CPU)
	}
	if l.Event != "" {
		fmt.Fprintf(&b, ", event %s", l.Event)
	}
	if l.Effect != "" {
		fmt.Fprintf(&b, ": %s", l.Effect)
	}
	return b.String()
}
