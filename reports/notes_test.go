package reports

import (
	"bytes"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/testdata/sample"
	"xfrmscope/reports/view"
)

func TestNotesAreGrouped(t *testing.T) {
	got := view.Warnings(sample.Probed()).Kinds()
	if len(got) != 2 || got[0].Text != "lock waits: packets/s changed by -20..+20 % while probed" ||
		got[0].RunsText(6) != "5 of 6 runs" || got[1].RunsText(6) != "shared N=1" {
		t.Errorf("warnings are %+v", got)
	}
	not := view.Gaps(sample.Probed()).ByCause()
	if not[0].Text != "cache misses, instructions: no hardware counters" || not[0].RunsText(6) != "all 6 runs" {
		t.Errorf("gaps are %+v", not)
	}
	text := digestText(t, sample.Probed())
	for _, want := range []string{"packets/s changed by -20..+20 % (4 of 6 runs)"} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("the digest does not say %q:\n%s", want, text)
		}
	}
}

// TestPartialIsSaidOnce: analyses warn of a partial run, too.
func TestPartialIsSaidOnce(t *testing.T) {
	r := sample.WithoutAnything()
	r.Runs[0].Warnings = []bundle.Warning{{Weakens: "run", Text: "the run is partial: interrupted"}}
	if got := view.Warnings(r); len(got) != 1 {
		t.Errorf("warnings are %+v", got)
	}
}

// TestFiguresOfResults: results of before warnings had figures give the same text, and those of somebody who
// made them up say no more than the warnings do.
func TestFiguresOfResults(t *testing.T) {
	r := sample.Probed()
	r.Schema = result.SchemaVersion
	var b bytes.Buffer
	if err := WriteJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	written := b.String()
	const field = `"form":"packets/s changed by {} % while probed","figures":["-20"]`
	if !strings.Contains(written, field) {
		t.Fatalf("no warning has the figures %s", field)
	}
	read := func(text string) *result.Result {
		got, err := ReadJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	old := regexp.MustCompile(`,("form":"[^"]*",)?"figures":\[[^\]]*\]`).ReplaceAllString(written, "")
	if strings.Contains(old, "figures") || !reflect.DeepEqual(read(old), read(written)) {
		t.Errorf("%s\nis another result than\n%s", old, written)
	}
	for _, made := range []string{`"form":"{}{}{}","figures":[]`,
		`"form":"{}","figures":["7"]`,
		`"form":"packets/s changed by {} % while probed","figures":["-21"]`,
		`"form":"lost {}","figures":["1","",""]`} {
		notes := view.Warnings(read(strings.ReplaceAll(written, field, made))).Kinds()
		if len(notes) != 3 || notes[0].Text != "lock waits: packets/s changed by -20 % while probed" {
			t.Errorf("with %s the warnings are %+v", made, notes)
		}
	}
}
