package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
)

// The recorded sweeps as before and after, one run a side and N: the numbers,
// and no star. A report compared with a report says the same.
func TestCompare(t *testing.T) {
	dir := t.TempDir()
	code, _, stderr := cli("compare", "sample:shared", "sample:pcpu", "-o", dir)
	if code != exitOK || stderr != "" {
		t.Fatalf("exit %d, stderr %s", code, stderr)
	}
	text := comparisonText(t, filepath.Join(dir, "results.json"))
	golden(t, "compare.txt", text)
	if strings.Contains(text, " *") {
		t.Error("a star from one run a side")
	}
	for _, name := range []string{"shared", "pcpu"} {
		if code, _, stderr := cli("report", "sample:"+name, "-o", filepath.Join(dir, name)); code != exitOK {
			t.Fatal(stderr)
		}
	}
	for _, file := range []string{"results.json", "report.html"} {
		again := filepath.Join(dir, "again-"+file)
		code, _, stderr := cli("compare", filepath.Join(dir, "shared", file), filepath.Join(dir, "pcpu", file),
			"-o", again)
		if code != exitOK || stderr != "" {
			t.Errorf("of %s: exit %d, stderr %s", file, code, stderr)
			continue
		}
		if got := comparisonText(t, filepath.Join(again, "results.json")); got != text {
			t.Errorf("of %s: got\n%s", file, got)
		}
	}
}

// comparisonText prints what the comparison in a results.json says, but for
// functions, of which a report keeps only the heaviest.
func comparisonText(t *testing.T, file string) string {
	t.Helper()
	var r result.Result
	if err := json.Unmarshal([]byte(readFile(t, file)), &r); err != nil {
		t.Fatal(err)
	}
	c := r.Comparison
	var b strings.Builder
	for _, h := range c.Headline {
		printChange(&b, fmt.Sprintf("headline %s N=%d", h.Mode, h.N), h.C)
	}
	for _, table := range [][]result.CompareFamily{c.Rates, c.Costs, c.Stages, c.Locks} {
		for _, f := range table {
			fmt.Fprintf(&b, "%s: %d tested, %d starred\n", f.Family.Name, f.Family.Tested,
				f.Family.Significant)
			for i, one := range f.Family.Comparisons {
				printChange(&b, "  "+f.Keys[i], one)
			}
		}
	}
	for _, u := range c.USL {
		fmt.Fprintf(&b, "law of %s: %s\n", u.Mode, u.Change.Missing.Text)
	}
	fmt.Fprintf(&b, "worse: %d; A/A: %s\n", len(c.Worse), c.AA.Missing.Text)
	for _, g := range c.Gates {
		fmt.Fprintf(&b, "gate %s: %s\n", g.ID, g.Status)
	}
	return b.String()
}

func printChange(w io.Writer, what string, c compare.Comparison) {
	fmt.Fprintf(w, "%s, %s: %.4g -> %.4g %s", what, c.Metric, c.Before.Median, c.After.Median, c.Unit)
	switch i := c.Ratio.Interval; {
	case !c.Ratio.Known():
		fmt.Fprintf(w, "; %s", c.Ratio.Missing.Text)
	case i.Known():
		fmt.Fprintf(w, ", x %.3f [%.3f, %.3f]", c.Ratio.Value, i.Lo, i.Hi)
	default:
		fmt.Fprintf(w, ", x %.3f, %s", c.Ratio.Value, i.Missing.Text)
	}
	fmt.Fprintf(w, "; %s", c.Verdict)
	if c.Significant {
		fmt.Fprint(w, " *")
	}
	fmt.Fprintln(w)
}

