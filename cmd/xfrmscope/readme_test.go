package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadme runs the command lines of README.md as a reader would, top to
// bottom in one directory, with short windows, one repeat and loads taken for steady. Lines that
// call make are what .ci/run does; here stands what they leave behind.
func TestReadme(t *testing.T) {
	if testing.Short() {
		t.Skip("records for several seconds")
	}
	if os.Geteuid() != 0 {
		t.Skip("recording needs root")
	}
	for _, program := range []string{"perf", "ip", "jq"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	dir := filepath.Dir(program(t))
	shell(t, dir, "ip netns add west 2>/dev/null || true")
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", "west").Run() })
	shell(t, dir, "./xfrmscope report sample:shared sample:pcpu -o out/demo/locks") // make demo
	flows := "#!/bin/sh\nexec perf bench sched messaging -l 100000\n"
	if err := os.WriteFile(filepath.Join(dir, "flows"), []byte(flows), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, block := range readmeBlocks(t) {
		shell(t, dir, block)
	}
}

var (
	windowFlag = regexp.MustCompile(`-d \d+s`)
	repeatFlag = regexp.MustCompile(`--repeat \d+`)
)

// readmeBlocks returns the indented blocks of README.md, without make.
func readmeBlocks(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	var block strings.Builder
	for line := range strings.Lines(string(text) + "\n") {
		code, ok := strings.CutPrefix(line, "    ")
		if ok && !strings.HasPrefix(code, "make ") {
			code = windowFlag.ReplaceAllString(code, "-d 300ms")
			code = strings.ReplaceAll(code, "sweep --cpus", "sweep --set steady.within=0s --cpus")
			block.WriteString(repeatFlag.ReplaceAllString(code, "--repeat 1"))
		}
		if !ok && block.Len() > 0 {
			blocks = append(blocks, block.String())
			block.Reset()
		}
	}
	if len(blocks) < 4 {
		t.Fatalf("README.md has %d blocks of commands, want at least 4", len(blocks))
	}
	return blocks
}

func shell(t *testing.T, dir, script string) string {
	t.Helper()
	cmd := exec.Command("sh", "-e", "-c", script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%s%v", script, out, err)
	}
	return string(out)
}
