package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"xfrmscope/analyze"
)

// TestPageCarriesItsResults: what is read from a page is what was written, but
// for the profiles and the functions of single CPUs.
func TestPageCarriesItsResults(t *testing.T) {
	for name, r := range map[string]*analyze.Result{"sweep": testSweep(), "hostile": hostileResult(t), "nothing": withoutAnything(), "no runs": {Schema: analyze.SchemaVersion}} {
		t.Run(name, func(t *testing.T) {
			r.Schema = analyze.SchemaVersion
			got, err := ReadHTML(bytes.NewReader(html(t, r, HTMLOptions{})))
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer // a JSON string holds no invalid UTF-8
			if err := writeJSON(&b, r); err != nil {
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

// withoutCPUs is a result without what a page leaves out first.
func withoutCPUs(r *analyze.Result) []byte {
	for _, run := range present(r) {
		for _, e := range run.Events {
			for i := range e.CPUs {
				e.CPUs[i].Functions, e.CPUs[i].Stages, e.CPUs[i].SpinCallers = nil, nil, nil
			}
		}
	}
	out, _ := json.Marshal(r)
	return out
}

// resultsStart begins a page's copy of its results.
const resultsStart = `<script type="text/plain" id="results">`

// TestPageShortensLargeResults keeps the figures of whole runs.
func TestPageShortensLargeResults(t *testing.T) {
	var runs []*analyze.Run
	for i := range 200 {
		r := testRun(runSpec{mode: "shared", n: 1 + i%8, ratePer: 90_000 + float64(i), spin: .3, seconds: 10, noise: i % 5})
		runs = append(runs, r)
	}
	r := testResult(runs...)
	page := html(t, r, HTMLOptions{})
	if !strings.Contains(string(page), "leaves out functions, stages and callers of single CPUs") {
		t.Error("the page does not say what its results leave out")
	}
	got, err := ReadHTML(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for i, run := range got.Runs {
		want := r.Runs[i]
		if run.Packets.Rate.Value != want.Packets.Rate.Value || all(run).PerPacket.Value != all(want).PerPacket.Value || len(all(run).Stages) != len(all(want).Stages) {
			t.Fatalf("run %d lost figures of its own", i)
		}
	}
	if len(r.Runs[7].Events[0].CPUs[0].Functions) == 0 {
		t.Error("shortening changed the result itself")
	}
}

func TestReadRefuses(t *testing.T) {
	page := html(t, testOne(), HTMLOptions{Static: true})
	at := bytes.Index(page, []byte(resultsStart)) + len(resultsStart)
	for name, in := range map[string]string{
		"no page":   "hello",
		"cut":       string(page[:at+100]),
		"no base64": string(page[:at]) + "!!" + string(page[at:]),
		"no gzip":   string(page[:at]) + "AAAA</script>",
	} {
		if _, err := ReadHTML(strings.NewReader(in)); err == nil {
			t.Errorf("%s: read", name)
		} else if (name == "no page" || name == "cut") != errors.Is(err, ErrNoResults) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, in := range []string{"", "{", `{"schema": 99}`, `{"runs": 1}`, "null"} {
		if _, err := ReadJSON(strings.NewReader(in)); err == nil {
			t.Errorf("%q: read", in)
		}
	}
}

func FuzzReadHTML(f *testing.F) {
	f.Add([]byte(resultsStart + "H4sIAAAAAAAA/wEAAP//AAAAAAAAAAA=</script>"))
	f.Add([]byte(fmt.Sprintf("%s%s", resultsStart, "</script>")))
	f.Fuzz(func(t *testing.T, page []byte) {
		r, err := ReadHTML(bytes.NewReader(page))
		if err == nil && r.Schema != analyze.SchemaVersion {
			t.Error("a result of another schema was read")
		}
	})
}
