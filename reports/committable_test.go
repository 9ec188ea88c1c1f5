package reports

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"xfrmscope/analyze"
)

func commitTable(t *testing.T, r *analyze.Result) string {
	t.Helper()
	return mailText(t, func(w *bytes.Buffer) error { return CommitTable(w, r) })
}

func TestCommitTableGolden(t *testing.T) {
	golden(t, "commit-sweep.txt", []byte(commitTable(t, testSweep())))
	golden(t, "commit-one.txt", []byte(commitTable(t, testOne())))
	golden(t, "commit-compare.txt", []byte(commitTable(t, testComparison(t, 6))))
}

func TestCommitTableOfExtremes(t *testing.T) {
	for name, r := range extremes(t) {
		t.Run(name, func(t *testing.T) { commitTable(t, r) })
	}
}

// TestCommitTableParts: three modes take two tables; a mode that lacks an N has
// dashes; warnings are counted.
func TestCommitTableParts(t *testing.T) {
	r := probed()
	r.Runs = append(r.Runs, testRun(runSpec{mode: "offload", n: 8, ratePer: 1e6, seconds: 10}))
	got := commitTable(t, testResult(r.Runs...))
	if strings.Count(got, "CPUs   ") != 2 || !strings.Contains(got, "\n   8         -            -       -") || !strings.Contains(got, "weaken these numbers: 2") {
		t.Errorf("the table is\n%s", got)
	}
}

func TestCommitTableListsUnlabelledRuns(t *testing.T) {
	var runs []*analyze.Run
	for i := range 40 {
		run := testRun(runSpec{n: 1, ratePer: 90_000, seconds: 1})
		run.Name = fmt.Sprintf("baseline-%d", i)
		runs = append(runs, run)
	}
	got := commitTable(t, testResult(runs...))
	if !strings.Contains(got, "baseline-9 ") || !strings.Contains(got, "(see report.html for ") {
		t.Errorf("the table is\n%s", got)
	}
}
