package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"xfrmscope/samples"
)

// sampleDir writes a sample where commands that need a directory find it.
func sampleDir(t *testing.T, name string) string {
	t.Helper()
	fsys, err := samples.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, fsys); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A packed bundle says everywhere what it says unpacked; a masked one says the
// same numbers.
func TestPackedIsTheSame(t *testing.T) {
	dir := sampleDir(t, "pcpu")
	plain, public := filepath.Join(t.TempDir(), "a.tar.zst"), filepath.Join(t.TempDir(), "b.tar.zst")
	for _, args := range [][]string{{"pack", dir, "-o", plain}, {"pack", dir, "--publish", "-o", public}} {
		if code, stdout, stderr := cli(args...); code != exitOK || !strings.Contains(stdout, " MB\n") {
			t.Fatalf("%v: exit %d, %s%s", args, code, stdout, stderr)
		}
	}
	again := regexp.MustCompile(`(?m)^(Again|Load): .*(\n  .*)*\n`) // which names the file
	_, want, _ := cli("show", dir)
	want = again.ReplaceAllString(want, "")
	for _, file := range []string{plain, public} {
		code, got, stderr := cli("show", file)
		got = again.ReplaceAllString(got, "")
		if file == public { // whose SAs have other names
			got, want = withoutSAs(got), withoutSAs(want)
		}
		if code != exitOK || got != want {
			t.Errorf("show %s: exit %d, %s\ngot\n%swant\n%s", file, code, stderr, got, want)
		}
		if code, got, stderr := cli("verify", file); code != exitOK || strings.Count(got, "as written") != 3 {
			t.Errorf("verify %s: exit %d, %s%s", file, code, got, stderr)
		}
		code, got, stderr = cli("list", file)
		_, asDir, _ := cli("list", dir)
		if code != exitOK || strings.Count(got, "\n") != 4 || file == plain && got != asDir {
			t.Errorf("list %s: exit %d, %s%s", file, code, got, stderr)
		}
	}
	if code, _, stderr := cli("compare", plain, public); code != exitOK {
		t.Errorf("compare: exit %d, %s", code, stderr)
	}
	if code, _, stderr := cli("pack", dir, "-o", plain); code != exitFailure ||
		!strings.Contains(stderr, "already holds files") {
		t.Errorf("over a file: exit %d, %s", code, stderr)
	}
	if code, _, stderr := cli("pack", dir); code != exitUsage || !strings.Contains(stderr, "add -o FILE.tar.zst") {
		t.Errorf("without -o: exit %d, %s", code, stderr)
	}
	data, err := os.ReadFile(plain)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(plain, data[:len(data)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := cli("show", plain); code != exitFailure ||
		!strings.Contains(stderr, "is no packed bundle") {
		t.Errorf("half a file: exit %d, %s", code, stderr)
	}
}

// withoutSAs drops the lines that name an SA by its addresses.
func withoutSAs(text string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if !strings.Contains(line, " -> ") && !strings.Contains(line, " SPI 0x") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}