// Exit codes are what scripts and git bisect go by.
func TestCompareExit(t *testing.T) {
	dir := t.TempDir()
	if code, _, stderr := cli("compare", "sample:pcpu", "sample:shared", "-o", dir); code != exitOK {
		t.Fatal(stderr)
	}
	for _, tt := range []struct {
		args   []string
		code   int
		stderr string
	}{
		{[]string{"sample:pcpu", "sample:shared", "--fail-on", "cost_per_packet>5%"}, exitRegression,
			"regression: cost_per_packet>5% at N=4"},
		{[]string{"sample:pcpu", "sample:shared", "--ktap", "--fail-on", "cost_per_packet>5%"}, exitRegression,
			"regression: cost_per_packet>5% at N=4"},
		{[]string{"sample:shared", "sample:pcpu", "--fail-on", "cost_per_packet>5%", "--fail-on",
			"packet_rate<-5%"}, exitOK, ""},
		{[]string{"sample:pcpu", "sample:shared", "--fail-on", "mpkc>5%", "--fail-on", "cost_per_packet>5%"},
			exitRegression, "regression"},
		{[]string{"sample:pcpu", "sample:shared", "--fail-on", "mpkc>5%"}, exitInvalid,
			"cannot be decided: mpkc>5%: no run has it"},
		{[]string{"sample:pcpu", "sample:shared", "--fail-on", "packet_rate>5%"}, exitUsage,
			"write packet_rate<-5%"},
		{[]string{"sample:pcpu"}, exitUsage, "sample:pcpu: it has 0 sides (no run has the label side), and " +
			"two are compared: give BEFORE and AFTER"},
		{[]string{"sample:pcpu", "sample:none"}, exitUsage, "there is no sample"},
		{[]string{"sample:pcpu", filepath.Join(dir, "results.json")}, exitFailure,
			"is a comparison of two sides itself"},
		{[]string{"sample:pcpu", filepath.Join(dir, "digest.txt")}, exitFailure, "it is a digest of xfrmscope"},
		{[]string{"sample:pcpu", filepath.Join(dir, "none")}, exitFailure, "it does not exist"},
	} {
		code, _, stderr := cli(append([]string{"compare"}, tt.args...)...)
		if code != tt.code || !strings.Contains(stderr, tt.stderr) {
			t.Errorf("compare %v: exit %d, want %d; stderr %s", tt.args, code, tt.code, stderr)
		}
	}
}

// Sides that are not the same thing are refused by name, and compared by force.
func TestCompareRefused(t *testing.T) {
	files := seedFiles(t, "trex-20250728-pcpu.json")
	code, _, stderr := cli("compare", "sample:pcpu", files[0])
	if code != exitInvalid || !strings.Contains(stderr, "event: cpu-clock before, not given after") ||
		!strings.Contains(stderr, "--force") {
		t.Errorf("exit %d, stderr %s", code, stderr)
	}
	dir := t.TempDir()
	code, _, stderr = cli("compare", "sample:pcpu", files[0], "--force", "-o", dir)
	if code != exitOK || !strings.Contains(readFile(t, filepath.Join(dir, "results.json")),
		"compared although event") {
		t.Errorf("forced: exit %d, stderr %s", code, stderr)
	}
}

// The published sweeps of one SA and of per-CPU SAs as before and after: five
// runs a side and point, so there are stars; up to two flows nothing changed.
func TestCompareSeed(t *testing.T) {
	files := seedFiles(t, "trex-20250728-one-sa.json", "trex-20250728-pcpu.json")
	dir := t.TempDir()
	code, _, stderr := cli("compare", files[0], files[1], "-o", dir, "--fail-on", "throughput<-1%")
	if code != exitOK {
		t.Fatalf("exit %d, stderr %s", code, stderr)
	}
	var r result.Result
	if err := json.Unmarshal([]byte(readFile(t, filepath.Join(dir, "results.json"))), &r); err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Comparison.Rates {
		for i, c := range f.Family.Comparisons {
			if want := i >= 2; f.Family.Comparisons[0].Unit == "bit/s" && c.Significant != want {
				t.Errorf("%s, %s: star %v, want %v: %+v", f.Family.Name, f.Keys[i], c.Significant, want,
					c.Ratio)
			}
		}
	}
	if len(r.Comparison.USL) != 1 || r.Comparison.USL[0].Change.Missing != nil ||
		!r.Comparison.USL[0].Change.Sigma.Significant {
		t.Errorf("law %+v, want another sigma", r.Comparison.USL)
	}
}
