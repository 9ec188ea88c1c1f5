package reports

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	pprof "github.com/google/pprof/profile"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
	"xfrmscope/reports/testdata/sample"
	"xfrmscope/reports/view"
)

// TestOneNumberEverywhere follows figures of one run through every artefact: a
// reader who meets a number twice meets the same number.
func TestOneNumberEverywhere(t *testing.T) {
	dir, r := t.TempDir(), sample.Sweep()
	if _, err := WriteDir(dir, r); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string { return string(mustRead(t, filepath.Join(dir, name))) }
	doc := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(read("report.html"), "")
	mail, table, csv, bench := read("digest.txt"), read("commit-table.txt"), read("results.csv"),
		read("benchfmt.txt")
	var back result.Result
	if err := json.Unmarshal([]byte(read("results.json")), &back); err != nil {
		t.Fatal(err)
	}
	run, got := r.Runs[5], back.Runs[5]
	a, b := view.AllCPUs(run), view.AllCPUs(got)
	for _, f := range []struct {
		name          string
		want, json    metric.Value
		digest, table string
		bench         string
	}{
		{"rate", run.Packets.Rate, got.Packets.Rate, "164.9", "164.9", "packets/s"},
		{"cost", a.PerPacket, b.PerPacket, "23.8k", "23.8k", "ns/packet"},
		{"spin", a.SpinShare, b.SpinShare, "55.4%", "55.4%", "spin-ratio"},
		{"lock word", a.LockWordShare, b.LockWordShare, "", "", "lockword-ratio"},
		{"wait", run.Locks.PerPkt, got.Locks.PerPkt, "", "", "lock-wait-ns/packet"},
		{"waits", run.Locks.Waits, got.Locks.Waits, "", "", "lock-waits"},
		{"stage", a.Stages[1].Share, b.Stages[1].Share, "", "", "ratio"},
		{"stage cost", a.Stages[1].PerPacket, b.Stages[1].PerPacket, "", "", "ns/packet"},
		{"function", a.Functions[1].Share, b.Functions[1].Share, "", "", ""},
		{"CPU", run.Events[0].CPUs[2].SpinShare, got.Events[0].CPUs[2].SpinShare, "", "",
			"spin-ratio"},
	} {
		if f.want.Value != f.json.Value || f.want.SE != f.json.SE {
			t.Errorf("%s: results.json has %v +- %v, want %v +- %v", f.name, f.json.Value, f.json.SE,
				f.want.Value, f.want.SE)
		}
		for where, text := range map[string][2]string{
			"report.html":      {doc, format.Pretty(format.Of(f.want).Value)},
			"digest.txt":       {mail, f.digest},
			"commit-table.txt": {table, f.table},
			"results.csv":      {csv, "," + format.Exact(f.want.Value) + ","},
			"benchfmt.txt":     {bench, " " + format.Exact(f.want.Value) + " " + f.bench},
		} {
			if where == "benchfmt.txt" && f.bench == "" {
				continue
			}
			if !strings.Contains(text[0], text[1]) {
				t.Errorf("%s: %s does not hold %q", f.name, where, text[1])
			}
		}
	}
	if got := pprofSpinShare(t, filepath.Join(dir, "shared-n4-cpu-clock.pb.gz"), a.Busy.Period); math.Abs(got-
		a.SpinShare.Value) > 1e-12 {
		t.Errorf("the pprof profile has a spin share of %v, want %v", got, a.SpinShare.Value)
	}
}

// pprofSpinShare sums the weight of samples whose leaf is the slow path.
func pprofSpinShare(t *testing.T, path string, busy float64) float64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := pprof.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	sum, weight := 0.0, len(p.SampleType)-1
	for _, s := range p.Sample {
		if s.Location[0].Line[0].Function.Name == "native_queued_spin_lock_slowpath" {
			sum += float64(s.Value[weight])
		}
	}
	return sum / busy
}

// TestOneComparisonEverywhere follows figures of a comparison through every
// artefact.
func TestOneComparisonEverywhere(t *testing.T) {
	dir, r := t.TempDir(), sample.Comparison(t, 6)
	if _, err := WriteDir(dir, r); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string { return string(mustRead(t, filepath.Join(dir, name))) }
	doc := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(read("report.html"), "")
	back, err := ReadHTML(strings.NewReader(read("report.html")))
	if err != nil {
		t.Fatal(err)
	}
	fromFile, err := ReadJSON(strings.NewReader(read("results.json")))
	if err != nil {
		t.Fatal(err)
	}
	mail, table, csv := read("digest.txt"), read("commit-table.txt"), read("results.csv")
	c := r.Comparison
	for i, h := range c.Headline {
		for what, x := range map[string]*result.Comparison{"report.html": back.Comparison,
			"results.json": fromFile.Comparison} {
			if got := x.Headline[i].C; got.Ratio.Value != h.C.Ratio.Value ||
				got.After.Median != h.C.After.Median || got.Significant != h.C.Significant {
				t.Errorf("headline %d: %s carries %+v", i, what, got.Ratio)
			}
		}
		if want := format.Sentence(format.Pretty(format.ChangeText(h.C))); !strings.Contains(doc,
			strings.ReplaceAll(want, "+", "&#43;")) {
			t.Errorf("the page does not show %q", want)
		}
	}
	// The N=8 row of the shared SA: rate before and after, and its change.
	row := c.Rates[0].Family.Comparisons[len(c.Rates[0].Family.Comparisons)-1]
	for where, want := range map[string][]string{
		mail: {format.Significant(row.Before.Median/1e3, 4), format.Significant(row.After.Median/1e3, 4),
			"+30%"},
		table: {format.Significant(row.Before.Median/1e3, 4), format.Significant(row.After.Median/1e3, 4),
			"+30%"},
		doc: {format.Pretty(format.Significant(row.Before.Median, 4)),
			format.Pretty(format.Significant(row.After.Median, 4))},
	} {
		for _, w := range want {
			if !strings.Contains(where, w) {
				t.Errorf("no %q in\n%.1500s", w, where)
			}
		}
	}
	// The same figures, run by run, in the CSV: the medians are made of them.
	for _, run := range r.Runs {
		if run.Mode == "shared" && run.N == 8 && !strings.Contains(csv,
			","+format.Exact(run.Packets.Rate.Value)+",") {
			t.Errorf("results.csv does not have the rate of %s %s", run.Side, run.Name)
		}
	}
}
