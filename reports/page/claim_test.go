package page

import (
	"testing"

	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/finding"
	"xfrmscope/reports/format"
)

// A mode may be called anything: what is before the first ": " of a claim is not
// its mode. A result that was written and read says the same.
func TestClaimOfAnyMode(t *testing.T) {
	const mode = "pcpu: v2 patch"
	all := result.CPU{SpinShare: metric.Value{ID: metric.SpinID, Value: 0.25, Unit: "ratio", Samples: 25}}
	e := &result.Event{Name: "cycles:k", Unit: "cycles", All: all}
	r := &result.Result{Runs: []*result.Run{{Mode: mode, Name: mode + " n=4", N: 4, Events: []*result.Event{e}}}}
	r.Findings = finding.All(r)
	check := func(what string) {
		if c := claimsOf(r)[0]; c.Who != mode ||
			c.Text != format.Sentence("25.0 % of busy time on 4 CPUs spins on locks") {
			t.Errorf("%s: headed %q: %q, want %q", what, c.Who, c.Text, mode)
		}
	}
	check("as found")
	r.Findings[0].Subject = ""
	analyze.Restore(r)
	check("as read")
}
