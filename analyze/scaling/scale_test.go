package scaling

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"xfrmscope/analyze/compare"
)

// curve makes 5 runs a point within 1 % of the rates.
func curve(name string, rates map[int]float64) Curve {
	c := Curve{Name: name, Unit: "Mpps"}
	for n, r := range rates {
		p := Point{N: n}
		for _, f := range []float64{1, 1.004, 0.996, 1.002, 0.998} {
			p.Values = append(p.Values, r*f)
		}
		c.Points = append(c.Points, p)
	}
	slices.SortFunc(c.Points, func(a, b Point) int { return a.N - b.N })
	return c
}

func TestScale(t *testing.T) {
	c := curve("pcpu", map[int]float64{1: 1, 2: 2, 4: 3.9, 8: 5})
	s := Scale(c, Options{})
	if s.Base != 1 || len(s.Rows) != 4 || len(s.Notes) != 0 {
		t.Fatalf("base %d, %d rows, notes %v, want 1, 4, none", s.Base, len(s.Rows), s.Notes)
	}
	last := s.Rows[3]
	if math.Abs(last.Speedup.Value-5) > 1e-9 || math.Abs(last.Efficiency.Value-0.625) > 1e-9 ||
		!last.Speedup.Interval.Contains(5) || last.Efficiency.Interval.Hi > 0.65 {
		t.Errorf("N=8: %+v, want speed-up 5, efficiency 0.625", last)
	}
	if s.Rows[0].Efficiency.Value != 1 || s.Rows[0].Speedup.Interval.Known() {
		t.Errorf("N=1: %+v, want the base without an interval", s.Rows[0])
	}
	if s.Knee.N != 8 || s.Knee.LastGood != 4 || s.Knee.By != "efficiency" || !s.Knee.Shown {
		t.Errorf("knee %+v, want between 4 and 8 by efficiency, shown", s.Knee)
	}
}

func TestScaleHoles(t *testing.T) {
	c := curve("pcpu", map[int]float64{2: 2, 4: 4, 8: 8})
	c.Points = append(c.Points, Point{N: 16, Values: []float64{math.NaN()}}, Point{N: 0, Values: []float64{1}},
		Point{N: 4, Values: []float64{4.01, math.Inf(1)}})
	s := Scale(c, Options{})
	var codes []compare.Code
	for _, n := range s.Notes {
		codes = append(codes, n.Code)
	}
	want := []compare.Code{compare.NotFinite, compare.NoRuns, compare.BadValue, compare.NotFinite, compare.NoBase}
	if !slices.Equal(codes, want) {
		t.Errorf("notes %v, want %v", s.Notes, want)
	}
	if s.Base != 2 || len(s.Rows) != 3 || s.Rows[1].Rate.N != 6 || math.Abs(s.Rows[2].Speedup.Value-8) > 1e-9 {
		t.Errorf("base %d, rows %+v, want 2, three rows, the 6 runs at N=4 together, 8 times at N=8",
			s.Base, s.Rows)
	}
	if s.Knee.Found() || s.Knee.Missing.Code != compare.BeyondData || s.Level.Known() {
		t.Errorf("knee %+v, plateau %+v, want neither: it rises to the end", s.Knee, s.Level)
	}
	empty := Scale(Curve{}, Options{})
	if empty.Missing == nil || empty.Knee.Found() || empty.Level.Known() {
		t.Errorf("empty curve: %+v, want everything missing", empty)
	}
}

func TestKneeByLoss(t *testing.T) {
	c := curve("pcpu", map[int]float64{1: 1, 2: 2, 3: 3})
	c.Points[1].Loss = []float64{0, 0, 0.2, 0, 0} // one run of five
	c.Points[2].Loss = []float64{0.02, 0.03, 0.02, 0.02, 0.02}
	k := Scale(c, Options{}).Knee
	if k.N != 3 || k.By != "loss" || k.LastGood != 2 || !k.Shown {
		t.Errorf("knee %+v, want at 3 by loss: the median counts", k)
	}
}

