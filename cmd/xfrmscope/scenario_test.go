package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"xfrmscope/collect/scenario"
	"xfrmscope/samples"
)

// Every example resolves, and what it prints resolves to itself.
func TestExampleScenarios(t *testing.T) {
	code, listed, stderr := cli("scenario", "list")
	if code != exitOK {
		t.Fatal(stderr)
	}
	if len(samples.Scenarios()) < 4 {
		t.Errorf("examples %v", samples.Scenarios())
	}
	for _, name := range samples.Scenarios() {
		if !strings.Contains(listed, name) {
			t.Errorf("%s is not listed", name)
		}
		code, text, stderr := cli("scenario", "print", name, "--set", "cpus.counts=1")
		if code != exitOK {
			t.Errorf("%s: %s", name, stderr)
			continue
		}
		file := filepath.Join(t.TempDir(), "resolved.yaml")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, again, _ := cli("scenario", "print", file); again != text {
			t.Errorf("%s prints\n%sthen\n%s", name, text, again)
		}
		code, plan, stderr := cli("sweep", file, "--dry-run")
		if code != exitOK || !strings.Contains(plan, scenario.Hash([]byte(text))[:12]) {
			t.Errorf("%s: %s%s", name, plan, stderr)
		}
		if code, source, _ := cli("scenario", "print", "--source", name); code != exitOK ||
			!strings.HasPrefix(source, "# ") {
			t.Errorf("%s: source %q", name, source)
		}
	}
	if code, schema, _ := cli("scenario", "schema"); code != exitOK ||
		!strings.Contains(schema, `"additionalProperties": false`) {
		t.Errorf("schema %s", schema)
	}
}

func TestDryRunOfASweep(t *testing.T) {
	code, plan, stderr := cli("sweep", "--cpus", "1", "--repeat", "2", "--mode", "pcpu", "--setup", "up {n}",
		"--teardown", "down", "--load", "flows {n} on {cpus}", "--dry-run")
	const want = `   1  pcpu-n1-r1               CPUs 0
        set-up    up 1
        load      flows 1 on 0
        tear-down down
   2  pcpu-n1-r2               CPUs 0
`
	if code != exitOK || !strings.HasSuffix(plan, want) ||
		!strings.HasPrefix(plan,
			"sweep over 1 CPUs: 2 runs, 22s of warm-up and window each, about 85 s in all, ") {
		t.Errorf("exit %d, stdout\n%s\nstderr %s", code, plan, stderr)
	}
}

// The testbed is a script that a shell reads.
func TestTestbed(t *testing.T) {
	code, script, stderr := cli("scenario", "testbed")
	if code != exitOK || !strings.Contains(script, "pcpu-num $cpu") {
		t.Fatalf("exit %d: %s%s", code, script, stderr)
	}
	cmd := exec.Command("bash", "-n")
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
