package reports

import (
	"strings"
	"testing"

	"xfrmscope/analyze"
	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

func TestRanges(t *testing.T) {
	for _, tt := range []struct {
		texts []string
		want  string
	}{
		{[]string{"changed by +46 %", "changed by -19 %", "changed by -6 %"}, "changed by -19..+46 %"},
		{[]string{"95 % of it (CPU 0: 95 %): late", "70 % of it (CPU 1: 68.5 %): late"}, "70..95 % of it (CPU 0..1: 68.5..95 %): late"},
		{[]string{"the same 3", "the same 3"}, "the same 3"},
		{[]string{"no number"}, "no number"},
	} {
		for _, text := range tt.texts {
			if wording(text) != wording(tt.texts[0]) {
				t.Errorf("%q and %q are taken for different wordings", text, tt.texts[0])
			}
		}
		if got := ranges(tt.texts); got != tt.want {
			t.Errorf("ranges(%q) = %q, want %q", tt.texts, got, tt.want)
		}
	}
	for _, pair := range [][2]string{{"CPUs 0-1", "CPUs 0-3"}, {"L1 lost", "L2 lost"}, {"1 lost", "1 lost of 2"}, {"+ 1", "- 1"}} {
		if wording(pair[0]) == wording(pair[1]) {
			t.Errorf("%q and %q are taken for one wording", pair[0], pair[1])
		}
	}
	ranges([]string{"a 1 b", "a \x00 b", "a"[:1] + " 2 b"}) // hostile: a name that imitates a wording
}

// probed gives each run of a sweep a warning of its own numbers.
func probed() *analyze.Result {
	r := testSweep()
	for i, run := range r.Runs {
		if i == 0 {
			continue
		}
		run.Locks.Effect = metric.Value{ID: metric.EffectID, Value: float64(i)/10 - .3, Unit: "ratio"}
		run.Warnings = append(run.Warnings, bundle.Warning{Weakens: metric.WaitsID, Text: "packets/s changed by " + []string{"", "-20", "-10", "+0", "+10", "+20"}[i] + " % while probed"})
		run.Gaps = append(run.Gaps, bundle.Gap{What: "instructions", Why: "no hardware counters: instructions: ENOENT", Fix: "run on a machine with a PMU"})
	}
	r.Runs[0].Gaps = append(r.Runs[0].Gaps, r.Runs[1].Gaps[1])
	r.Runs[3].Warnings = append(r.Runs[3].Warnings, bundle.Warning{Weakens: metric.WaitsID, Text: "something else"})
	return r
}

func TestNotesAreGrouped(t *testing.T) {
	got := warnings(probed()).kinds()
	if len(got) != 2 || got[0].Text != "lock waits: packets/s changed by -20..+20 % while probed" || got[0].runsText(6) != "5 of 6 runs" || got[1].runsText(6) != "shared N=1" {
		t.Errorf("warnings are %+v", got)
	}
	not := gaps(probed()).byCause()
	if not[0].Text != "cache misses, instructions: no hardware counters" || not[0].runsText(6) != "all 6 runs" {
		t.Errorf("gaps are %+v", not)
	}
	text := digest(t, probed())
	for _, want := range []string{"changed by -20..+20 % while probed (5 of 6 runs)", "cache misses, instructions: no hardware counters not measured:"} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("the digest does not say %q:\n%s", want, text)
		}
	}
}

// TestPartialIsSaidOnce: analyses warn of a partial run, too.
func TestPartialIsSaidOnce(t *testing.T) {
	r := withoutAnything()
	r.Runs[0].Warnings = []bundle.Warning{{Weakens: "run", Text: "the run is partial: interrupted"}}
	if got := warnings(r); len(got) != 1 {
		t.Errorf("warnings are %+v", got)
	}
}
