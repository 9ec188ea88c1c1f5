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
		if !strings.Contains(text, "\n  no star: one boot a side\n") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}

// TestCommitTableParts: three modes take two tables; a mode that lacks an N has
// dashes; warnings are counted.
func TestCommitTableParts(t *testing.T) {
	r := sample.Probed()
	r.Runs = append(r.Runs, sample.NewRun(sample.Spec{Mode: "offload", N: 8, RatePer: 1e6, Seconds: 10}))
	got := commitTable(t, sample.NewResult(r.Runs...))
	if strings.Count(got, "CPUs   ") != 2 || !strings.Contains(got, "\n   8         -            -       -") ||
		!strings.Contains(got, "weaken these numbers: 2") {
		t.Errorf("the table is\n%s", got)
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
	if !strings.Contains(got, "baseline-9 ") || !strings.Contains(got, "(see report.html for ") {
		t.Errorf("the table is\n%s", got)
	}
}
