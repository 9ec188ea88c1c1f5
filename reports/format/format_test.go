package format

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
		{"größe \xff\u202e", 20, `gr\u00f6\u00dfe ??`},
		{"東京", 20, `\u6771\u4eac`},
		{"much too long", 8, "much t.."},
		{"abc", 2, "ab"},
		{"abc", 0, ""},
	} {
		if got := ASCII(tt.in, tt.limit); got != tt.want {
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
		if got := Name(in); got != want {
			t.Errorf("name(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	got := Wrap("one two three fourteen-letters x", "- ", "  ", 12)
	want := []string{"- one two", "  three", "  fourteen..", "  x"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("wrap = %q, want %q", got, want)
	}
	if got := Wrap("is 12 % of it", "", "", 8); strings.Join(got, "|") != "is 12 %|of it" {
		t.Errorf("wrap parts a number from its sign: %q", got)
	}
	if got := Wrap("", "- ", "  ", 12); len(got) != 0 {
		t.Errorf("wrap of nothing = %q", got)
	}
}

func TestNumbers(t *testing.T) {
	for got, want := range map[string]string{
		Decimals(1234567.891, 1):      "1 234 567.9",
		Decimals(-0.001, 1):           "0.0",
		Decimals(math.NaN(), 1):       "n/a",
		Decimals(9999, 0):             "9999",
		Decimals(-12345, 0):           "-12 345",
		Significant(0.00123456, 3):    "0.00123",
		Significant(123456, 3):        "123 456",
		Significant(math.Inf(1), 3):   "n/a",
		Short(999.4):                  "999",
		Short(999.6):                  "1.00 k",
		Short(364_100):                "364 k",
		Short(1.234e15):               "1234 T",
		AxisNumber(20_000):            "20 k",
		AxisNumber(2500):              "2.5 k",
		AxisNumber(0):                 "0",
		Weight(39.2e9, "nanoseconds"): "39.2 s",
		Weight(1.5e6, "nanoseconds"):  "1.50 ms",
		Weight(1.5e9, "cycles"):       "1.50 G cycles",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A column says as Of does what is at most known, in its unit.
func TestColumnsAtMost(t *testing.T) {
	share := metric.Value{ID: metric.LockWordID, Value: .001, SE: .001, Unit: "ratio"}
	nearly := metric.Value{ID: metric.ShareID, Unit: "ratio", Value: 2000 / 2001., SE: 1 / 2001., Samples: 2000}
	cut := metric.Value{ID: metric.LineShareID, Unit: "ratio", Value: 0.75, SE: 0.25, Low: 0.26, High: 1}
	cost := metric.Value{ID: metric.CostID, Value: -3, SE: 1000, Unit: "ns/packet"}
	for _, tt := range [][2]string{
		{Column(share, 2), "<=0.57"}, {ShareColumn(share), "<=0.57"},
		{ShareColumn(cut), "75 [26..100]"}, {ShareColumn(nearly), "99.95 [99.72..99.99]"},
		{CostColumn(cost), "<=1957"}, {Kilo(cost), "<=2.0"}, {ErrorText(cost), "<= 1957"},
		{Pretty(Of(cost).Value), "≤\u202f1957"},
	} {
		if tt[0] != tt[1] {
			t.Errorf("got %q, want %q", tt[0], tt[1])
		}
	}
}

func TestFigureOf(t *testing.T) {
	gap := bundle.Gap{Why: "no PMU"}
	for _, tt := range []struct {
		v    metric.Value
		want string
	}{
		{metric.Value{Value: .5541, SE: .0025, Unit: "ratio"}, "55.41 +- 0.49 %"},
		{metric.Value{Value: 23776.4, SE: 120.2, Unit: "ns/packet"}, "23 776 +- 236 ns/packet"},
		{metric.Value{Value: 270094, Unit: "waits"}, "270 094 waits"},
		{metric.Value{Value: 9.97812, Unit: "ns/packet"}, "9.978 ns/packet"},
		{metric.NotMeasured("x", "ratio", gap), "not measured"},
		// all but changes cannot be negative
		{metric.Value{ID: metric.BounceID, Value: -12.5, SE: 20, Unit: "ns/packet"}, "<= 27 ns/packet"},
		{metric.Value{ID: metric.BounceID, Value: -50, SE: 20, Unit: "ns/packet"}, "<= 0 ns/packet"},
		{metric.Value{ID: metric.BounceID, Value: 40, SE: 20, Unit: "ns/packet"}, "40 +- 39 ns/packet"},
		{metric.Value{ID: metric.SpinID, Value: .001, SE: .001, Unit: "ratio", Samples: 1}, "<= 0.56 %"},
		{metric.Value{ID: metric.SpinID, Value: .5, SE: .35, Unit: "ratio", Samples: 1}, "50 [9.6..90] %"},
		{metric.Value{ID: metric.SpinID, Value: .5, SE: .6, Unit: "ratio", Samples: 1}, "<= 100 %"},
		{metric.Value{ID: metric.SpinID, Unit: "ratio"}, "0 %"},
		{metric.Value{ID: metric.WaitsID, Value: 2, Low: -1, High: 5, Unit: "waits"}, "<= 5.0 waits"},
		{metric.Value{ID: metric.CostID, Value: 3, SE: 4, Unit: "ns/packet", Doubt: "x"}, "<= 11! ns/packet"},
		{metric.Value{ID: metric.EffectID, Value: -.01, SE: .02, Unit: "ratio"}, "-1.0 +- 3.9 %"},
		{metric.Value{ID: metric.EffectID, Value: -.01, SE: .02, DF: 1, Unit: "ratio"}, "-1 +- 25 %"},
	} {
		if got := Of(tt.v).String(); got != tt.want {
			t.Errorf("figureOf(%+v) = %q, want %q", tt.v, got, tt.want)
		}
	}
}
