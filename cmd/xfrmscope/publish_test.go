package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A published report has no name of the network in any file; its numbers and its
// digest are computed again, and a report of it is published, too.
func TestReportPublish(t *testing.T) {
	dir := sampleDir(t, "pcpu")
	secret := regexp.MustCompile(`west/(red|black)|\b10\.\d+\.\d+\.\d+|SPI 0x10[0-9a-f]{2}\b`)
	plain, out, again := t.TempDir(), t.TempDir(), t.TempDir()
	for _, args := range [][]string{{dir, "-o", plain}, {dir, "--publish", "-o", out},
		{filepath.Join(out, "report.html"), "-o", again}} {
		if code, _, stderr := cli(append([]string{"report"}, args...)...); code != exitOK ||
			strings.Contains(stderr, "the load stays:") != (args[1] == "--publish") {
			t.Fatalf("%v: exit %d, %s", args, code, stderr)
		}
	}
	found := false
	for _, d := range []string{plain, out, again} {
		for _, name := range []string{"report.html", "results.json", "results.csv", "digest.txt"} {
			data, err := os.ReadFile(filepath.Join(d, name))
			if err != nil {
				t.Fatal(err)
			}
			got := secret.Find(data)
			found = found || got != nil && d == plain
			if got != nil && d != plain {
				t.Errorf("%s has %q", name, got)
			}
		}
	}
	if !found {
		t.Error("nothing to mask in the sample")
	}
	code, stdout, stderr := cli("verify", dir, "--results", filepath.Join(out, "results.json"))
	if code != exitOK || !strings.Contains(stdout, "byte for byte") {
		t.Errorf("verify: exit %d, %s%s", code, stdout, stderr)
	}
}
