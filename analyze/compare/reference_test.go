package compare

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// A refCase is one line of testdata/reference.out, which reference.R printed.
type refCase struct {
	name   string
	fields map[string][]float64
}

func reference(t *testing.T, kind string) []refCase {
	t.Helper()
	text, err := os.ReadFile("testdata/reference.out")
	if err != nil {
		t.Fatal(err)
	}
	var out []refCase
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if f[0] != kind {
			continue
		}
		c := refCase{f[1], map[string][]float64{}}
		for _, field := range f[2:] {
			key, values, _ := strings.Cut(field, "=")
			for _, v := range strings.Fields(values) {
				x, err := strconv.ParseFloat(v, 64)
				if err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				c.fields[key] = append(c.fields[key], x)
			}
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		t.Fatalf("no case of kind %s in testdata/reference.out", kind)
	}
	return out
}

func near(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if math.IsNaN(got) && math.IsNaN(want) {
		return
	}
	if !(math.Abs(got-want) <= relative*math.Max(math.Abs(want), 1e-12)) {
		t.Errorf("%s = %.15g, R gives %.15g", what, got, want)
	}
}

func TestUTestReference(t *testing.T) {
	for _, c := range reference(t, "utest") {
		before, after := c.fields["before"], c.fields["after"]
		near(t, c.name, UTest(before, after).P, c.fields["p"][0], 1e-9)
		one := func(n int) []string { return make([]string, n) }
		b := Series{Values: before, Blocks: one(len(before))}
		a := Series{Values: after, Blocks: one(len(after))}
		got, _ := BlockTest(b, a)
		near(t, c.name+", as one block", got.P, c.fields["p"][0], 1e-9)
	}
}

// benchmath doubles the smaller tail; the block test adds up both. With ties
// these differ.
func TestTiesReference(t *testing.T) {
	for _, c := range reference(t, "ties") {
		before, after := c.fields["before"], c.fields["after"]
		near(t, c.name, UTest(before, after).P, c.fields["doubled"][0], 1e-9)
		dist, observed := []float64(nil), 0
		ranks := doubleRanks(append(append([]float64{}, before...), after...))
		for _, r := range ranks[len(before):] {
			observed += r
		}
		dist = sumDistribution(ranks, len(after))
		p, _ := twoSided(dist, observed)
		near(t, c.name+", both tails", p, c.fields["both"][0], 1e-9)
	}
}

func TestBlockTestReference(t *testing.T) {
	for _, c := range reference(t, "blocks") {
		var side [2]Series
		for i, v := range c.fields["value"] {
			s := &side[int(c.fields["side"][i])]
			s.Values = append(s.Values, v)
			s.Blocks = append(s.Blocks, fmt.Sprint(c.fields["block"][i]))
		}
		got, left := BlockTest(side[0], side[1])
		near(t, c.name, got.P, c.fields["p"][0], 1e-9)
		if left != nil {
			t.Errorf("%s: %v, want no block left out", c.name, left)
		}
	}
}

func TestBenjaminiHochbergReference(t *testing.T) {
	for _, c := range reference(t, "bh") {
		for i, q := range BenjaminiHochberg(c.fields["p"]) {
			near(t, fmt.Sprintf("%s: q[%d]", c.name, i), q, c.fields["q"][i], 1e-9)
		}
	}
}

func TestMedianIntervalReference(t *testing.T) {
	for _, c := range reference(t, "median") {
		n, k := int(c.fields["runs"][0]), int(c.fields["order"][0])
		x := make([]float64, n)
		for i := range x {
			x[i] = float64(i + 1)
		}
		got := Summarize(Series{Values: x}, Options{}).Interval
		near(t, c.name+" runs: level", got.Level, c.fields["level"][0], 1e-9)
		if got.Lo != float64(k) || got.Hi != float64(n+1-k) {
			t.Errorf("%s runs: from run %v to %v, want %d to %d", c.name, got.Lo, got.Hi, k, n+1-k)
		}
	}
}

func TestRatioReference(t *testing.T) {
	for _, c := range reference(t, "bootstrap") {
		got := Ratio(Series{Values: c.fields["before"]}, Series{Values: c.fields["after"]}, Options{})
		near(t, c.name+": ratio", got.Value, c.fields["ratio"][0], 1e-9)
		near(t, c.name+": lo", got.Interval.Lo, c.fields["interval"][0], 1e-9)
		near(t, c.name+": hi", got.Interval.Hi, c.fields["interval"][1], 1e-9)
	}
}

func TestPoissonReference(t *testing.T) {
	for _, c := range reference(t, "poisson") {
		b, a := uint64(c.fields["before"][0]), uint64(c.fields["after"][0])
		got, want := PoissonRatio(b, a, 0.95), c.fields["interval"]
		near(t, c.name+": lo", got.Lo, want[0], 1e-6)
		if got.OpenHi != math.IsInf(want[1], 1) {
			t.Errorf("%s: open %v, R gives %v", c.name, got.OpenHi, want[1])
		} else if !got.OpenHi {
			near(t, c.name+": hi", got.Hi, want[1], 1e-6)
		}
	}
}

func TestShiftReference(t *testing.T) {
	d := newDetector(DefaultSeed)
	for _, c := range reference(t, "power") {
		n1, n2 := int(c.fields["runs"][0]), int(c.fields["runs"][1])
		_, level, _ := criticalU(n1, n2, 0.05)
		near(t, c.name+": level", level, c.fields["level"][0], 1e-9)
		got, _ := d.shift(n1, n2, 0.05, 0.8)
		near(t, c.name+": shift", got, c.fields["shift"][0], 0.03) // both are simulations
	}
}
