package push

import (
	"testing"

	"xfrmscope/analyze/result"
)

// A host that was given no name is no host of that name.
func TestLabelsOfUnnamedHost(t *testing.T) {
	for name, want := range map[string]int{"(none)": 0, "": 0, "gw1": 1} {
		r := &result.Run{Name: "a", N: 1}
		r.Manifest.Host.Name = name
		hosts := 0
		for _, l := range Labels(r) {
			if l.Name == "host" {
				hosts++
			}
		}
		if hosts != want {
			t.Errorf("a host called %q: %v", name, Labels(r))
		}
	}
}
