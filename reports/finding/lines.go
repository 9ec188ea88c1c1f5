package finding

import (
	"fmt"
	"strings"

	"xfrmscope/analyze/result"
)

// sharedLines: which cache line holds a field that every packet writes and one
// that every CPU reads? Each write takes the line from all readers.
func sharedLines(r *result.Result) []result.Finding {
	var out []result.Finding
	kernels, claims := map[string]bool{}, map[string]bool{}
	for _, run := range r.Runs {
		build := run.KernelName() + run.Manifest.Host.BuildID
		if len(run.Layouts) == 0 || kernels[build] || withoutIPsec(run) {
			continue
		}
		kernels[build] = true
		for _, l := range run.Layouts {
			if f, ok := sharedLinesOf(run.KernelName(), l); ok && !claims[f.Claim] {
				claims[f.Claim] = true
				out = append(out, f)
			}
		}
	}
	return out
}

func sharedLinesOf(kernel string, l result.Layout) (result.Finding, bool) {
	var claims, evidence []string
	for rest := l.Fields; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Line == rest[0].Line {
			n++
		}
		fields := rest[:n]
		rest = rest[n:]
		var written, read []string
		for _, f := range fields {
			switch {
			case f.Written():
				written = append(written, f.Name)
			case f.AllCPUs():
				read = append(read, f.Name)
			}
		}
		if len(written) == 0 || len(read) == 0 {
			continue
		}
		claims = append(claims,
			fmt.Sprintf("line %d holds %s, which packets write, and %s, which every CPU reads",
				fields[0].Line, strings.Join(written, ", "), strings.Join(read, ", ")))
		for _, f := range fields {
			evidence = append(evidence,
				fmt.Sprintf("line %d, offset %d: %s: %s", f.Line, f.Offset, f.Name, f.Use))
		}
	}
	f := result.Finding{
		ID:       "false-sharing",
		Evidence: evidence,
		NotProven: "That these lines miss: a layout is not a measurement. Uses are those of the source of " +
			"6.12.",
		Next: "perf c2c record, or IBS by data address: misses on these lines, by offset",
	}
	f.Say(fmt.Sprintf("struct %s of %s", l.Struct, kernel), "%s", strings.Join(claims, "; "))
	return f, len(claims) > 0
}
