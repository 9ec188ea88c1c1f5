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

// TestDigestShowsRows: a table is not all head, and the verdict comes before it.
func TestDigestShowsRows(t *testing.T) {
	for n, rows := range map[int]int{1: 2, 2: 3, 4: 5, 64: 7} {
		got := digestText(t, sample.NewResult(sample.NewRun(sample.Spec{Mode: "shared", N: n, RatePer: 90_000,
			Spin: .3, Seconds: 10})))
		table := got[strings.Index(got, "  CPU "):]
		table = table[:strings.Index(table, "\n[1]")]
		if strings.Count(table, "%") < rows || !strings.Contains(got, "native_queued_spin_lock") ||
			strings.Index(got, "a packet costs") > strings.Index(got, "  CPU ") {
			t.Errorf("%d CPUs: want %d rows, the verdict before them, and functions:\n%s", n, rows, got)
		}
	}
}

// TestDigestSaysWhatWasCut: findings find no place beside the verdict.
func TestDigestSaysWhatWasCut(t *testing.T) {
	r := sample.Sweep()
	for i := range 9 {
		f := r.Findings[0]
		f.ID, f.Claim = "other", fmt.Sprintf("claim %d: %s", i, f.Claim)
		r.Findings = append(r.Findings, f)
	}
	if got := digestText(t, r); !strings.Contains(got, "(report.html has ") || !strings.Contains(got, "finding") {
		t.Errorf("nothing says what was cut:\n%s", got)
	}
}

// TestDigestShapes: what a digest says first of each kind of result.
func TestDigestShapes(t *testing.T) {
	mode := func(name string, n int) *result.Run {
		return sample.NewRun(sample.Spec{Mode: name, N: n, RatePer: 90_000, Spin: .1 * float64(n-1),
			Seconds: 10})
	}
	var many []*result.Run
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		many = append(many, mode(name, 1), mode(name, 2))
	}
	unsampled := sample.Sweep()
	for _, run := range unsampled.Runs {
		run.Events = nil
	}
	for name, tt := range map[string]struct {
		r    *result.Result
		want []string
	}{
		"two modes": {sample.Sweep(),
			[]string{"xfrmscope: ESP on 1, 2, 4 CPUs: one shared SA vs one SA per CPU",
				"\nSA per CPU sends 2.2 times what one shared SA sends", "shared   pcpu   diff",
				"\nWorse: ", "\nAgain: "}},
		"three modes": {sample.NewResult(mode("pcpu", 1), mode("pcpu", 2), mode("plain", 1), mode("plain", 2),
			mode("shared", 1), mode("shared", 2)), []string{"one shared SA vs one SA per CPU vs no IPsec",
			"shared   pcpu  plain"}},
		"many modes": {sample.NewResult(many...), []string{"5 modes", "mode, CPUs", "\n  e 2 "}},
		"one mode": {sample.NewResult(mode("pcpu", 1), mode("pcpu", 2)),
			[]string{"CPUs: one SA per CPU\n", "spinning [1]"}},
		"one run": {sample.One(),
			[]string{"xfrmscope: ESP on 4 CPUs: one shared SA\n",
				"\nfound: One shared SA on 4 CPUs: a packet"}},
		"no samples": {unsampled, []string{"no\n  samples were taken", "kpps"}},
		"no packets": {sample.WeightsOnly(), []string{"spinning", "spinning [1]"}},
		"comparison": {sample.Comparison(t, 6),
			[]string{"before (", "\nAfter sends 1.30 times (95 %: ", "significant"}},
		"nothing": {&result.Result{}, []string{"xfrmscope: no runs"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := digestText(t, tt.r)
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("no %q in\n%s", want, got)
				}
			}
		})
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
		if !strings.Contains(got, fmt.Sprintf("  baseline-%d 2 ", i)) {
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
