package reports

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/digest"
	"xfrmscope/reports/testdata/sample"
)

func commitTable(t *testing.T, r *result.Result) string {
	t.Helper()
	return mailText(t, func(w *bytes.Buffer) error { return digest.CommitTable(w, r) })
}

func TestCommitTableGolden(t *testing.T) {
	sample.Golden(t, "commit-sweep.txt", []byte(commitTable(t, sample.Sweep())))
	sample.Golden(t, "commit-one.txt", []byte(commitTable(t, sample.One())))
	sample.Golden(t, "commit-compare.txt", []byte(commitTable(t, sample.Comparison(t, 6))))
}

func TestCommitTableOfExtremes(t *testing.T) {
	for name, r := range sample.Extremes(t) {
		t.Run(name, func(t *testing.T) { commitTable(t, r) })
	}
}

// Too few boots are said where a table has no stars because of them.
func TestMailsSayFewBoots(t *testing.T) {
	r := sample.Comparison(t, 6)
	r.Comparison.Notes = append(r.Comparison.Notes, *compare.Because(compare.TooFewBoots, "one boot a side"))
	for name, text := range map[string]string{"commit table": commitTable(t, r), "digest": digestText(t, r)} {
		if !strings.Contains(text, "nothing is significant: one boot a side\n") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}

// TestCommitTableParts: three modes stand beside each other; a mode that lacks an N
// has dashes; caveats are counted.
func TestCommitTableParts(t *testing.T) {
	r := sample.Probed()
	r.Runs = append(r.Runs, sample.NewRun(sample.Spec{Mode: "offload", N: 8, RatePer: 1e6, Seconds: 10}))
	got := commitTable(t, sample.NewResult(r.Runs...))
	for _, want := range []string{"shared   pcpu  offload", "\n  8           -      -     8000 ", "\ncaveats: "} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestCommitTableListsUnlabelledRuns(t *testing.T) {
	var runs []*result.Run
	for i := range 40 {
		run := sample.NewRun(sample.Spec{N: 1, RatePer: 90_000, Seconds: 1})
		run.Name = fmt.Sprintf("baseline-%d", i)
		runs = append(runs, run)
	}
	got := commitTable(t, sample.NewResult(runs...))
	if !strings.Contains(got, "baseline-39 ") || !strings.Contains(got, "24 rows more") {
		t.Errorf("the table is\n%s", got)
	}
}
