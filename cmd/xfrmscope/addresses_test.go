package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// A report has no address of the kernel unless it was asked for; both are computed
// again.
func TestAddresses(t *testing.T) {
	address := regexp.MustCompile(`0xff[0-9a-f]{14}`)
	for _, c := range []struct {
		args []string
		kept bool
	}{
		{[]string{"report", "sample:pcpu"}, false},
		{[]string{"report", "sample:pcpu", "--addresses"}, true},
		{[]string{"compare", "sample:shared", "sample:pcpu"}, false},
		{[]string{"compare", "sample:shared", "sample:pcpu", "--addresses"}, true},
	} {
		out := t.TempDir()
		if code, _, stderr := cli(append(c.args, "-o", out)...); code != exitOK {
			t.Fatal(stderr)
		}
		for _, name := range []string{"report.html", "results.json", "results.csv"} {
			data, err := os.ReadFile(filepath.Join(out, name))
			if err != nil {
				t.Fatal(err)
			}
			if got := address.Find(data); (got != nil) != c.kept {
				t.Errorf("%v: %s has the address %q", c.args, name, got)
			}
			if !c.kept && !bytes.Contains(data, []byte("rcu_state")) {
				t.Errorf("%v: %s has lost the lock's name", c.args, name)
			}
		}
		if code, _, stderr := cli("verify", "sample:shared", "sample:pcpu", "--results",
			filepath.Join(out, "results.json")); code != exitOK {
			t.Errorf("%v: verify: %s", c.args, stderr)
		}
	}
}
