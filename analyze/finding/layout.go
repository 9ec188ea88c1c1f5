package finding

import (
	"fmt"
	"strings"

	"xfrmscope/analyze/result"
)

// A LayoutFacts is the evidence of one structure for the question "which hot
// fields share a cache line?".
type LayoutFacts struct {
	Struct, Kernel string
	Size           uint32
	Fields         []HotField // by offset
}

// A HotField is a field that the packet path touches.
type HotField struct {
	Name         string
	Offset, Line uint32
	Use          string
	Written      bool // by every packet
	AllCPUs      bool // touched by every CPU, not by the owner of the SA only
}

// SharedLines names lines that hold a field every packet writes and one that
// every CPU reads: each write takes the line from all readers.
func SharedLines(layouts []LayoutFacts) []result.Finding {
	var out []result.Finding
	seen := map[string]bool{}
	for _, l := range layouts {
		f, ok := sharedLines(l)
		if ok && !seen[f.Claim] {
			seen[f.Claim] = true
			out = append(out, f)
		}
	}
	return out
}

func sharedLines(l LayoutFacts) (result.Finding, bool) {
	var claims, evidence []string
	for start := 0; start < len(l.Fields); {
		end := start + 1
		for end < len(l.Fields) && l.Fields[end].Line == l.Fields[start].Line {
			end++
		}
		fields := l.Fields[start:end]
		start = end
		var written, read []string
		for _, f := range fields {
			switch {
			case f.Written:
				written = append(written, f.Name)
			case f.AllCPUs:
				read = append(read, f.Name)
			}
		}
		if len(written) == 0 || len(read) == 0 {
			continue
		}
		claims = append(claims, fmt.Sprintf("line %d holds %s, which packets write, and %s, which every CPU reads", fields[0].Line, strings.Join(written, ", "), strings.Join(read, ", ")))
		for _, f := range fields {
			evidence = append(evidence, fmt.Sprintf("line %d, offset %d: %s: %s", f.Line, f.Offset, f.Name, f.Use))
		}
	}
	if len(claims) == 0 {
		return result.Finding{}, false
	}
	f := result.Finding{
		ID:        "false-sharing",
		Evidence:  evidence,
		NotProven: "That these lines miss: a layout is not a measurement. Uses are those of the source of 6.12.",
		Next:      "perf c2c record, or IBS by data address: misses on these lines, by offset",
	}
	f.Say(fmt.Sprintf("struct %s of %s", l.Struct, l.Kernel), "%s", strings.Join(claims, "; "))
	return f, true
}
