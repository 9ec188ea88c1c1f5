package finding

import (
	"fmt"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// maxLines is how many lines of one kind a finding lists.
const maxLines = 12

// cut leaves maxLines of evidence and says how much more there is.
func cut(evidence []string) []string {
	if n := len(evidence) - maxLines; n > 0 {
		return append(evidence[:maxLines], fmt.Sprintf("and %d more", n))
	}
	return evidence
}

// listed names up to three things: "a, b and c", "a, b and 4 more".
func listed(names []string) string {
	switch n := len(names); {
	case n == 0:
		return ""
	case n == 1:
		return names[0]
	case n <= 3:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:2], ", "), len(names)-2)
}

func plural(names []string, one, several string) string {
	if len(names) == 1 {
		return one
	}
	return several
}

// ofRun is whom a claim about a run is about: "pcpu on 4 CPUs".
func ofRun(r *result.Run) string { return r.ModeName() + " on " + cpus(r.N) }

func cpus(n int) string {
	if n == 0 {
		return "CPUs not recorded"
	}
	return format.Counted(n, "CPU")
}
