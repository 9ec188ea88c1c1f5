package doctor

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
)

func TestExamine(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("what Doctor finds without root depends on the host")
	}
	checks := Examine(context.Background(), "", "", Focus{CPUs: bundle.CPUSet{0}}).Checks
	seen := make(map[string]bool)
	for _, c := range checks {
		if seen[c.ID] || c.Title == "" || c.Evidence == "" || c.State == "" {
			t.Errorf("check %+v", c)
		}
		seen[c.ID] = true
		if c.State == OK && c.Fix != "" || c.State == Absent && c.Fix == "" ||
			c.State == Degraded && c.Fix == "" {
			t.Errorf("state and fix do not agree: %+v", c)
		}
	}
	if !slices.IsSortedFunc(checks, func(a, b Check) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("not in the order of the ids")
	}
}

// A machine on which nothing is.
func TestExamineNothing(t *testing.T) {
	report := Examine(context.Background(), procfs.Root(t.TempDir()), "/nonexistent/perf", Focus{})
	if report.CanRecord() {
		t.Errorf("it could record: %+v", report.Checks)
	}
	if report.Locks.Kind != native || len(report.Plan) != 0 {
		t.Errorf("locks %+v, plan %+v", report.Locks, report.Plan)
	}
}
