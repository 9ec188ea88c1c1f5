package reports

import (
	"bytes"
	"math"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/digest"
	"xfrmscope/reports/testdata/sample"
)

const doubt = "fails cross-check cost-per-packet"

// A verdict that rests on a number in doubt says so.
func TestDoubtInVerdicts(t *testing.T) {
	r := sample.Comparison(t, 6)
	h := &r.Comparison.Headline[0]
	h.C.After.Notes = append(h.C.After.Notes, *compare.Because(compare.InDoubt, "%s", doubt))
	r.Comparison.Judgements = []result.Judgement{{Condition: "cost_per_packet>5%", CompareAt: *h,
		Outcome: result.Held}}
	var b bytes.Buffer
	if err := digest.WriteKTAP(&b, r); err != nil {
		t.Fatal(err)
	}
	lines := append(strings.Split(b.String(), "\n"), digest.Judgement(r.Comparison.Judgements[0]))
	marked := regexp.MustCompile(`[0-9] -> [0-9. ]+! [^ ]+, .*; ! after: ` + doubt + "$")
	said := 0
	for _, line := range lines {
		if marked.MatchString(line) {
			said++
		}
	}
	if said != 3 {
		t.Errorf("%d lines say it, want the headline's, the condition's and that of the text:\n%s", said,
			strings.Join(lines, "\n"))
	}
}

// A number in doubt has its mark in every list for other programs.
func TestDoubtInLists(t *testing.T) {
	r := sample.Full()
	run := r.Runs[0]
	run.Warnings = append(run.Warnings, bundle.Warning{Kind: bundle.WarnPerf, Weakens: metric.CostID})
	cost := &run.Events[0].All.PerPacket
	cost.Doubt, cost.Low, cost.High = doubt, cost.Value, 2*cost.Value
	var list, bench bytes.Buffer
	if err := CSV(&list, r); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(list.String()) {
		if got := strings.Contains(line, doubt); got != strings.Contains(line, ",loss perf-effect") {
			t.Errorf("%s", line)
		}
	}
	if err := Benchfmt(&bench, r); err != nil {
		t.Fatal(err)
	}
	marks := 0
	for read := benchfmt.NewReader(&bench, "bench"); read.Scan(); {
		res, ok := read.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		if v, ok := res.Value("in-doubt/" + cost.Unit); ok {
			marks++
			if of, _ := res.Value("sec/packet"); v != 1 || math.Abs(of*1e9-cost.Value) > 1e-6*cost.Value {
				t.Errorf("%s: %v beside %v", res.Name, v, of)
			}
		}
	}
	if marks != 1 {
		t.Errorf("%d results have the mark, want 1", marks)
	}
}
