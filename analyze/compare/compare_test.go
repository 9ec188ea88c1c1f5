package compare

import (
	"encoding/json"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func rates(values ...float64) Series {
	return Series{Name: "packets/s", Unit: "Mpps", Better: "higher", Values: values}
}

func TestVerdict(t *testing.T) {
	nan := math.NaN()
	ten := func(f float64) Series {
		var v []float64
		for _, x := range []float64{100, 101, 99, 100.5, 99.5, 100.2, 99.8, 101.2, 98.8, 100.1} {
			v = append(v, x*f)
		}
		return rates(v...)
	}
	lower := ten(1.2)
	lower.Better = "lower"
	lowerBefore := ten(1)
	lowerBefore.Better = "lower"
	counted := rates(300)
	counted.Counts = []uint64{300}
	for _, tt := range []struct {
		name          string
		before, after Series
		verdict       Verdict
		effect        string
		notes         []Code
	}{
		{"faster", ten(1), ten(1.2), Changed, "better", nil},
		{"slower", ten(1.2), ten(1), Changed, "worse", nil},
		{"cost grows", lowerBefore, lower, Changed, "worse", nil},
		{"the same", ten(1), ten(1), NotShown, "", nil},
		{"1.5 %", ten(1), ten(1.0152), Changed, "better", nil},
		{"less than 1 %", rates(1000, 1001, 1002, 1003), rates(1005, 1006, 1007, 1008), NotShown, "",
			[]Code{BelowMinChange}},
		{"3+3", rates(1, 1.01, 1.02), rates(2, 2.01, 2.02), TooFew, "", []Code{TooFewRuns}},
		{"1+10", rates(100), ten(2), TooFew, "", []Code{UnequalRuns, TooFewRuns}},
		{"1+1", rates(100), rates(200), SamplingOnly, "", nil},
		{"1+1 counted", rates(100), counted, SamplingOnly, "", nil},
		{"nothing before", rates(), ten(1), NoData, "", nil},
		{"only NaN after", ten(1), rates(nan, nan), NoData, "", nil},
		{"NaN among them", rates(1, nan, 1.01, 1.02, 0.99), rates(2, 2.01, math.Inf(1), 2.02, 1.99), Changed,
			"better", nil},
		{"from zero", rates(0, 0, 0, 0, 0), rates(5, 6, 5, 6, 5), Changed, "better", nil},
		{"zero stays", rates(0, 0, 0, 0), rates(0, 0, 0, 0), NotShown, "", []Code{AllEqual}},
		{"to zero", rates(5, 6, 5, 6, 5), rates(0, 0, 0, 0, 0), Changed, "worse", []Code{UnequalScale}},
		{"negative", rates(-1, -2, -1.5, -1.7), rates(1, 2, 1.5, 1.7), Changed, "better", nil},
		{"constant", rates(5, 5, 5, 5), rates(6, 6, 6, 6), Changed, "better", []Code{AllEqual}},
		{"wildly unequal scale", ten(1), ten(1e6), Changed, "better", []Code{UnequalScale}},
		{"other unit", ten(1), Series{Unit: "Gbit/s", Values: []float64{1}}, Refused, "", []Code{DifferentKey}},
	} {
		c := Compare(tt.before, tt.after, Options{})
		if c.Verdict != tt.verdict || c.Effect != tt.effect || c.Significant != (tt.verdict == Changed) {
			t.Errorf("%s: %q, effect %q, star %v, want %q, %q",
				tt.name, c.Verdict, c.Effect, c.Significant, tt.verdict, tt.effect)
		}
		if got := codes(c.Notes); !slices.Equal(got, tt.notes) {
			t.Errorf("%s: notes %v, want codes %v", tt.name, c.Notes, tt.notes)
		}
		if tt.verdict == NotShown && c.Before.SD > 0 && !(c.Detectable.Known() && c.Detectable.Change > 0) {
			t.Errorf("%s: detectable %+v, want a number beside every \"no change shown\"",
				tt.name, c.Detectable)
		}
		if _, err := json.Marshal(c); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func codes(notes []Reason) []Code {
	var out []Code
	for _, n := range notes {
		out = append(out, n.Code)
	}
	return out
}

func TestForce(t *testing.T) {
	after := rates(2, 2.01, 2.02, 2.03)
	after.Unit = "Gbit/s"
	c := Compare(rates(1, 1.01, 1.02, 1.03), after, Options{Force: true})
	if c.Verdict != Changed || !slices.Equal(codes(c.Notes), []Code{Forced}) {
		t.Errorf("%q, notes %v, want a forced comparison that says so", c.Verdict, c.Notes)
	}
}

// One hit among 50 needs 7+7 runs by Benjamini-Hochberg; with fewer the sides are handed
// out anew, so that 4+4 runs can show it.
func TestFamilyNeedsRuns(t *testing.T) {
	for _, tt := range []struct {
		runs   int
		method string
	}{{4, MethodWY}, {5, MethodWY}, {6, MethodWY}, {7, MethodBH}} {
		var pairs []Pair
		for i := range 50 {
			x := make([]float64, tt.runs)
			y := make([]float64, tt.runs)
			for j := range x {
				x[j], y[j] = 100+float64((i+j)%3), 100+float64((i+j+1)%3)
			}
			pairs = append(pairs, Pair{Series{Values: x}, Series{Values: y}})
		}
		f := CompareFamily("functions", pairs, Options{})
		d := f.Comparisons[0].Detectable
		if !d.Known() || f.Needed != 0.05/50 || f.Tested != 50 || f.Method != tt.method {
			t.Errorf("%d+%d runs: detectable %+v, needed %v of %d by %s, want a number by %s",
				tt.runs, tt.runs, d, f.Needed, f.Tested, f.Method, tt.method)
		}
		for j, v := range pairs[7].After.Values { // one that changed for sure
			pairs[7].After.Values[j] = 2*v + float64(j)/100
		}
		f = CompareFamily("functions", pairs, Options{})
		if c := f.Comparisons[7]; !c.Significant || f.Significant != 1 {
			t.Errorf("%d+%d runs: doubled, q %v, %d stars", tt.runs, tt.runs, *c.Q, f.Significant)
		}
	}
}

func TestPText(t *testing.T) {
	for p, want := range map[float64]string{0: "<.001", 0.0004: "<.001", 0.001: "0.001", 0.0285: "0.029",
		1: "1.000", math.NaN(): "-", 1.5: "-"} {
		if got := PText(p); got != want {
			t.Errorf("PText(%v) = %q, want %q", p, got, want)
		}
	}
}

// TestGolden holds the shape of what reports read.
func TestGolden(t *testing.T) {
	before := rates(0.294, 0.295, 0.293, 0.294, 0.296, 0.293, 0.294, 0.295, 0.292, 0.294)
	after := rates(0.325, 0.327, 0.324, 0.326, 0.325, 0.326, 0.328, 0.325, 0.326, 0.324)
	few := rates(1, 1.02, 0.99, 1.01, 0.98)
	named := func(s Series, name string) Series { s.Name = name; return s }
	f := CompareFamily("Mpps by N", []Pair{
		{named(before, "1 CPU"), named(after, "1 CPU")},
		{named(few, "2 CPUs"), named(few, "2 CPUs")},
		{named(rates(1), "4 CPUs"), named(rates(2), "4 CPUs")},
	}, Options{})
	checkGolden(t, "testdata/family.json", f)
}

// checkGolden compares JSON with its numbers rounded to nine digits: other
// machines may round the last ones differently.
func checkGolden(t *testing.T, path string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(rounded(tree), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs; got\n%s", path, got)
	}
}

func rounded(v any) any {
	switch v := v.(type) {
	case float64:
		return json.Number(strconv.FormatFloat(v, 'g', 9, 64))
	case []any:
		for i := range v {
			v[i] = rounded(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = rounded(v[k])
		}
	}
	return v
}

// What vanished after has an upper bound: that of no sample.
func TestSamplingOfNothing(t *testing.T) {
	before := Series{Unit: "ns/packet", Values: []float64{100}, Counts: []uint64{400}}
	after := Series{Unit: "ns/packet", Values: []float64{0}, Counts: []uint64{0}, PerCount: []float64{0.5}}
	ratio, _ := Sampling(before, after, Options{})
	// poisson.test(0, conf.level = .95)$conf.int[2] is 3.689; 3.689 x 0.5 of 100, and before's own error.
	if i := ratio.Interval; ratio.Value != 0 || !i.Known() || i.Lo != 0 || i.Hi < 0.01844 || i.Hi > 0.0190 {
		t.Errorf("ratio %+v, want 0 to 0.0185", ratio)
	}
	after.PerCount = nil
	if ratio, _ := Sampling(before, after, Options{}); ratio.Interval.Known() {
		t.Errorf("ratio %+v without what a count is worth", ratio)
	}
}

func TestNthSmallest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		x := make([]float64, 1+rng.IntN(40))
		for i := range x {
			x[i] = float64(rng.IntN(12)) // with ties
		}
		want := slices.Sorted(slices.Values(x))
		for k := range x {
			if got := smallest(slices.Clone(x), k); got != want[k] {
				t.Fatalf("smallest(%v, %d) = %v, want %v", x, k, got, want[k])
			}
		}
	}
}

func TestMayHaveGap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	with, without := 0, 0
	for range 20_000 {
		x := make([]float64, 6+rng.IntN(60))
		for i := range x {
			x[i] = rng.NormFloat64() + 8*float64(rng.IntN(2))*rng.Float64()
		}
		may := map[float64]bool{}
		shares := []float64{0.35, 0.5, 0.9}
		for _, s := range shares {
			may[s] = mayHaveGap(x, slices.Min(x), slices.Max(x), s)
		}
		slices.Sort(x)
		_, share := widestGap(x)
		if share >= 0.35 {
			shares = append(shares, share)
			may[share] = mayHaveGap(x, slices.Min(x), slices.Max(x), share)
		}
		for _, s := range shares {
			switch {
			case share >= s && !may[s]:
				t.Fatalf("%v has a gap of %v, not seen for %v", x, share, s)
			case share >= s:
				with++
			case !may[s]:
				without++
			}
		}
	}
	if with < 100 || without < 10_000 {
		t.Errorf("%d with a gap, %d without: nothing was tested", with, without)
	}
}

// Rows that are one and the same cost nothing; a row alone has the p of a permutation
// test: of 4 + 4 runs apart, 2 of 70 ways.
func TestStepDown(t *testing.T) {
	row := Pair{Series{Values: []float64{1, 2, 3, 4}}, Series{Values: []float64{7, 8, 9, 10}}}
	still := Pair{Series{Values: []float64{5, 5, 5, 5}}, Series{Values: []float64{5, 5, 5, 5}}}
	for _, pairs := range [][]Pair{{row}, {row, row, row}, {still, row}} {
		p := StepDown(pairs)
		if got := p[len(p)-1]; math.Abs(got-2.0/70) > 1e-12 {
			t.Errorf("%d rows: p %v, want 2/70", len(pairs), p)
		}
	}
	if p := StepDown([]Pair{still, row}); p[0] != 1 {
		t.Errorf("what stood still has p %v", p[0])
	}
}
