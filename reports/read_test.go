package reports

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/page"
	"xfrmscope/reports/testdata/sample"
	"xfrmscope/reports/view"
)

// TestPageCarriesItsResults: what is read from a page is what was written, but
// for the profiles and the functions of single CPUs.
func TestPageCarriesItsResults(t *testing.T) {
	for name, r := range map[string]*result.Result{"sweep": sample.Sweep(), "hostile": sample.HostileResult(t),
		"nothing": sample.WithoutAnything(), "no runs": {Schema: result.SchemaVersion}} {
		t.Run(name, func(t *testing.T) {
			r.Schema = result.SchemaVersion
			got, err := ReadHTML(bytes.NewReader(html(t, r, page.Options{})))
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer // a JSON string holds no invalid UTF-8
			if err := WriteJSON(&b, r); err != nil {
				t.Fatal(err)
			}
			fromFile, err := ReadJSON(&b)
			if err != nil {
				t.Fatal(err)
			}
			want := withoutCPUs(fromFile)
			if back := withoutCPUs(got); !bytes.Equal(back, want) {
				t.Errorf("read\n%.300s\nwant\n%.300s", back, want)
			}
		})
	}
}

// TestJSONRunByRun: written run by run, a line each, it is what encoding/json makes of the whole.
func TestJSONRunByRun(t *testing.T) {
	for name, r := range map[string]*result.Result{
		"sweep": sample.Sweep(), "hostile": sample.HostileResult(t), "nothing": sample.WithoutAnything(),
		"no runs": {}, "a run that is none": {Runs: []*result.Run{nil, {}}},
	} {
		want, err := json.MarshalIndent(r, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		var written, got bytes.Buffer
		if err := cmp.Or(WriteJSON(&written, r), json.Indent(&got, written.Bytes(), "", " ")); err != nil ||
			got.String() != string(want)+"\n" {
			t.Errorf("%s: %v\n%.300s\nwant\n%.300s", name, err, got.Bytes(), want)
		}
		for _, run := range r.Runs {
			line, err := json.Marshal(run)
			if err != nil || !bytes.Contains(written.Bytes(), append([]byte("\n  "), line...)) {
				t.Errorf("%s: %v: no line\n%.300s", name, err, line)
			}
		}
	}
}

// withoutCPUs is a result without what a page leaves out first.
func withoutCPUs(r *result.Result) []byte {
	for _, run := range result.RunsPresent(r) {
		for _, e := range run.Events {
			for i := range e.CPUs {
				e.CPUs[i].Functions, e.CPUs[i].Stages, e.CPUs[i].SpinCallers = nil, nil, nil
			}
		}
	}
	out, _ := json.Marshal(r)
	return out
}

// earlierStart began it in pages of earlier versions, which are read, too.
const earlierStart = `<script type="text/plain" id="results">`

// resultsStart begins a page's copy of its results.
const resultsStart = `<script type="text/x-ascii85" id="results">`

// TestPageShortensLargeResults keeps the figures of whole runs.
func TestPageShortensLargeResults(t *testing.T) {
	var runs []*result.Run
	for i := range 200 {
		r := sample.NewRun(sample.Spec{Mode: "shared", N: 1 + i%8, RatePer: 90_000 + float64(i), Spin: .3,
			Seconds: 10, Noise: i % 5})
		runs = append(runs, r)
	}
	r := sample.NewResult(runs...)
	doc := html(t, r, page.Options{})
	if !strings.Contains(string(doc), "leaves out functions, stages and callers of single CPUs") {
		t.Error("the page does not say what its results leave out")
	}
	got, err := ReadHTML(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	for i, run := range got.Runs {
		want := r.Runs[i]
		if run.Packets.Rate.Value != want.Packets.Rate.Value ||
			view.AllCPUs(run).PerPacket.Value != view.AllCPUs(want).PerPacket.Value ||
			len(view.AllCPUs(run).Stages) != len(view.AllCPUs(want).Stages) {
			t.Fatalf("run %d lost figures of its own", i)
		}
	}
	if len(r.Runs[7].Events[0].CPUs[0].Functions) == 0 {
		t.Error("shortening changed the result itself")
	}
}

func TestReadRefuses(t *testing.T) {
	doc := html(t, sample.One(), page.Options{Static: true})
	at := bytes.Index(doc, []byte(resultsStart)) + len(resultsStart)
	for name, in := range map[string]string{
		"no page":    "hello",
		"cut":        string(doc[:at+100]),
		"no ascii85": string(doc[:at]) + "~~" + string(doc[at:]),
		"no zstd":    string(doc[:at]) + "AAAA</script>",
	} {
		if _, err := ReadHTML(strings.NewReader(in)); err == nil {
			t.Errorf("%s: read", name)
		} else if (name == "no page" || name == "cut") != errors.Is(err, page.ErrNoResults) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, in := range []string{"", "{", `{"schema": 99}`, `{"runs": 1}`, "null"} {
		if _, err := ReadJSON(strings.NewReader(in)); err == nil {
			t.Errorf("%q: read", in)
		}
	}
}

func TestReadsEarlierPages(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprintf(z, `{"schema": %d, "tool": "of then"}`, result.SchemaVersion)
	z.Close()
	doc := earlierStart + base64.StdEncoding.EncodeToString(b.Bytes()) + "</script>"
	if r, err := ReadHTML(strings.NewReader(doc)); err != nil || r.Tool != "of then" {
		t.Errorf("read %+v, %v", r, err)
	}
}

func FuzzReadHTML(f *testing.F) {
	f.Add([]byte(earlierStart + "H4sIAAAAAAAA/wEAAP//AAAAAAAAAAA=</script>"))
	f.Add([]byte(fmt.Sprintf("%s%s", resultsStart, "</script>")))
	f.Fuzz(func(t *testing.T, doc []byte) {
		r, err := ReadHTML(bytes.NewReader(doc))
		if err == nil && r.Schema != result.SchemaVersion {
			t.Error("a result of another schema was read")
		}
	})
}