// A knee that the runs do not show says so in words.
func TestKneeNotShown(t *testing.T) {
	c := curve("pcpu", map[int]float64{1: 1, 2: 2, 4: 3.5})
	scattered := c
	scattered.Points = slices.Clone(c.Points)
	scattered.Points[2].Values = []float64{3.0, 3.3, 3.5, 3.9, 4.0}
	single := c
	single.Points = slices.Clone(c.Points)
	single.Points[2].Values = []float64{3.5}
	for _, tt := range []struct {
		name, want string
		c          Curve
		shown      bool
	}{
		{"shown", "efficiency 0.875", c, true},
		{"scattered", "efficiency 0.875 (not shown: the interval of efficiency holds 0.90)", scattered, false},
		{"one run", "efficiency 0.875 (not shown: efficiency has no interval: an interval needs 4 runs a " +
			"side, there are 5 and 1)", single, false},
	} {
		if k := Scale(tt.c, Options{}).Knee; k.N != 4 || k.Shown != tt.shown || k.Words() != tt.want {
			t.Errorf("%s: knee %+v in words %q, want %q", tt.name, k, k.Words(), tt.want)
		}
	}
}

func TestCeiling(t *testing.T) {
	plain := curve("no IPsec", map[int]float64{1: 3, 2: 6, 4: 12, 8: 22, 16: 22})
	for _, tt := range []struct {
		name    string
		rates   map[int]float64
		verdict CeilingVerdict
		reached int
	}{
		{"at it", map[int]float64{1: 3, 2: 6, 4: 12, 8: 20, 16: 21.9}, AtCeiling, 16},
		{"at it early", map[int]float64{1: 3, 2: 6, 4: 12, 8: 21.8, 16: 21.9}, AtCeiling, 1},
		{"below", map[int]float64{1: 3, 2: 6, 4: 7, 8: 7, 16: 7}, BelowCeiling, 0},
		{"collapses", map[int]float64{1: 3, 2: 6, 4: 12, 8: 9, 16: 5}, BelowCeiling, 0},
		{"on the edge", map[int]float64{1: 3, 2: 6, 4: 12, 8: 20.95, 16: 20.88}, CeilingUnclear, 0},
	} {
		k := CompareCeiling(curve(tt.name, tt.rates), plain, Options{})
		if k.Verdict != tt.verdict || k.Reached != tt.reached {
			t.Errorf("%s: %s, reached at %d, ratio %+v, want %s, %d",
				tt.name, k.Verdict, k.Reached, k.Ratio, tt.verdict, tt.reached)
		}
	}
	// One run a point has no interval, on whatever side it lies.
	single := func(rates map[int]float64) Curve {
		c := curve("single", rates)
		for i := range c.Points {
			c.Points[i].Values = c.Points[i].Values[:1]
		}
		return c
	}
	for _, last := range []float64{21.9, 7} {
		k := CompareCeiling(single(map[int]float64{1: 3, 16: last}),
			single(map[int]float64{1: 3, 8: 22, 16: 22}), Options{})
		if k.Verdict != CeilingUnclear || k.Reached != 0 || !k.Ratio.Known() || k.Ratio.Interval.Known() {
			t.Errorf("one run a point at %v: %s, reached %d, ratio %+v, want not decided",
				last, k.Verdict, k.Reached, k.Ratio)
		}
	}
	rising := curve("no IPsec", map[int]float64{1: 3, 2: 6, 4: 12})
	if k := CompareCeiling(rising, rising, Options{}); k.Verdict != CeilingUnknown ||
		k.Missing.Code != compare.BeyondData {
		t.Errorf("a ceiling that still rises: %s, %v, want not known", k.Verdict, k.Missing)
	}
	other := plain
	other.Unit = "Gbit/s"
	if k := CompareCeiling(other, plain, Options{}); k.Verdict != CeilingUnknown ||
		k.Missing.Code != compare.DifferentKey {
		t.Errorf("another unit: %s, %v, want refused", k.Verdict, k.Missing)
	}
	if k := CompareCeiling(Curve{}, Curve{}, Options{}); k.Verdict != CeilingUnknown {
		t.Errorf("no points: %s, want not known", k.Verdict)
	}
}

