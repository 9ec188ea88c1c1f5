package scaling

import (
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"xfrmscope/analyze/compare"
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
	if !(math.Abs(got-want) <= relative*math.Max(math.Abs(want), 1e-9)) {
		t.Errorf("%s = %.12g, R gives %.12g", what, got, want)
	}
}

func nearInterval(t *testing.T, what string, got compare.Interval, want []float64, relative float64) {
	t.Helper()
	if !got.Known() {
		t.Errorf("%s: no interval (%s), R gives %v", what, got.Missing.Text, want)
		return
	}
	width := math.Max(1, (want[1]-want[0])/math.Abs(want[0]+1e-300))
	near(t, what+": lo", got.Lo, want[0], relative*width)
	near(t, what+": hi", got.Hi, want[1], relative*width)
}

// curveOf gathers values of the same N.
func curveOf(n, x []float64) Curve {
	c := Curve{Name: "curve", Unit: "Gbit/s"}
	for i := range n {
		c.Points = append(c.Points, Point{N: int(n[i]), Values: []float64{x[i]}})
	}
	return c
}

func costsOf(n, cost []float64) []Costs {
	var out []Costs
	for i := range n {
		out = append(out, Costs{N: int(n[i]), Runs: []map[string]float64{{"f": cost[i]}}})
	}
	return out
}

func TestUSLReference(t *testing.T) {
	for _, c := range reference(t, "usl") {
		n, x := c.fields["n"], c.fields["x"]
		d, _ := fitData(curveOf(n, x))
		if strings.HasPrefix(c.name, "weighted") {
			d.w = c.fields["w"]
		}
		theta, ok := d.fit()
		if !ok {
			t.Errorf("%s: no fit", c.name)
			continue
		}
		var u USL
		u.describe(d, theta)
		for i, p := range []Parameter{u.Gamma, u.Sigma, u.Kappa} {
			name := c.name + ": " + []string{"gamma", "sigma", "kappa"}[i]
			near(t, name, p.Value, c.fields["theta"][i], 1e-5)
			near(t, name+" standard error", *p.SE, c.fields["se"][i], 1e-5)
		}
		near(t, c.name+": peak", u.Peak.N, c.fields["peak"][0], 1e-5)
		near(t, c.name+": rms", u.RMS, c.fields["rms"][0], 1e-5)
	}
}

// The table of kernel commit 10a118619439, to one unit of the last digit that
// DESIGN section 8 gives. R agrees with more of them (TestUSLReference).
func TestUSLPublicTable(t *testing.T) {
	n := []float64{2, 4, 6, 8, 12, 16}
	for _, tt := range []struct {
		name                           string
		x                              []float64
		gamma, sigma, kappa, peak, rms float64
	}{
		{"before", []float64{32.3, 34.4, 24.5, 23.1, 18.1, 16.0}, 25.7, 0.382, 0.0902, 2.6, 1.7},
		{"after", []float64{34.4, 40.0, 38.3, 38.3, 29.9, 25.2}, 23.0, 0.271, 0.0388, 4.3, 1.0},
	} {
		u := FitUSL(curveOf(n, tt.x), Options{})
		for _, v := range []struct {
			what            string
			got, want, unit float64
		}{
			{"gamma", u.Gamma.Value, tt.gamma, 0.1}, {"sigma", u.Sigma.Value, tt.sigma, 0.001}, {"kappa",
				u.Kappa.Value, tt.kappa, 0.0001},
			{"peak", u.Peak.N, tt.peak, 0.1}, {"rms", u.RMS, tt.rms, 0.1},
		} {
			if math.Abs(v.got-v.want) > v.unit {
				t.Errorf("%s: %s = %.5f, want %v", tt.name, v.what, v.got, v.want)
			}
		}
		if u.Peak.Beyond || u.Kappa.Interval.Known() || u.Weights != "equal" {
			t.Errorf("%s: beyond %v, interval %v, weights %q, want a peak within the data, no interval "+
				"of single runs", tt.name, u.Peak.Beyond, u.Kappa.Interval, u.Weights)
		}
	}
}

// P is that of R's F test but for the weights, which F takes as known.
func TestMisfitReference(t *testing.T) {
	for _, c := range reference(t, "misfit") {
		u := FitUSL(curveOf(c.fields["n"], c.fields["x"]), Options{})
		near(t, c.name+": F", u.Misfit.F, c.fields["F"][0], 1e-5)
		if math.Abs(u.Misfit.P-c.fields["p"][0]) > 0.08 {
			t.Errorf("%s: p = %v, R's F test gives %v", c.name, u.Misfit.P, c.fields["p"][0])
		}
	}
}

func TestBoundReference(t *testing.T) {
	for _, c := range reference(t, "bound") {
		d, _ := fitData(curveOf(c.fields["n"], c.fields["x"]))
		theta, ok := d.fit()
		if !ok {
			t.Errorf("%s: no fit", c.name)
			continue
		}
		near(t, c.name+": squares", d.squares(theta), c.fields["squares"][0], 1e-6)
		for i, want := range c.fields["theta"] {
			if math.Abs(theta[i]-want) > 1e-4*math.Max(want, 1e-2) {
				t.Errorf("%s: parameter %d = %v, R gives %v", c.name, i, theta[i], want)
			}
		}
	}
}

func TestExponentReference(t *testing.T) {
	for _, c := range reference(t, "exponent") {
		var runs []CostRun
		for i, n := range c.fields["n"] {
			runs = append(runs, CostRun{N: int(n), Cost: c.fields["cost"][i]})
		}
		e := GrowthExponent(runs, Options{})
		near(t, c.name+": slope", e.Slope.Value, c.fields["slope"][0], 1e-9)
		nearInterval(t, c.name, e.Slope.Interval, c.fields["interval"], 1e-9)
		near(t, c.name+": p", e.P, c.fields["p"][0], 1e-7)
	}
}

func TestWalkReference(t *testing.T) {
	for _, c := range reference(t, "walk") {
		var lookups []Lookup
		for i, sas := range c.fields["sas"] {
			lookups = append(lookups, Lookup{SAs: sas, NS: c.fields["ns"][i : i+1]})
		}
		w := FindWalk(lookups, Options{})
		near(t, c.name+": per SA", w.PerSA.Value, c.fields["slope"][0], 1e-6)
		nearInterval(t, c.name+": per SA", w.PerSA.Interval, c.fields["interval"], 1e-6)
		near(t, c.name+": fixed", w.Fixed.Value, c.fields["fixed"][0], 1e-6)
		nearInterval(t, c.name+": fixed", w.Fixed.Interval, c.fields["fixedinterval"], 1e-6)
		near(t, c.name+": p", w.P, c.fields["p"][0], 1e-5)
	}
}

func TestWelchReference(t *testing.T) {
	for _, c := range reference(t, "welch") {
		base := costsOf(make([]float64, len(c.fields["base"])), c.fields["base"])
		at := costsOf(make([]float64, len(c.fields["at"])), c.fields["at"])
		for i := range base {
			base[i].N = 1
		}
		for i := range at {
			at[i].N = 8
		}
		b := Breakdowns(append(at, base...), "ns/packet", Options{})[0]
		near(t, c.name+": delta", b.Rows[0].Delta.Value, c.fields["delta"][0], 1e-9)
		nearInterval(t, c.name, b.Rows[0].Delta.Interval, c.fields["interval"], 1e-9)
	}
}
