package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const oneStack = "main;xfrm_output;esp_output 7\nmain;other 3\n"

func stacksFile(t *testing.T, dir string) string {
	t.Helper()
	file := filepath.Join(dir, "stacks.folded")
	if err := os.WriteFile(file, []byte(oneStack), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestVisible(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"plain\tand\nlines", "plain\tand\nlines"},
		{"Zürich 東京", "Zürich 東京"},
		{"\x1b]0;title\a", `\x1b]0;title\x07`},
		{"over\rwritten\b\x7f", `over\x0dwritten\x08\x7f`},
		{"C1 \u009b2J, and as a byte \x9b2J", `C1 \u009b2J, and as a byte \x9b2J`},
		{"turned \u202egnp.exe\u2066", `turned \u202egnp.exe\u2066`},
		{"\ufffd is itself, \xc3( is not", "\ufffd is itself, \\xc3( is not"},
	} {
		if got := visible(tt.in, "\n\t"); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
		// However a program cuts its text into pieces.
		var b bytes.Buffer
		p := &plainWriter{w: &b}
		for i := range len(tt.in) {
			if n, err := p.Write([]byte{tt.in[i]}); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		}
		if p.flush(); b.String() != tt.want {
			t.Errorf("%q byte by byte: %q, want %q", tt.in, b.String(), tt.want)
		}
	}
}

// What others named never commands the terminal, whichever command prints it.
func TestNamesOfOthersOnTheTerminal(t *testing.T) {
	dir := t.TempDir()
	evil := "x\x1b[2J\u009b1m\a\r\x7fy"
	file := stacksFile(t, dir)
	run := filepath.Join(dir, "run"+evil)
	if code, _, stderr := cli("import", file, "--label", "mode="+evil+"\n2", "-o",
		run); code != exitOK {
		t.Fatal(stderr)
	}
	for _, args := range [][]string{
		{"list", run}, {"show", run}, {"show", evil}, {"report", run, "-o", filepath.Join(dir, "out"+evil)},
		{"verify", run},
		{"compare", run, run}, {"pack", run, "-o", filepath.Join(dir, evil+".tar.zst")}, {evil},
		{"show", "--" + evil},
		{"record", "-C", evil, "-o", "r"}, {"sweep", evil, "-o", "s"}, {"scenario", "show", evil},
		{"import", evil, "-o", "i"},
		{"doctor", "--netns", evil}, {"top", "--netns", evil},
	} {
		code, stdout, stderr := cli(args...)
		if text := stdout + stderr; strings.ContainsAny(text, "\x1b\u009b\a\r\x7f") {
			t.Errorf("%q: exit %d: %q", args, code, text)
		}
	}
	for _, args := range [][]string{{"list", run}, {"show", run}, {"verify", run}, {"compare", run, run}} {
		code, stdout, stderr := cli(append(args, "--json")...)
		if !json.Valid([]byte(stdout)) || strings.ContainsAny(stdout, "\x1b\u009b\a\r\x7f") ||
			!strings.Contains(stdout, `/runx\u001b[2J\u009b1m\u0007\r\u007fy`) {
			t.Errorf("%q: exit %d: %.300q%s", args, code, stdout, stderr)
		}
	}
	if _, stdout, _ := cli("list", run); strings.Count(stdout, "\n") != 2 {
		t.Errorf("a label breaks the table:\n%s", stdout)
	}
}

// The next step can be pasted into a shell, whatever the directory is called.
func TestNextStepIsQuoted(t *testing.T) {
	dir := t.TempDir()
	file := stacksFile(t, dir)
	t.Chdir(dir)
	for _, name := range []string{"two words", "it's", "$HOME", "a;b", "tab\there", "new\nline", "esc\x1b[31m",
		"Zürich", "-o", "~", "#", "*", "`id`", "\"", `back\slash`, "\xff"} {
		code, stdout, stderr := cli("import", file, "-o", "./"+name)
		_, next, found := strings.Cut(stdout, "\nnext: xfrmscope ")
		if code != exitOK || !found {
			t.Fatalf("%q: exit %d: %s%s", name, code, stdout, stderr)
		}
		got, err := exec.Command("bash", "-c", `printf '%s\0' `+next).Output()
		if err != nil {
			t.Errorf("%q: %v: %s", name, err, next)
		}
		args := strings.Split(string(got), "\x00")
		if len(args) != 5 || args[0] != "report" || filepath.Clean(args[1]) != name && args[1] != "./"+name ||
			args[2] != "-o" {
			t.Errorf("%q: pasted, %s is %q", name, strings.TrimSpace(next), args)
		}
	}
}
