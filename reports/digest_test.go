package reports

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/digest"
	"xfrmscope/reports/testdata/sample"
	"xfrmscope/reports/view"
)

// digest renders a digest.
// mailLines and mailColumns bound a digest.
const (
	mailLines   = 30
	mailColumns = 72
)

func digestText(t *testing.T, r *result.Result) string {
	t.Helper()
	return mailText(t, func(w *bytes.Buffer) error { return digest.Write(w, r) })
}

// mailText renders twice and checks what holds for every text of a mail.
func mailText(t *testing.T, render func(*bytes.Buffer) error) string {
	t.Helper()
	var b, again bytes.Buffer
	if err := render(&b); err != nil {
		t.Fatal(err)
	}
	if err := render(&again); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("a second render differs")
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) > mailLines {
		t.Errorf("%d lines, want at most %d:\n%s", len(lines), mailLines, b.String())
	}
	for i, l := range lines {
		if len(l) > mailColumns {
			t.Errorf("line %d has %d columns: %s", i+1, len(l), l)
		}
		if strings.HasSuffix(l, " ") {
			t.Errorf("line %d ends with a space: %q", i+1, l)
		}
	}
	for _, c := range b.Bytes() {
		if (c < ' ' && c != '\n') || c > '~' {
			t.Fatalf("holds byte %#x:\n%q", c, b.String())
		}
	}
	return b.String()
}

func TestDigestGolden(t *testing.T) {
	sample.Golden(t, "digest-sweep.txt", []byte(digestText(t, sample.Sweep())))
	sample.Golden(t, "digest-one.txt", []byte(digestText(t, sample.One())))
	sample.Golden(t, "digest-compare.txt", []byte(digestText(t, sample.Comparison(t, 6))))
	sample.Golden(t, "digest-same.txt", []byte(digestText(t, sample.SameTwice(t))))
}

// TestDigestShowsRows: a table is not all head, and the claims come before it.
func TestDigestShowsRows(t *testing.T) {
	for n, rows := range map[int]int{1: 1, 2: 2, 4: 4, 64: 4} {
		got := digestText(t, sample.NewResult(sample.NewRun(sample.Spec{Mode: "shared", N: n, RatePer: 90_000,
			Spin: .3, Seconds: 10})))
		table := got[strings.Index(got, "    CPU   samples"):]
		table = table[:strings.Index(table, "\n\n")]
		if strings.Count(table, "\n") != rows {
			t.Errorf("%d CPUs: want %d rows:\n%s", n, rows, got)
		}
		if strings.Count(got, "\n  ") < 12 || !strings.Contains(got, "xfrm_state_find") || strings.Index(got,
			"found: ") > strings.Index(got, "traffic") {
			t.Errorf("%d CPUs: no functions, or the claims come late:\n%s", n, got)
		}
	}
}

// TestDigestKeepsEveryClaim cuts everything else first.
func TestDigestKeepsEveryClaim(t *testing.T) {
	r := sample.Sweep()
	for i := range 4 {
		f := r.Findings[0]
		f.Claim = fmt.Sprintf("claim %d: %s", i, f.Claim)
		r.Findings = append(r.Findings, f)
	}
	got := digestText(t, r)
	for i := range 4 {
		if !strings.Contains(got, fmt.Sprintf("found: claim %d", i)) {
			t.Errorf("claim %d was cut:\n%s", i, got)
		}
	}
	if !strings.Contains(got, "(see report.html for ") {
		t.Errorf("nothing says what was cut:\n%s", got)
	}
}

// TestDigestListsUnlabelledRuns: runs of different directories repeat nothing.
func TestDigestListsUnlabelledRuns(t *testing.T) {
	var runs []*result.Run
	for i := range 3 {
		run := sample.NewRun(sample.Spec{N: 2, RatePer: 90_000 + float64(1000*i), Spin: .3, Seconds: 10})
		run.Name, run.Path = fmt.Sprintf("baseline-%d", i), fmt.Sprintf("runs/baseline-%d", i)
		runs = append(runs, run)
	}
	r := sample.NewResult(runs...)
	got := digestText(t, r)
	for i := range 3 {
		if !strings.Contains(got, fmt.Sprintf("  ..line-%d", i)) {
			t.Errorf("run %d is not listed:\n%s", i, got)
		}
	}
	if strings.Contains(got, "median packets/s") {
		t.Errorf("they are taken for repeats:\n%s", got)
	}
	if n := len(view.LastOfModes(r)); n != 3 {
		t.Errorf("%d of them are on the first screen", n)
	}
}

func TestDigestSaysWhatIsMissing(t *testing.T) {
	got := digestText(t, sample.WithoutAnything())
	for _, want := range []string{"no samples", "no outbound SA was read", "the kernel has no BTF",
		"not recorded"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not said in\n%s", want, got)
		}
	}
	digestText(t, &result.Result{})
	digestText(t, &result.Result{Runs: []*result.Run{nil, {}}})
}

func TestDigestOfExtremes(t *testing.T) {
	for name, r := range sample.Extremes(t) {
		t.Run(name, func(t *testing.T) { digestText(t, r) })
	}
}
