package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLockContention: the output of perf lock contention -x is lock waits, by
// the caller where it names no lock.
func TestLockContention(t *testing.T) {
	file := filepath.Join(t.TempDir(), "locks.csv")
	text := `# output: contended, total wait, max wait, avg wait, type, caller
201, 1234567, 9876, 6142, spinlock, xfrm_input+0x1f2
20, 34567, 876, 1642, spinlock, xfrm_output_resume+0x42
# debug: total=208, bad=4
`
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := cli("show", file)
	if code != exitOK {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	for _, want := range []string{
		"221 waits", "by the wait probe (perf lock contention)", "201      1.235", "xfrm_output_resume+0x42",
		"4 of 208", "does not see which CPU",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
