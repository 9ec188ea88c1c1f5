package reports

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/chart"
	"xfrmscope/reports/format"
	"xfrmscope/reports/page"
	"xfrmscope/reports/testdata/sample"
)

// html renders twice and checks what holds for every page.
func html(t *testing.T, r *result.Result, o page.Options) []byte {
	t.Helper()
	var b, again bytes.Buffer
	if err := page.Write(&b, r, o); err != nil {
		t.Fatal(err)
	}
	if err := page.Write(&again, r, o); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("a second render differs")
	}
	return b.Bytes()
}

func sortedKeysOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

var svgElement = regexp.MustCompile(`(?s)<svg.*?</svg>`)

func TestHTMLOfExtremes(t *testing.T) {
	for name, r := range sample.Extremes(t) {
		t.Run(name, func(t *testing.T) {
			without := len(html(t, r, page.Options{FlameBytes: -1}))
			doc := html(t, r, page.Options{})
			small, large := 1_450_000, 2_000_000
			// names of 200 bytes everywhere; 96 runs
			if strings.Contains(name, "hostile") || r.Comparison != nil {
				small, large = 3_200_000, 3_500_000
			}
			if without > small || len(doc) > large {
				t.Errorf("%d bytes without flame graphs and %d with them, want at most %d and %d",
					without, len(doc), small, large)
			}
			for _, svg := range svgElement.FindAll(doc, -1) {
				sample.WellFormed(t, svg)
			}
			for _, bad := range []string{"NaN", "Inf", "%!", "ZgotmplZ"} {
				text := regexp.MustCompile(`(?s)<script.*?</script>`).ReplaceAll(doc, nil)
				if bytes.Contains(text, []byte(bad)) {
					t.Errorf("the page holds %q", bad)
				}
			}
		})
	}
}

func TestHTMLBudget(t *testing.T) {
	if n := len(html(t, sample.Sweep(), page.Options{FlameBytes: -1})); n > 500_000 {
		t.Errorf("a sweep is %d bytes without flame graphs, want at most 500 kB", n)
	}
	if n := len(html(t, sample.Sweep(), page.Options{Static: true, FlameBytes: -1})); n > 180_000 {
		t.Errorf("a static sweep is %d bytes without flame graphs, want at most 180 kB", n)
	}
}

