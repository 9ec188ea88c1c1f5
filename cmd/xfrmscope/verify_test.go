package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVerifyRecomputes: what report wrote is computed again from the samples; a
// number that was edited is found, and so is an edited digest.
func TestVerifyRecomputes(t *testing.T) {
	out := t.TempDir()
	if code, _, stderr := cli("report", "sample:pcpu", "-o", out); code != exitOK {
		t.Fatal(stderr)
	}
	for _, file := range []string{"results.json", "report.html"} {
		code, stdout, stderr := cli("verify", "sample:pcpu", "--results", filepath.Join(out, file))
		if code != exitOK {
			t.Errorf("%s: exit code %d, %s", file, code, stderr)
		}
		for _, want := range []string{"files as written", "cross-checks: ", "gates: ",
			" of 3 runs computed again, 0 differ", "byte for byte"} {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s: no %q in\n%s", file, want, stdout)
			}
		}
	}
	if code, _, stderr := cli("verify", "sample:pcpu", "--strict"); code != exitInvalid ||
		!strings.Contains(stderr, "gate ") {
		t.Errorf("--strict with a failed gate: exit code %d\n%s", code, stderr)
	}
	path := filepath.Join(out, "results.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, []byte(`"id":"packet_rate"`))
	digit := at + bytes.IndexAny(data[at:], "123456789")
	forged := bytes.Clone(data)
	forged[digit] = forged[digit]%9 + '1'
	if forged[digit] > '9' {
		forged[digit] = '1'
	}
	if err := os.WriteFile(path, forged, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := cli("verify", "sample:pcpu", "--results", path); code != exitInvalid ||
		!strings.Contains(stderr, "packet_rate_sampled: published") {
		t.Errorf("a forged number: exit code %d\n%s", code, stderr)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(out, "digest.txt"), []byte("xfrmscope report: all is well\n"),
		0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := cli("verify", "sample:pcpu", "--results", path); code != exitInvalid ||
		!strings.Contains(stderr, "is not the digest") {
		t.Errorf("a forged digest: exit code %d\n%s", code, stderr)
	}
}

// TestShowReadsStdin: folded text and mails.
func TestShowReadsStdin(t *testing.T) {
	for _, tt := range []struct {
		in   string
		code int
		want string
	}{
		{"", exitFailure, "stdin is empty"},
		{"hello world\n", exitFailure, "in no format"},
		{"swapper;do_idle 10\nksoftirqd;net_rx_action;native_queued_spin_lock_slowpath 30\n", exitOK,
			"native_queued_spin_lock_slowpath"},
		{"Hi,\n> xfrmscope report: 6 runs, modes a\n>   host west\n> lost: nothing\nbye\n", exitOK,
			"xfrmscope report: 6 runs, modes a\n  host west\nlost: nothing\n"},
	} {
		var out, errw bytes.Buffer
		if code := run(context.Background(), []string{"show", "-"}, strings.NewReader(tt.in), &out,
			&errw); code != tt.code || !strings.Contains(out.String()+errw.String(), tt.want) {
			t.Errorf("%q: exit code %d\n%s%s", tt.in, code, out.String(), errw.String())
		}
	}
}
