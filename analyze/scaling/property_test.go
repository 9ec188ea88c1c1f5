package scaling

import (
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func same(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-6*math.Max(1e-3, math.Abs(want))) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func rescaled(c Curve, rng *rand.Rand, f float64) Curve {
	out := Curve{Name: c.Name, Unit: "other"}
	for _, i := range rng.Perm(len(c.Points)) {
		p := Point{N: c.Points[i].N}
		for _, j := range rng.Perm(len(c.Points[i].Values)) {
			p.Values = append(p.Values, c.Points[i].Values[j]*f)
		}
		out.Points = append(out.Points, p)
	}
	return out
}

// Neither the order of points and runs nor the unit matters.
func TestUSLProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(51, 0))
	for range 20 {
		c := sweep(rng, truth(), []int{1, 2, 4, 8, 16}, 1+rng.IntN(5), 0.02, 0.3)
		u := FitUSL(c, Options{Resamples: 100})
		if got := FitUSL(rescaled(c, rng, 1), Options{Resamples: 100}); !reflect.DeepEqual(got, u) {
			t.Fatalf("another order: %+v, want %+v", got, u)
		}
		k := FitUSL(rescaled(c, rng, 1000), Options{Resamples: 100})
		same(t, "gamma in another unit", k.Gamma.Value, 1000*u.Gamma.Value)
		same(t, "sigma in another unit", k.Sigma.Value, u.Sigma.Value)
		same(t, "kappa in another unit", k.Kappa.Value, u.Kappa.Value)
		same(t, "kappa's interval in another unit", k.Kappa.Interval.Hi, u.Kappa.Interval.Hi)
		same(t, "rms in another unit", k.RMS, 1000*u.RMS)
	}
}

func TestCostProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(52, 0))
	costs := table(rng, []int{1, 2, 4, 8}, 5, map[string]float64{"a": 0, "b": 0.8, "c": -0.3}, 2)
	var moved []Costs
	for _, i := range rng.Perm(len(costs)) {
		c := Costs{N: costs[i].N}
		for _, j := range rng.Perm(len(costs[i].Runs)) {
			run := map[string]float64{}
			for k, v := range costs[i].Runs[j] {
				run[k] = v * 1024
			}
			c.Runs = append(c.Runs, run)
			c.Totals = append(c.Totals, costs[i].Totals[j]*1024)
			c.Resolution = append(c.Resolution, costs[i].Resolution[j]*1024)
		}
		moved = append(moved, c)
	}
	a, b := Breakdowns(costs, "ns", Options{}), Breakdowns(moved, "ns", Options{})
	for i := range a {
		for j := range a[i].Rows {
			same(t, a[i].Rows[j].Key+" in another unit and order",
				b[i].Rows[j].Delta.Value, 1024*a[i].Rows[j].Delta.Value)
			same(t, a[i].Rows[j].Key+": share", *b[i].Rows[j].Share, *a[i].Rows[j].Share)
		}
	}
	f, g := Frames(costs, "ns", Options{}), Frames(moved, "ns", Options{})
	for i := range f.Rows {
		same(t, f.Rows[i].Key+": slope", g.Rows[i].Exponent.Slope.Value, f.Rows[i].Exponent.Slope.Value)
		if f.Rows[i].Stops != g.Rows[i].Stops || f.Rows[i].First.N != g.Rows[i].First.N {
			t.Errorf("%+v\nwant %+v", g.Rows[i], f.Rows[i])
		}
	}
}