// TestHTMLShowsTheFigures follows figures of the Result into the page.
func TestHTMLShowsTheFigures(t *testing.T) {
	doc := string(html(t, sample.Sweep(), page.Options{}))
	for _, want := range []string{
		"pcpu and shared on 1, 2, 4 CPUs, 6 runs", "<caption>Runs.", "164" + format.Thin + "893", "55.41",
		"± 0.25", "23" + format.Thin + "776",
		"native_queued_spin_lock_slowpath", "x-&gt;lock SPI 0x1001", "any: fallback", "not measured",
		"no hardware counters", "tp_btf",
		"perf record -k CLOCK_MONOTONIC", strings.Repeat("0123456789abcdef", 4), "mystery_helper",
		"esp_output_head", "[esp4]", "Not proven",
	} {
		if !strings.Contains(doc, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
}

// TestHTMLGroupsWarnings: a kind is said once and numbered, each warning under it,
// and the number that it weakens carries its mark.
func TestHTMLGroupsWarnings(t *testing.T) {
	doc := string(html(t, sample.Probed(), page.Options{Static: true, FlameBytes: -1}))
	first, rest, _ := strings.Cut(doc[strings.Index(doc, `<section id="caveats"`):], "<details>")
	if strings.Count(first, "<li id=") != 2 || !strings.Contains(first, "changed by -20..&#43;20 % while probed") ||
		!strings.Contains(first, "5 of 6 runs") {
		t.Errorf("the first screen says\n%s", first)
	}
	if rest, _, _ = strings.Cut(rest, "</details>"); strings.Count(rest, "<li>") != 6 || !strings.Contains(rest,
		"all 6 warnings") {
		t.Errorf("run by run it says\n%s", rest)
	}
	for _, at := range []string{"caveat-1", "caveat-2"} {
		if !strings.Contains(doc, `<a href="#`+at+`">`) || !strings.Contains(doc, `id="`+at+`"`) {
			t.Errorf("nothing is marked with %s", at)
		}
	}
}

// TestHTMLFoldsFindings keeps the figures on the first screen.
func TestHTMLFoldsFindings(t *testing.T) {
	r := sample.Sweep()
	for range 3 {
		r.Findings = append(r.Findings, r.Findings...)
	}
	doc := string(html(t, r, page.Options{Static: true, FlameBytes: -1}))
	open, _, folded := strings.Cut(doc[:strings.Index(doc, `<section id="runs"`)], "11 more findings")
	if n := strings.Count(open, `<li><p>`); n != 5 || !folded {
		t.Errorf("%d findings stand open, want 5", n)
	}
}

// TestHTMLKeepsHostileNamesText compares the page's tags with those of the
// same page under harmless names: a name may not add one.
func TestHTMLKeepsHostileNamesText(t *testing.T) {
	tags := func(doc []byte) string {
		doc = svgElement.ReplaceAll(doc, nil)
		// Warnings of one wording are one kind: under other names there are other marks.
		doc = regexp.MustCompile(`<sup class="fn" title="[^<>]*"><a href="#caveat-\d+">\[\d+\]</a></sup>`).
			ReplaceAll(doc, nil)
		return strings.Join(regexp.MustCompile(
			`<(script|img|/script|/title|iframe|style|a)\b[^>]*>`).FindAllString(string(doc), -1), "\n")
	}
	harmless := sample.HostileFull()
	sample.EveryString(reflect.ValueOf(harmless), "harmless")
	for what, doc := range map[string][2][]byte{
		"named by hand": {html(t, sample.HostileResult(t), page.Options{}), html(t, harmlessTwin(t),
			page.Options{})},
		"every string": {html(t, sample.HostileFull(), page.Options{}), html(t, harmless, page.Options{})},
	} {
		if got, want := tags(doc[0]), tags(doc[1]); got != want {
			t.Errorf("%s: the page has the tags\n%s\nwant\n%s", what, got, want)
		}
		for _, attack := range []string{"\x1b", "\x00", "\u202e", "onerror=\"", "{{.}}\x00"} {
			if at := bytes.Index(doc[0], []byte(attack)); at >= 0 {
				t.Errorf("%s: the page holds %q: %q", what, attack, doc[0][max(0, at-80):at+20])
			}
		}
	}
}

// harmlessTwin is hostileResult under harmless names.
func harmlessTwin(t *testing.T) *result.Result {
	r := sample.HostileResult(t)
	sample.EveryString(reflect.ValueOf(r), "harmless")
	return r
}

// TestChartOptionsAreData checks that options are JSON and that no outside
// name stands where the page's script looks for a function or a colour.
func TestChartOptionsAreData(t *testing.T) {
	r := sample.HostileResult(t)
	for i := range r.Curves {
		r.Curves[i].Mode = "hook:tip"
	}
	for _, run := range r.Runs {
		run.Mode, run.Name = "css:--ink", "hook:short"
	}
	doc := string(html(t, r, page.Options{}))
	for _, m := range regexp.MustCompile(`(?s)data-chart="[\w-]+">(.*?)</script>`).FindAllStringSubmatch(doc, -1) {
		var options map[string]any
		if err := json.Unmarshal([]byte(m[1]), &options); err != nil {
			t.Fatal(err)
		}
		walkOptions(t, "", options)
	}
}

func walkOptions(t *testing.T, key string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			walkOptions(t, k, x)
		}
	case []any:
		for _, x := range v {
			walkOptions(t, key, x)
		}
	case string:
		if key == "formatter" && v != "hook:tip" && v != "hook:short" {
			t.Errorf("formatter is %q", v)
		}
		if key == "color" && !strings.HasPrefix(v, "css:--") && !strings.HasPrefix(v, "#") {
			t.Errorf("color is %q", v)
		}
		if strings.Contains(v, "__f__") && key != "name" && key != "data" {
			t.Errorf("%s is %q", key, v)
		}
	}
}

