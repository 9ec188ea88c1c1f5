package main

import (
	"encoding/json"
	"os"
	"runtime"
	"strings"
	"testing"

	"xfrmscope/collect/selftest"
)

func TestSelftestMistakes(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"selftest"}, "xfrmscope selftest lock"},
		{[]string{"selftest", "find"}, "want the test's name: lock"},
		{[]string{"selftest", "lock", "-C", "8191"}, "CPU 8191 is not one this process may use"},
		{[]string{"selftest", "lock", "-C", "x"}, `"x" is no CPU number`},
		{[]string{"selftest", "lock", "--rounds", "0"}, "must be positive"},
		{[]string{"selftest", "lock", "--beside", "a=b"}, "add --cost"},
		{[]string{"selftest", "lock", "--cost", "--beside", "b"}, "want NAME=COMMAND"},
	} {
		if code, _, stderr := cli(tt.args...); code != exitUsage || !strings.Contains(stderr, tt.want) {
			t.Errorf("%v: exit %d, %q", tt.args, code, stderr)
		}
	}
}

// TestSelftest holds both forms of the output against each other's parts, on
// this kernel. Exit codes 3 and 4 are findings about it.
func TestSelftest(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("loading eBPF programs needs root")
	}
	if runtime.NumCPU() < 2 {
		t.Skip("contention takes two CPUs")
	}
	code, stdout, stderr := cli("selftest", "lock", "--rounds", "1", "--window", "20ms", "--json")
	if code == exitEnvironment {
		t.Skip(stderr)
	}
	var r selftest.Result
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("exit %d: %v\n%s%s", code, err, stdout, stderr)
	}
	if code != exitOK { // of a busy machine: two loads that never met
		t.Logf("exit %d: %+v\n%s", code, r.Verdicts, stderr)
	}
	if (code == exitOK) != r.Valid() {
		t.Errorf("exit %d, valid %v: %+v\n%s", code, r.Valid(), r.Verdicts, stderr)
	}
	_, text, _ := cli("selftest", "lock", "--rounds", "1", "--window", "20ms")
	for _, mode := range r.Modes {
		want := string(mode.Mode) + ":\n  ok "
		if mode.Passed != "" {
			want = string(mode.Mode) + ": not attached: " + mode.Passed
		}
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
