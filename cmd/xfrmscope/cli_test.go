package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xfrmscope/samples"
)

// cli runs one command line and returns what a shell would see.
func cli(args ...string) (code int, stdout, stderr string) {
	var out, errw bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(""), &out, &errw)
	return code, out.String(), errw.String()
}

// Mistakes end with one clear sentence, the next step and the right exit code.
func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	empty := file("empty.data", "")
	text := file("text.data", "this is no recording at all\n")
	out := filepath.Join(dir, "out")
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"recrod"}, exitUsage, `"recrod" is no command`},
		{[]string{"report"}, exitUsage, "want at least one RUN or SWEEP"},
		{[]string{"report", dir}, exitUsage, "add -o DIR"},
		{[]string{"report", dir, "-o", out}, exitFailure,
			"neither manifest.json nor sweep.json; make a run with `xfrmscope record"},
		{[]string{"report", "/nowhere", "-o", out}, exitFailure, "it does not exist"},
		{[]string{"report", "sample:none", "-o", out}, exitUsage, `there is no sample "none"; there are: `},
		{[]string{"show", empty}, exitFailure, "empty file"},
		{[]string{"show", text}, exitFailure, "is in no format that can be imported"},
		{[]string{"verify", dir}, exitFailure, "is no run and no sweep"},
		{[]string{"import", empty, "-o", out}, exitFailure, "empty file: at byte 0: no bytes; record again"},
		{[]string{"import", text, "-o", out}, exitFailure, "is in no format that can be imported"},
		{[]string{"import", filepath.Join(dir, "none"), "-o", out}, exitFailure, "no such file"},
		{[]string{"import", empty, empty, "-o", out}, exitFailure, "empty file"},
		{[]string{"import", text}, exitUsage, "add -o DIR"},
		{[]string{"record", "-C", "0"}, exitUsage, "add -o DIR"},
		{[]string{"record", "-C", "0-", "-o", out}, exitUsage, "no CPU number"},
		{[]string{"record", "-C", "8191", "-o", out}, exitUsage, "not online"},
		{[]string{"record", "-C", "0", "-o", out, "--load-cpus", "0"}, exitUsage, "add --load CMD"},
		{[]string{"sweep"}, exitUsage, "sweep needs a SCENARIO.yaml, or --cpus 1..8 --load CMD"},
		{[]string{"sweep", "none.yaml", "-o", out}, exitUsage,
			"no such file or directory; `xfrmscope scenario list` names examples"},
		{[]string{"sweep", "--cpus", "1..x", "-o", out}, exitUsage, "is no number of CPUs"},
		{[]string{"sweep", "--cpus", "1..4000", "-o", out}, exitUsage, "CPUs are asked for"},
		{[]string{"sweep", "--cpus", "1"}, exitUsage, "add -o SWEEP"},
		{[]string{"sweep", "--cpus", "1", "--headline", "beauty", "-o", out}, exitUsage,
			"there is no metric beauty"},
		{[]string{"sweep", "--cpus", "1", "--headline", "speedup", "-o", out}, exitUsage,
			"speedup is no number of one run"},
		{[]string{"sweep", "--cpus", "1", "--set", "gates=[open]", "-o", out}, exitUsage,
			`there is no gate "open"`},
		{[]string{"sweep", "--cpus", "1", "-F", "-3", "-o", out}, exitUsage, "-3 samples per second"},
		{[]string{"sweep", "iperf3", "--cpus", "1", "-o", out}, exitUsage, "change it with --set"},
		{[]string{"sweep", "iperf3", "--boots", "4", "--dry-run"}, exitUsage, "itself what --boots would"},
		{[]string{"sweep", "--resume", "-o", out}, exitUsage, "no such file"},
		{[]string{"sweep", "--resume", "iperf3", "-o", out}, exitUsage, "leave the other one out"},
		{[]string{"scenario", "print", "none"}, exitUsage, "no such file"},
		{[]string{"scenario", "print", "--source", "none"}, exitUsage, `there is no example "none"`},
		{[]string{"top", "-C", "8191"}, exitUsage, "not online"},
		{[]string{"top", "--count", "-1"}, exitUsage, "leave it out"},
		{[]string{"top", "--netns", "gone"}, exitUsage, "there is no /run/netns/gone"},
		{[]string{"doctor", "-C", "8191"}, exitUsage, "not online"},
		{[]string{"doctor", "-C", "1-0"}, exitUsage, "runs backwards"},
		{[]string{"doctor", "--netns", "gone"}, exitUsage, "there is no /run/netns/gone"},
		{[]string{"record", "--nope"}, exitUsage, "`xfrmscope record --help`"},
	} {
		code, stdout, stderr := cli(tt.args...)
		if code != tt.code || !strings.Contains(stderr, tt.want) || stdout != "" {
			t.Errorf("xfrmscope %s\nexit %d, want %d; stdout %q\nstderr %swant %q in it",
				strings.Join(tt.args, " "), code, tt.code, stdout, stderr, tt.want)
		}
		if n := strings.Count(strings.TrimSpace(stderr), "\n"); n != 0 {
			t.Errorf("xfrmscope %s: %d lines on stderr, want one:\n%s", strings.Join(tt.args, " "), n+1,
				stderr)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a refused command left its output directory behind")
	}
}

// A recording that was cut off keeps what is whole, and says what is gone.
func TestTruncatedImport(t *testing.T) {
	fsys, err := samples.Open("shared")
	if err != nil {
		t.Fatal(err)
	}
	data, err := fs.ReadFile(fsys, "n4/perf.data")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, run := filepath.Join(dir, "cut.data"), filepath.Join(dir, "run")
	if err := os.WriteFile(file, data[:len(data)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := cli("import", file, "-o", run)
	if code != exitOK || stderr != "" || !strings.Contains(stdout, "lost: ") ||
		!strings.Contains(stdout, "names of kernel functions") {
		t.Errorf("exit %d, stdout\n%sstderr %q", code, stdout, stderr)
	}
	code, stdout, stderr = cli("show", run)
	if code != exitOK || stderr != "" || !strings.Contains(stdout, "samples") {
		t.Errorf("exit %d, stdout\n%sstderr %q", code, stdout, stderr)
	}
}

func TestNoPerf(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	out := filepath.Join(t.TempDir(), "run")
	code, _, stderr := cli("record", "-C", "0", "-d", "1s", "-o", out)
	if code != exitEnvironment || !strings.Contains(stderr, "install") {
		t.Errorf("exit %d, stderr %q, want %d and how to install perf", code, stderr, exitEnvironment)
	}
	if code, stdout, _ := cli("doctor"); code != exitEnvironment || !strings.Contains(stdout, "absent   XS002") {
		t.Errorf("doctor: exit %d\n%s", code, stdout)
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {}, {"record", "--help"}, {"report", "-h"}, {"--version"}} {
		if code, stdout, stderr := cli(args...); code != exitOK || stdout == "" || stderr != "" {
			t.Errorf("%v: exit %d, stdout %q, stderr %q", args, code, stdout, stderr)
		}
	}
}
