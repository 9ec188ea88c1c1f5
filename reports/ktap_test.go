package reports

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"xfrmscope/analyze/result"
	"xfrmscope/analyze/sides"
	"xfrmscope/reports/digest"
	"xfrmscope/reports/testdata/sample"
)

// The comparison of the sample, for a CI that reads KTAP; one line has a hostile name.
func TestKTAP(t *testing.T) {
	sample.Golden(t, "compare.ktap", []byte(ktap(t, sample.Comparison(t, 6))))
	r := sample.Comparison(t, 6)
	r.Comparison.Headline[0].Mode = "a # SKIP\nnot ok 1 \x1b[31m"
	if got := ktap(t, r); !strings.Contains(got, `a \x23 SKIP`) {
		t.Errorf("a hostile name is not escaped:\n%s", got)
	}
}

var ktapLine = regexp.MustCompile(`^(ok|not ok) ([0-9]+) [^#[:cntrl:]]+ # (SKIP )?[^#[:cntrl:]]+$`)

// ktap checks the grammar of what it returns.
func ktap(t *testing.T, r *result.Result) string {
	t.Helper()
	for _, text := range []string{"packet_rate<-1%", "cost_per_packet>1%", "mpkc>1%"} {
		c, err := sides.ParseCondition(text)
		if err != nil {
			t.Fatal(err)
		}
		r.Comparison.Judgements = append(r.Comparison.Judgements, c.Judge(r)...)
	}
	var b bytes.Buffer
	if err := digest.WriteKTAP(&b, r); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if lines[0] != "KTAP version 1" || lines[1] != fmt.Sprintf("1..%d", len(lines)-2) {
		t.Errorf("it begins %q", lines[:2])
	}
	for i, line := range lines[2:] {
		if m := ktapLine.FindStringSubmatch(line); m == nil || m[2] != fmt.Sprint(i+1) {
			t.Errorf("line %d is no KTAP: %q", i+1, line)
		}
	}
	return b.String()
}