func TestUSLRefusals(t *testing.T) {
	three := curve("x", map[int]float64{1: 1, 2: 2, 4: 4})
	if u := FitUSL(three, Options{}); u.Known() || u.Missing.Code != compare.TooFewN {
		t.Errorf("3 distinct N: %+v, want refused", u.Missing)
	}
	limited := curve("x", map[int]float64{1: 1, 2: 1.9, 4: 3.5, 8: 6})
	limited.Points[3].Limit = "generator"
	if u := FitUSL(limited, Options{}); u.Known() || len(u.Notes) != 1 {
		t.Errorf("4 N, one limited by the generator: %+v, notes %v, want refused with a note",
			u.Missing, u.Notes)
	}
	zero := curve("x", map[int]float64{1: 1, 2: 1.9, 4: 3.5, 8: 6})
	zero.Points[0].Values[0] = 0
	if u := FitUSL(zero, Options{}); u.Known() || u.Notes[0].Code != compare.BadValue {
		t.Errorf("a run without a rate: %+v, want its N left out", u)
	}
}

func TestUSLShapes(t *testing.T) {
	linear := FitUSL(curve("x", map[int]float64{1: 1, 2: 2, 4: 4, 8: 8}), Options{})
	if !linear.Known() || linear.Peak.Missing == nil || !linear.Peak.Beyond || linear.Kappa.Value > 1e-6 {
		t.Errorf("linear: %+v, want no peak", linear)
	}
	early := FitUSL(curve("x", map[int]float64{1: 1, 2: 1.9, 4: 3.4, 8: 5.6}), Options{})
	if !early.Known() || !early.Peak.Beyond || early.Peak.N <= 8 {
		t.Errorf("measured before the peak: %+v, want a peak beyond the data", early.Peak)
	}
	falls := FitUSL(curve("x", map[int]float64{1: 4, 2: 3, 4: 2, 8: 1}), Options{})
	if !falls.Known() || falls.Peak.N != 1 || falls.Peak.Beyond {
		t.Errorf("falls from the start: %+v, want the peak at 1", falls.Peak)
	}
	same := curve("x", map[int]float64{1: 1, 2: 1.9, 4: 3.4, 8: 5.6})
	for i := range same.Points {
		same.Points[i].Values = slices.Repeat(same.Points[i].Values[:1], 5)
	}
	if u := FitUSL(same, Options{}); !u.Known() || u.Weights != "equal" || u.Kappa.Interval.Known() {
		t.Errorf("runs that do not differ: %+v, want a fit with equal weights and no interval", u)
	}
	mixed := curve("x", map[int]float64{1: 1, 2: 1.9, 4: 3.4, 8: 5.6})
	mixed.Points[2].Values = mixed.Points[2].Values[:1]
	if u := FitUSL(mixed, Options{}); !u.Known() || !u.Kappa.Interval.Known() {
		t.Errorf("one N with a single run: %+v, want a fit with intervals", u)
	}
	for _, u := range []USL{linear, early, falls} {
		if _, err := json.Marshal(u); err != nil {
			t.Error(err)
		}
	}
}

func TestFitBothRefusals(t *testing.T) {
	a := curve("a", map[int]float64{1: 1, 2: 1.9, 4: 3.4, 8: 5.6})
	b := curve("b", map[int]float64{1: 1, 2: 1.9, 3: 2.7, 6: 5})
	if c := FitBoth(a, b, Options{}); c.Missing == nil || c.Missing.Code != compare.TooFewN || !c.Before.Known() {
		t.Errorf("two N in common: %+v, want both fits and no test", c.Missing)
	}
	single := curveOf([]float64{1, 2, 4, 8}, []float64{1, 1.9, 3.4, 5.6})
	single.Unit = "Mpps"
	if c := FitBoth(single, single, Options{}); c.Missing == nil || c.Missing.Code != compare.TooFewRuns {
		t.Errorf("single runs: %+v, want no test", c.Missing)
	}
	b.Unit = "Gbit/s"
	if c := FitBoth(a, b, Options{}); c.Missing == nil || c.Missing.Code != compare.DifferentKey {
		t.Errorf("another unit: %+v, want no test", c.Missing)
	}
}
