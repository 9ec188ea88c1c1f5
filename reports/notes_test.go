package reports

import (
	"strings"
	"testing"

	"xfrmscope/collect/bundle"
	"xfrmscope/reports/testdata/sample"
	"xfrmscope/reports/view"
)

func TestNotesAreGrouped(t *testing.T) {
	got := view.Warnings(sample.Probed()).Kinds()
	if len(got) != 2 || got[0].Text != "lock waits: packets/s changed by -20..+20 % while probed" ||
		got[0].RunsText(6) != "5 of 6 runs" || got[1].RunsText(6) != "shared N=1" {
		t.Errorf("warnings are %+v", got)
	}
	not := view.Gaps(sample.Probed()).ByCause()
	if not[0].Text != "cache misses, instructions: no hardware counters" || not[0].RunsText(6) != "all 6 runs" {
		t.Errorf("gaps are %+v", not)
	}
	text := digestText(t, sample.Probed())
	for _, want := range []string{"packets/s changed by -20..+20 % (4 of 6 runs)"} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("the digest does not say %q:\n%s", want, text)
		}
	}
}

// TestPartialIsSaidOnce: analyses warn of a partial run, too.
func TestPartialIsSaidOnce(t *testing.T) {
	r := sample.WithoutAnything()
	r.Runs[0].Warnings = []bundle.Warning{{Weakens: "run", Text: "the run is partial: interrupted"}}
	if got := view.Warnings(r); len(got) != 1 {
		t.Errorf("warnings are %+v", got)
	}
}
