package view

import (
	"slices"
	"strings"
	"testing"

	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports/format"
)

func TestPick(t *testing.T) {
	for _, tt := range []struct {
		n, limit int
		want     []int
	}{{0, 4, nil}, {3, 4, []int{0, 1, 2}}, {10, 4, []int{0, 3, 6, 9}}, {5, 1, []int{0}}, {64, 2, []int{0, 63}}} {
		got := Pick(tt.n, tt.limit)
		if len(got) != len(tt.want) {
			t.Errorf("pick(%d, %d) = %v, want %v", tt.n, tt.limit, got, tt.want)
			continue
		}
		for i := range got {
			if got[i] != tt.want[i] {
				t.Errorf("pick(%d, %d) = %v, want %v", tt.n, tt.limit, got, tt.want)
			}
		}
	}
}

// A number in doubt is marked wherever it stands, and says why; a range stands
// in the place of its number.
func TestDoubtAndRange(t *testing.T) {
	v := metric.Value{Value: 259727, Unit: "ns/packet", SE: 3100, Samples: 9,
		Doubt: "fails cross-check cost-per-packet"}
	if c := ValueCell(v); c.Text != format.Pretty("259 727!") || !c.Warn || c.Title != v.Doubt {
		t.Errorf("cell %+v", c)
	}
	share := metric.Value{Value: 0.5541, Unit: "ratio", SE: 0.0025, Doubt: v.Doubt}
	for got, want := range map[string]string{
		format.Of(v).String(): "259 727! +- 6076 ns/packet", format.CostColumn(v): "259 727! +-2.3%",
		format.Column(v, 4): "259 727!", format.Kilo(v): "259.7!",
		format.ShareColumn(share): "55.4! +-0.49", format.Column(share, 2): "55!",
		format.Of(metric.Value{Value: 5000, Low: 5000, High: 5100.5,
			Unit: "packets/s"}).String(): "5000..5100 packets/s",
		format.Of(metric.Value{Value: 5000, Low: 5000, High: 5000.001,
			Unit: "packets/s"}).String(): "5000 packets/s",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestRanges(t *testing.T) {
	read := func(texts ...string) (n Notes) { // as of an older bundle
		for _, text := range texts {
			list := []bundle.Warning{{Text: text}}
			bundle.LegacyWarnings(list)
			n = append(n, note{Warning: list[0]})
		}
		return n
	}
	for _, tt := range []struct {
		texts []string
		want  string
	}{
		{[]string{"changed by +46 %", "changed by -19 %", "changed by -6 %"}, "changed by -19..+46 %"},
		{[]string{"95 % of it (CPU 0: 95 %): late", "70 % of it (CPU 1: 68.5 %): late"},
			"70..95 % of it (CPU 0..1: 68.5..95 %): late"},
		{[]string{"the same 3", "the same 3"}, "the same 3"},
		{[]string{"no number"}, "no number"},
	} {
		if got := read(tt.texts...).Kinds(); len(got) != 1 || got[0].Text != tt.want {
			t.Errorf("%q are %+v, want %q", tt.texts, got, tt.want)
		}
	}
	for _, pair := range [][2]string{{"CPUs 0-1", "CPUs 0-3"}, {"L1 lost", "L2 lost"}, {"1 lost", "1 lost of 2"},
		{"+ 1", "- 1"}} {
		if got := read(pair[:]...).Kinds(); len(got) != 2 {
			t.Errorf("%q and %q are taken for one form", pair[0], pair[1])
		}
	}
	// A name that imitates a form.
	if got := read("a 1 b", "a {} b", "a {} 3", "a 2 b").Kinds(); len(got) != 3 || got[0].Text != "a 1..2 b" {
		t.Errorf("%+v", got)
	}
}

// The repeats of a point of a traffic generator are one row, in Gbit/s.
func TestRunsTableOfPoints(t *testing.T) {
	r := &result.Result{}
	for i, gbits := range []float64{10, 30, 20, 5} {
		run := &result.Run{Name: "run", Mode: "pcpu", N: 1 + i/3, Factor: "flows", Traffic: &result.Traffic{
			Throughput: metric.Value{ID: metric.ThroughputID, Unit: "bit/s", Value: gbits * 1e9},
			Loss:       metric.Value{ID: metric.LossID, Unit: "ratio", Value: gbits / 100}}}
		run.Packets.Rate = metric.NotMeasured(metric.RateID, "packets/s",
			bundle.Gap{What: "packets", Why: "none"})
		r.Runs = append(r.Runs, run)
	}
	table := RunsTable(r)
	var got []string
	for _, row := range table.Rows {
		var cells []string
		for _, c := range row {
			cells = append(cells, c.Text)
		}
		got = append(got, strings.Join(cells, " "))
	}
	want := []string{"pcpu 1 3 20.00 10.00 30.00 20.00 30.00", "pcpu 2 1 5.000 5.000 5.000 5.000 5.000"}
	if !slices.Equal(got, want) || table.Head[3].Unit != "Gbit/s" || table.Head[1].Text != "flows" ||
		!strings.Contains(table.Note, "Not measured: packets") {
		t.Errorf("head %v\nrows %q\nnote %q, want\n%q", table.Head, got, table.Note, want)
	}
}

// What could have been shown of losses is not said of rates.
func TestCouldHaveShownByMetric(t *testing.T) {
	rates := func(id string, change float64) result.CompareFamily {
		return result.CompareFamily{Family: compare.Family{Detectable: change,
			Comparisons: []compare.Comparison{{Metric: id}}}}
	}
	got := CouldHaveShown(&result.Comparison{Rates: []result.CompareFamily{rates(metric.ThroughputID, 0.01),
		rates(metric.LossID, 3)}})
	if want := "1.0 % in throughput, 300 % in loss"; !strings.HasSuffix(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Of what a simulated machine counted no table tells a number of samples.
func TestCountedRunsHaveNoSamples(t *testing.T) {
	all := result.CPU{CPU: -1, Busy: metric.Estimate{Samples: 7, Period: 70},
		SpinShare: metric.Value{Unit: "ratio"}}
	run := func(event string) *result.Run {
		return &result.Run{Name: "a", N: 1, Events: []*result.Event{{Name: event, Unit: "cycles", All: all,
			CPUs: []result.CPU{all}}}}
	}
	heads := func(name string) (heads []string) {
		runs := []*result.Run{run(name)}
		for _, table := range []Table{RunsTable(&result.Result{Runs: runs}), CPUsTable(runs)} {
			for _, h := range table.Head {
				heads = append(heads, h.Text)
			}
		}
		return heads
	}
	for _, head := range []string{"n", "samples", "busy"} {
		if !slices.Contains(heads("cycles"), head) || slices.Contains(heads(bundle.SimPrefix+"cycles"), head) {
			t.Errorf("%s: %q, %q", head, heads("cycles"), heads(bundle.SimPrefix+"cycles"))
		}
	}
	share := metric.Value{Unit: "ratio", Value: 0.046, Samples: 1}
	if got := format.ValueText(share); strings.Contains(got, "n =") {
		t.Errorf("a share that was counted is of samples: %s", got)
	}
}