func TestHTMLStaticHoldsNoLibrary(t *testing.T) {
	doc := string(html(t, sample.One(), page.Options{Static: true}))
	if strings.Contains(doc, `id="echarts"`) || strings.Contains(doc, `data-chart="`) {
		t.Error("a static page holds charts")
	}
}

// TestHTMLOfAThousandRuns: the page shows medians and says what it left out.
func TestHTMLOfAThousandRuns(t *testing.T) {
	var runs []*result.Run
	for i := range 1000 {
		s := sample.Spec{Mode: []string{"pcpu", "shared"}[i/500], N: 1 + i%8, RatePer: 90_000 +
			100*float64(i%13), Spin: .1, Seconds: 1, Noise: i % 5}
		runs = append(runs, sample.NewRun(s))
	}
	var b bytes.Buffer
	if err := page.Write(&b, sample.NewResult(runs...), page.Options{}); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 2_100_000 || !strings.Contains(b.String(), "600 rows more are in results.json") ||
		!strings.Contains(b.String(), "936 runs more are in results.json") {
		t.Errorf("the page has %d bytes, want at most 2.1 MB that say what they left out", b.Len())
	}
}

// TestHTMLShowsCPUTimes: what the kernel accounted, by CPU and by time.
func TestHTMLShowsCPUTimes(t *testing.T) {
	doc := string(html(t, sample.Full(), page.Options{Static: true, FlameBytes: -1}))
	for _, want := range []string{`id="time-table"`, ">softirq", ">steal",
		"what the kernel accounted to the CPUs, over time"} {
		if !strings.Contains(doc, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	if strings.Contains(string(html(t, sample.Sweep(), page.Options{Static: true, FlameBytes: -1})),
		`id="time-table"`) {
		t.Error("a table of times that were not read")
	}
}

// TestFastHistogram: shares, so that runs of other lengths can be laid over each
// other; without one CPU the run alone.
func TestFastHistogram(t *testing.T) {
	got := string(chart.FastHistogram([]uint64{0, 0, 8, 0, 2}, []uint64{0, 300, 100}))
	for _, want := range []string{
		`aria-label="2.0 ns to 5.7 ns; on one CPU 1.4 ns to 2.8 ns"`, // halves of powers of two
		"1.4 ns to 2.0 ns: 75 % on one CPU", "2.0 ns to 2.8 ns: 25 % on one CPU",
		"2.0 ns to 2.8 ns: 80 % in this run", "4.0 ns to 5.7 ns: 20 % in this run",
		`class="busy" x="0" y="3.4" width="8" height="36.6"`,
		`class="word" x="11.5" y="1" width="3" height="39"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if alone := string(chart.FastHistogram([]uint64{0, 5}, nil)); strings.Contains(alone, "busy") ||
		!strings.Contains(alone, "100 % in this run") {
		t.Errorf("of a run alone\n%s", alone)
	}
	if chart.FastHistogram(nil, []uint64{1}) != nil {
		t.Error("a picture of nothing")
	}
	doc := string(html(t, sample.Full(), page.Options{Static: true, FlameBytes: -1}))
	if !strings.Contains(doc, `id="fast-table"`) ||
		strings.Contains(string(html(t, sample.Sweep(), page.Options{Static: true, FlameBytes: -1})),
			`id="fast-table"`) {
		t.Error("the table is not where acquisitions were timed, or is where they were not")
	}
}

// TestHTMLShowsWhatIsCollected: what an SA was set up as and where it stood, the
// longest bucket, how even the CPUs were, softirqs.
func TestHTMLShowsWhatIsCollected(t *testing.T) {
	doc := string(html(t, sample.Full(), page.Options{Static: true, FlameBytes: -1}))
	for _, want := range []string{
		"replay window 4096, esn, encap udp 4500 4500, offload crypto eth0", "sequence 12" + format.Thin +
			"345" + format.Thin + "678, last used 08:53:20 UTC",
		"perturbed: counted while packets/s differed by -3.1 % from those beside the find probe",
		"The SAs were read within the windows", "longest 9", "evenness of packets/s, pcpu N=8",
		"98" + format.Thin + "% (Jain: 100 % if all CPUs send alike, 12 % if one sends all)", "NET_RX",
	} {
		if !strings.Contains(doc, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
}
