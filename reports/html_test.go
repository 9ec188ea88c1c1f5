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

	"xfrmscope/analyze"
)

// html renders twice and checks what holds for every page.
func html(t *testing.T, r *analyze.Result, o HTMLOptions) []byte {
	t.Helper()
	var b, again bytes.Buffer
	if err := HTML(&b, r, o); err != nil {
		t.Fatal(err)
	}
	if err := HTML(&again, r, o); err != nil {
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
	for name, r := range extremes(t) {
		t.Run(name, func(t *testing.T) {
			without := len(html(t, r, HTMLOptions{FlameBytes: -1}))
			page := html(t, r, HTMLOptions{})
			small, large := 1_450_000, 2_000_000
			if strings.Contains(name, "hostile") || r.Comparison != nil { // names of 200 bytes everywhere; 96 runs
				small, large = 3_200_000, 3_500_000
			}
			if without > small || len(page) > large {
				t.Errorf("%d bytes without flame graphs and %d with them, want at most %d and %d", without, len(page), small, large)
			}
			for _, svg := range svgElement.FindAll(page, -1) {
				wellFormed(t, svg)
			}
			for _, bad := range []string{"NaN", "Inf", "%!", "ZgotmplZ"} {
				text := regexp.MustCompile(`(?s)<script.*?</script>`).ReplaceAll(page, nil)
				if bytes.Contains(text, []byte(bad)) {
					t.Errorf("the page holds %q", bad)
				}
			}
		})
	}
}

func TestHTMLBudget(t *testing.T) {
	if n := len(html(t, testSweep(), HTMLOptions{FlameBytes: -1})); n > 500_000 {
		t.Errorf("a sweep is %d bytes without flame graphs, want at most 500 kB", n)
	}
	if n := len(html(t, testSweep(), HTMLOptions{Static: true, FlameBytes: -1})); n > 180_000 {
		t.Errorf("a static sweep is %d bytes without flame graphs, want at most 180 kB", n)
	}
}

// TestHTMLShowsTheFigures follows figures of the Result into the page.
func TestHTMLShowsTheFigures(t *testing.T) {
	page := string(html(t, testSweep(), HTMLOptions{}))
	for _, want := range []string{
		"pcpu and shared on 1, 2, 4 CPUs, 6 runs", "<caption>Runs.", "164" + thin + "893", "55.41", "± 0.25", "23" + thin + "776",
		"native_queued_spin_lock_slowpath", "x-&gt;lock SPI 0x1001", "any: fallback", "not measured", "no hardware counters", "tp_btf",
		"perf record -k CLOCK_MONOTONIC", strings.Repeat("0123456789abcdef", 4), "mystery_helper", "esp_output_head", "[esp4]", "Not proven",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
}

// longValues has figures as wide as they come.
func longValues() *analyze.Result {
	r := probed()
	for _, run := range r.Runs {
		run.Packets.Rate.Value, run.Locks.PerPkt.Value = 148_809_523, 1_119_149.5
		a := &run.Events[0].All
		a.PerPacket.Value, a.PerPacket.SE = 1_259_727, 13_172
	}
	return r
}

// TestHTMLGroupsWarnings: a kind is said once on the first screen, each
// warning under it.
func TestHTMLGroupsWarnings(t *testing.T) {
	page := string(html(t, probed(), HTMLOptions{Static: true, FlameBytes: -1}))
	first, rest, _ := strings.Cut(page[strings.Index(page, "These weaken"):], "<details>")
	if strings.Count(first, "<li>") != 2 || !strings.Contains(first, "changed by -20..&#43;20 % while probed") || !strings.Contains(first, "5 of 6 runs") {
		t.Errorf("the first screen says\n%s", first)
	}
	if rest, _, _ = strings.Cut(rest, "</details>"); strings.Count(rest, "<li>") != 6 || !strings.Contains(rest, "all 6 warnings") {
		t.Errorf("run by run it says\n%s", rest)
	}
}

// TestHTMLFoldsFindings keeps the figures on the first screen.
func TestHTMLFoldsFindings(t *testing.T) {
	r := testSweep()
	for range 3 {
		r.Findings = append(r.Findings, r.Findings...)
	}
	page := string(html(t, r, HTMLOptions{Static: true, FlameBytes: -1}))
	open, _, folded := strings.Cut(page[:strings.Index(page, `<section class="tiles"`)], "11 more findings")
	if n := strings.Count(open, `<li><p>`); n != 5 || !folded {
		t.Errorf("%d findings stand open, want 5", n)
	}
}

// TestHTMLKeepsHostileNamesText compares the page's tags with those of the
// same page under harmless names: a name may not add one.
func TestHTMLKeepsHostileNamesText(t *testing.T) {
	tags := func(page []byte) string {
		page = svgElement.ReplaceAll(page, nil)
		return strings.Join(regexp.MustCompile(`<(script|img|/script|/title|iframe|style|a)\b[^>]*>`).FindAllString(string(page), -1), "\n")
	}
	harmless := hostileFull()
	everyString(reflect.ValueOf(harmless), "harmless")
	for what, page := range map[string][2][]byte{
		"named by hand": {html(t, hostileResult(t), HTMLOptions{}), html(t, harmlessTwin(t), HTMLOptions{})},
		"every string":  {html(t, hostileFull(), HTMLOptions{}), html(t, harmless, HTMLOptions{})},
	} {
		if got, want := tags(page[0]), tags(page[1]); got != want {
			t.Errorf("%s: the page has the tags\n%s\nwant\n%s", what, got, want)
		}
		for _, attack := range []string{"\x1b", "\x00", "\u202e", "onerror=\"", "{{.}}\x00"} {
			if at := bytes.Index(page[0], []byte(attack)); at >= 0 {
				t.Errorf("%s: the page holds %q: %q", what, attack, page[0][max(0, at-80):at+20])
			}
		}
	}
}

// harmlessTwin is hostileResult under harmless names.
func harmlessTwin(t *testing.T) *analyze.Result {
	r := hostileResult(t)
	everyString(reflect.ValueOf(r), "harmless")
	return r
}

// TestChartOptionsAreData checks that options are JSON and that no outside
// name stands where the page's script looks for a function or a colour.
func TestChartOptionsAreData(t *testing.T) {
	r := hostileResult(t)
	for i := range r.Curves {
		r.Curves[i].Mode = "hook:tip"
	}
	for _, run := range r.Runs {
		run.Mode, run.Name = "css:--ink", "hook:short"
	}
	page := string(html(t, r, HTMLOptions{}))
	for _, m := range regexp.MustCompile(`(?s)data-chart="[\w-]+">(.*?)</script>`).FindAllStringSubmatch(page, -1) {
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
	page := string(html(t, testOne(), HTMLOptions{Static: true}))
	if strings.Contains(page, `id="echarts"`) || strings.Contains(page, `data-chart="`) {
		t.Error("a static page holds charts")
	}
}

// TestHTMLOfAThousandRuns: the page shows medians and says what it left out.
func TestHTMLOfAThousandRuns(t *testing.T) {
	var runs []*analyze.Run
	for i := range 1000 {
		s := runSpec{mode: []string{"pcpu", "shared"}[i/500], n: 1 + i%8, ratePer: 90_000 + 100*float64(i%13), spin: .1, seconds: 1, noise: i % 5}
		runs = append(runs, testRun(s))
	}
	var b bytes.Buffer
	if err := HTML(&b, testResult(runs...), HTMLOptions{}); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 2_100_000 || !strings.Contains(b.String(), "600 rows more are in results.json") || !strings.Contains(b.String(), "936 runs more are in results.json") {
		t.Errorf("the page has %d bytes, want at most 2.1 MB that say what they left out", b.Len())
	}
}

// TestHTMLShowsCPUTimes: what the kernel accounted, by CPU and by time.
func TestHTMLShowsCPUTimes(t *testing.T) {
	page := string(html(t, testFull(), HTMLOptions{Static: true, FlameBytes: -1}))
	for _, want := range []string{`id="time-table"`, ">softirq", ">steal", "what the kernel accounted to the CPUs, over time"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	if strings.Contains(string(html(t, testSweep(), HTMLOptions{Static: true, FlameBytes: -1})), `id="time-table"`) {
		t.Error("a table of times that were not read")
	}
}

// TestFastHistogram: shares, so that runs of other lengths can be laid over each
// other; without one CPU the run alone.
func TestFastHistogram(t *testing.T) {
	got := string(fastHistogram([]uint64{0, 0, 8, 0, 2}, []uint64{0, 300, 100}))
	for _, want := range []string{
		`aria-label="2.0 ns to 5.7 ns; on one CPU 1.4 ns to 2.8 ns"`, // halves of powers of two
		"1.4 ns to 2.0 ns: 75 % on one CPU", "2.0 ns to 2.8 ns: 25 % on one CPU", "2.0 ns to 2.8 ns: 80 % in this run", "4.0 ns to 5.7 ns: 20 % in this run",
		`class="busy" x="0" y="3.4" width="8" height="36.6"`, `class="word" x="11.5" y="1" width="3" height="39"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if alone := string(fastHistogram([]uint64{0, 5}, nil)); strings.Contains(alone, "busy") || !strings.Contains(alone, "100 % in this run") {
		t.Errorf("of a run alone\n%s", alone)
	}
	if fastHistogram(nil, []uint64{1}) != nil {
		t.Error("a picture of nothing")
	}
	page := string(html(t, testFull(), HTMLOptions{Static: true, FlameBytes: -1}))
	if !strings.Contains(page, `id="fast-table"`) || strings.Contains(string(html(t, testSweep(), HTMLOptions{Static: true, FlameBytes: -1})), `id="fast-table"`) {
		t.Error("the table is not where acquisitions were timed, or is where they were not")
	}
}

// TestHTMLShowsWhatIsCollected: what an SA was set up as and where it stood, the
// longest bucket, how even the CPUs were, softirqs.
func TestHTMLShowsWhatIsCollected(t *testing.T) {
	page := string(html(t, testFull(), HTMLOptions{Static: true, FlameBytes: -1}))
	for _, want := range []string{
		"replay window 4096, esn, encap udp 4500 4500, offload crypto eth0", "sequence 12" + thin + "345" + thin + "678, last used 08:53:20 UTC",
		"perturbed: counted while packets/s differed by -3.1 % from those beside the find probe", "The SAs were read within the windows", "longest 9", "evenness of packets/s, pcpu N=8", "98" + thin + "% (Jain: 100 % if all CPUs send alike, 12 % if one sends all)", "NET_RX",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
}