// Whatever the values, no panic and nothing that JSON cannot hold.
func FuzzScaling(f *testing.F) {
	add := func(v ...float64) {
		var b []byte
		for _, x := range v {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
		f.Add(b, uint8(3))
	}
	add(1, 1.1, 1.9, 2, 2.1, 3.4, 3.5, 3.6, 5, 5.1, 5.2, 5.3, 6, 6.1, 6.2)
	add(0, 0, 0, math.NaN(), math.Inf(1), -1, 1e99, 5e-324, 1e-99, 1, 1, 1, 1, 1)
	f.Fuzz(func(t *testing.T, data []byte, runs uint8) {
		per := 1 + int(runs%5)
		var c Curve
		var costs []Costs
		var lookups []Lookup
		for n := 1; len(data) >= 8*per && n < 12; n++ {
			p, cost := Point{N: n}, Costs{N: n}
			for i := range per {
				v := math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
				p.Values = append(p.Values, v)
				p.Loss = append(p.Loss, v)
				cost.Runs = append(cost.Runs, map[string]float64{"f": v, "g": float64(n)})
				cost.Totals = append(cost.Totals, v)
				cost.Resolution = append(cost.Resolution, v)
			}
			data = data[8*per:]
			c.Points = append(c.Points, p)
			costs = append(costs, cost)
			lookups = append(lookups, Lookup{SAs: p.Values[0], NS: p.Values})
		}
		o := Options{Resamples: 20}
		out := []any{Scale(c, o), CompareCeiling(c, c, o), FitUSL(c, o), FitBoth(c, c, o),
			Frames(costs, "ns", o), FindWalk(lookups, o)}
		at := Sampled{Rate: c.Points[0].Values[0]}
		for _, b := range Breakdowns(costs, "ns", o) {
			out = append(out, b, Fall(b, at, at, "pps"))
		}
		for _, v := range out {
			if _, err := json.Marshal(v); err != nil {
				t.Errorf("%T: %v: %+v", v, err, v)
			}
		}
	})
}

// TestGolden holds the shape of what reports read.
func TestGolden(t *testing.T) {
	c := curve("pcpu", map[int]float64{1: 1, 2: 1.9, 4: 3.4, 8: 5, 16: 5.1})
	plain := curve("no IPsec", map[int]float64{1: 1.2, 2: 2.4, 4: 4.8, 8: 5.2, 16: 5.2})
	costs := table(rand.New(rand.NewPCG(53, 0)), []int{1, 2, 4, 8}, 4, map[string]float64{"a": 0, "b": 0.8}, 2)
	bill := Breakdowns(costs, "ns/packet", Options{})[2]
	checkGolden(t, "testdata/scaling.json", map[string]any{
		"scale": Scale(c, Options{}), "ceiling": CompareCeiling(c, plain, Options{}),
		"usl":  FitUSL(c, Options{}),
		"both": FitBoth(c, plain, Options{Resamples: 200}), "bill": bill,
		"fall":   Fall(bill, Sampled{Rate: 1}, Sampled{Rate: 5}, "Mpps"),
		"frames": Frames(costs, "ns/packet", Options{}),
		"walk": FindWalk([]Lookup{{1, []float64{80, 81}}, {10, []float64{95, 96}},
			{100, []float64{230, 233}}}, Options{}),
	})
}

// checkGolden compares JSON with its numbers rounded to nine digits: other
// machines may round the last ones differently.
func checkGolden(t *testing.T, path string, v any) {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skipf("the golden figures are amd64's: %s may fuse multiply and add, so an eighth digit, or a tie "+
			"of resamples, differs", runtime.GOARCH)
	}
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

func BenchmarkFitUSL(b *testing.B) {
	c := sweep(rand.New(rand.NewPCG(54, 0)), truth(), []int{1, 2, 4, 8, 16}, 5, 0.02, 0)
	d, _ := fitData(c)
	b.Run("one fit", func(b *testing.B) {
		for b.Loop() {
			d.fit(truth())
		}
	})
	b.Run("with intervals", func(b *testing.B) {
		for b.Loop() {
			FitUSL(c, Options{})
		}
	})
}

// sixteenRuns is the cost of many frames at 8 N, 2 runs each.
func sixteenRuns(frames int) []Costs {
	rng := rand.New(rand.NewPCG(55, 0))
	var costs []Costs
	for n := 1; n <= 8; n++ {
		c := Costs{N: n}
		for range 2 {
			run := map[string]float64{}
			for k := range frames {
				run[fmt.Sprint("f", k)] = 1e4 / float64(k+1) * math.Pow(float64(n),
					float64(k%400)/400) * math.Exp(0.02*rng.NormFloat64())
			}
			c.Runs = append(c.Runs, run)
		}
		costs = append(costs, c)
	}
	return costs
}

func BenchmarkFrames(b *testing.B) {
	costs := sixteenRuns(100_000)
	for b.Loop() {
		Frames(costs, "ns/packet", Options{})
	}
}

func BenchmarkBreakdowns(b *testing.B) {
	costs := sixteenRuns(5_000)
	for b.Loop() {
		Breakdowns(costs, "ns/packet", Options{})
	}
}
