package reports

import (
	"math"
	"strings"
	"testing"

	"xfrmscope/analyze/metric"
	"xfrmscope/collect/bundle"
)

func TestASCII(t *testing.T) {
	for _, tt := range []struct {
		in    string
		limit int
		want  string
	}{
		{"plain", 10, "plain"},
		{"a\tb\nc", 10, "a b c"},
		{"\x1b[31mred\x00", 20, "?[31mred?"},
		{"größe \xff\u202e", 20, "gr??e ??"},
		{"much too long", 8, "much t.."},
		{"abc", 2, "ab"},
		{"abc", 0, ""},
	} {
		if got := ascii(tt.in, tt.limit); got != tt.want {
			t.Errorf("ascii(%q, %d) = %q, want %q", tt.in, tt.limit, got, tt.want)
		}
	}
}

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"naïve":                   "naïve",
		"a\u202eb\u200bc\u2028d":  "a\ufffdb\ufffdc\ufffdd",
		"\x00\x1b\x7f\u0085":      "\ufffd\ufffd\ufffd\ufffd",
		"bad \xff":                "bad \ufffd",
		"line\nbreak":             "line break",
		strings.Repeat("x", 200):  strings.Repeat("x", 160) + "…",
		"\ufffe\uffff \U0001f600": "\ufffd\ufffd \U0001f600",
	} {
		if got := name(in); got != want {
			t.Errorf("name(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	got := wrap("one two three fourteen-letters x", "- ", "  ", 12)
	want := []string{"- one two", "  three", "  fourteen..", "  x"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("wrap = %q, want %q", got, want)
	}
	if got := wrap("is 12 % of it", "", "", 8); strings.Join(got, "|") != "is 12 %|of it" {
		t.Errorf("wrap parts a number from its sign: %q", got)
	}
	if got := wrap("", "- ", "  ", 12); len(got) != 0 {
		t.Errorf("wrap of nothing = %q", got)
	}
}

func TestNumbers(t *testing.T) {
	for got, want := range map[string]string{
		decimals(1234567.891, 1):      "1 234 567.9",
		decimals(-0.001, 1):           "0.0",
		decimals(math.NaN(), 1):       "n/a",
		decimals(9999, 0):             "9999",
		decimals(-12345, 0):           "-12 345",
		significant(0.00123456, 3):    "0.00123",
		significant(123456, 3):        "123 456",
		significant(math.Inf(1), 3):   "n/a",
		short(999.4):                  "999",
		short(999.6):                  "1.00 k",
		short(364_100):                "364 k",
		short(1.234e15):               "1234 T",
		axisNumber(20_000):            "20 k",
		axisNumber(2500):              "2.5 k",
		axisNumber(0):                 "0",
		weight(39.2e9, "nanoseconds"): "39.2 s",
		weight(1.5e6, "nanoseconds"):  "1.50 ms",
		weight(1.5e9, "cycles"):       "1.50 G cycles",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestFigureOf(t *testing.T) {
	gap := bundle.Gap{Why: "no PMU"}
	for _, tt := range []struct {
		v    metric.Value
		want string
	}{
		{metric.Value{Value: .5541, SE: .0025, Unit: "ratio"}, "55.41 +- 0.25 %"},
		{metric.Value{Value: 23776.4, SE: 120.2, Unit: "ns/packet"}, "23 776 +- 120 ns/packet"},
		{metric.Value{Value: 270094, Unit: "waits"}, "270 094 waits"},
		{metric.Value{Value: 9.97812, Unit: "ns/packet"}, "9.978 ns/packet"},
		{metric.NotMeasured("x", "ratio", gap), "not measured"},
	} {
		if got := figureOf(tt.v).String(); got != tt.want {
			t.Errorf("figureOf(%+v) = %q, want %q", tt.v, got, tt.want)
		}
	}
}

func TestShellLine(t *testing.T) {
	got := shellLine([]string{"perf", "record", "-e", "{cycles:k}:S", "it's", "", "-C0-3"})
	if want := `perf record -e '{cycles:k}:S' 'it'\''s' '' -C0-3`; got != want {
		t.Errorf("shellLine = %s, want %s", got, want)
	}
}

func TestTicks(t *testing.T) {
	for _, top := range []float64{.003, 1, 7, 54.6, 99, 100, 365_600, 1e12} {
		got := ticks(top, 5)
		if last := got[len(got)-1]; last < top*(1-1e-9) || last > 2.1*top || len(got) > 8 || len(got) < 3 {
			t.Errorf("ticks(%g) = %v", top, got)
		}
	}
	for _, top := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if got := ticks(top, 5); len(got) != 2 {
			t.Errorf("ticks(%g) = %v", top, got)
		}
	}
}

func TestPick(t *testing.T) {
	for _, tt := range []struct {
		n, limit int
		want     []int
	}{{0, 4, nil}, {3, 4, []int{0, 1, 2}}, {10, 4, []int{0, 3, 6, 9}}, {5, 1, []int{0}}, {64, 2, []int{0, 63}}} {
		got := pick(tt.n, tt.limit)
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
	v := metric.Value{Value: 259727, Unit: "ns/packet", SE: 3100, Samples: 9, Doubt: "sum cost-per-packet is broken"}
	if c := valueCell(v); c.Text != pretty("259 727!") || !c.Warn || c.Title != v.Doubt {
		t.Errorf("cell %+v", c)
	}
	share := metric.Value{Value: 0.5541, Unit: "ratio", SE: 0.0025, Doubt: v.Doubt}
	for got, want := range map[string]string{
		figureOf(v).String(): "259 727! +- 3100 ns/packet", costCell(v): "259 727! +-1.2%", plainCost(v): "259 727!", kilo(v): "259.7!",
		percentCell(share): "55.4! +-0.25", wordCell(share): "55!", plainPercent(share): "55.41!",
		figureOf(metric.Value{Value: 5000, Low: 5000, High: 5100.5, Unit: "packets/s"}).String():   "5000..5100 packets/s",
		figureOf(metric.Value{Value: 5000, Low: 5000, High: 5000.001, Unit: "packets/s"}).String(): "5000 packets/s",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
