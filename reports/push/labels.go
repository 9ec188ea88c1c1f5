package push

import (
	"cmp"
	"slices"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// A Label is a name and a value by which servers select.
type Label struct{ Name, Value string }

// Labels returns what tells a run from others, sorted by name: host, kernel,
// scenario, mode, n, side, run, and the run's own labels. Empty values are left
// out.
func Labels(r *result.Run) []Label {
	m, host := &r.Manifest, r.Manifest.Host.Name
	if host == "(none)" { // Linux calls so one that was given no name (include/linux/uts.h, 6.12)
		host = ""
	}
	all := map[string]string{}
	for name, value := range r.Labels {
		all[labelName(name)] = value
	}
	for _, l := range []Label{
		{"host", host}, {"kernel", m.Host.Kernel}, {"scenario", m.Plan.Scenario},
		{bundle.LabelMode, r.Mode}, {bundle.LabelSide, r.Side}, {"run", r.Name}, {bundle.LabelN, itoa(r.N)},
	} {
		all[l.Name] = l.Value
	}
	var out []Label
	for name, value := range all {
		if value != "" {
			out = append(out, Label{name, utf8(value)})
		}
	}
	slices.SortFunc(out, func(a, b Label) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// utf8 is a text as protocol buffers take it.
func utf8(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// labelName returns a name both servers take: [a-zA-Z_][a-zA-Z0-9_]*, not
// beginning with "__", which they keep for themselves.
func labelName(s string) string {
	name := strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, s)
	name = strings.TrimLeft(name, "_0123456789")
	return cmp.Or(name, "unnamed")
}
