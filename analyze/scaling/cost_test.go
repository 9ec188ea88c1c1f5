package scaling

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"xfrmscope/analyze/compare"
)

// table draws runs of keys that grow with N by a power; "other" is in the
// total but no key.
func table(rng *rand.Rand, ns []int, runs int, slopes map[string]float64, other float64) []Costs {
	var out []Costs
	for _, n := range ns {
		c := Costs{N: n}
		for range runs {
			run, total := map[string]float64{}, other*float64(n)
			for _, k := range []string{"a", "b", "c", "d"} {
				slope, ok := slopes[k]
				if !ok {
					continue
				}
				v := 100 * math.Pow(float64(n), slope) * math.Exp(0.02*rng.NormFloat64())
				run[k] = v
				total += v
			}
			c.Runs = append(c.Runs, run)
			c.Totals = append(c.Totals, total)
			c.Resolution = append(c.Resolution, 0.1)
		}
		out = append(out, c)
	}
	return out
}

func TestBreakdownSums(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 0))
	costs := table(rng, []int{1, 2, 8}, 5, map[string]float64{"a": 0, "b": 0.8, "c": -0.2}, 3)
	breakdowns := Breakdowns(costs, "ns/packet", Options{})
	if len(breakdowns) != 2 || breakdowns[1].N != 8 || breakdowns[1].Rows[0].Key != "b" {
		t.Fatalf("%d breakdowns, %+v, want two, b first at 8", len(breakdowns), breakdowns)
	}
	for _, b := range breakdowns {
		sum, shares := b.Unexplained.Delta.Value, *b.Unexplained.Share
		for _, r := range b.Rows {
			sum += r.Delta.Value
			shares += *r.Share
			if math.Abs(r.AtN-r.Base-r.Delta.Value) > 1e-9 {
				t.Errorf("N=%d %s: %v - %v is not %v", b.N, r.Key, r.AtN, r.Base, r.Delta.Value)
			}
		}
		if math.Abs(sum-b.Total.Delta.Value) > 1e-9 || math.Abs(shares-1) > 1e-9 {
			t.Errorf("N=%d: rows sum to %v (shares %v), total %v", b.N, sum, shares, b.Total.Delta.Value)
		}
		if want := 3 * float64(b.N-1); math.Abs(b.Unexplained.Delta.Value-want) > 1e-6 {
			t.Errorf("N=%d: unexplained %v, want %v", b.N, b.Unexplained.Delta.Value, want)
		}
		if i := b.Unexplained.Delta.Interval; i.Hi-i.Lo > 1e-9 {
			t.Errorf("N=%d: unexplained within %v to %v, want no width: every run has the same",
				b.N, i.Lo, i.Hi)
		}
	}
}

func TestBreakdownWithoutTotals(t *testing.T) {
	b := Breakdowns([]Costs{
		{N: 1, Runs: []map[string]float64{{"a": 10, "b": 5}}, SEs: []map[string]float64{{"a": 1, "b": 0.5}}},
		{N: 4, Runs: []map[string]float64{{"a": 14, "c": 2}}, SEs: []map[string]float64{{"a": 1, "c": 0.5}}},
	}, "ns/packet", Options{})[0]
	if b.Total.Delta.Value != 1 || b.Unexplained.Delta.Value != 0 || len(b.Notes) != 1 {
		t.Errorf("total %v, unexplained %v, notes %v, want 1, 0, a note",
			b.Total.Delta.Value, b.Unexplained.Delta.Value, b.Notes)
	}
	a := b.Rows[1]
	if a.Key != "a" || !a.Delta.Interval.Contains(4) || math.Abs(a.Delta.Interval.Hi-4-1.96*math.Sqrt2) > 0.01 {
		t.Errorf("row %+v, want a, 4 +- 1.96 sqrt(2): sampling error of single runs", a)
	}
	if b.Rows[0].Key != "b" || b.Rows[0].Delta.Value != -5 {
		t.Errorf("first row %+v, want b, gone", b.Rows[0])
	}
}

func TestBreakdownBadInput(t *testing.T) {
	costs := []Costs{
		{N: 1, Runs: []map[string]float64{{"a": 10}, {"a": math.NaN()}, {"a": -1}}},
		{N: 4, Runs: []map[string]float64{{"a": 14}}, Totals: []float64{1, 2}},
		{N: 8},
		{N: -1, Runs: []map[string]float64{{"a": 1}}},
	}
	b := Breakdowns(costs, "ns/packet", Options{})
	if len(b) != 1 || b[0].Rows[0].Delta.Value != 4 {
		t.Fatalf("%+v, want one bill of 4 from the good runs", b)
	}
	if len(b[0].Notes) != 6 { // two runs, the totals, two tables, no totals
		t.Errorf("notes %v, want 6", b[0].Notes)
	}
	if got := Breakdowns(nil, "", Options{}); got != nil {
		t.Errorf("no costs: %v, want none", got)
	}
}

// Waterfall: 16 CPUs at twice the cost a packet bring half, and the breakdown says by whom.
func TestFall(t *testing.T) {
	b := Breakdowns([]Costs{
		{N: 1, Runs: []map[string]float64{{"lock": 0, "crypto": 100}}, Totals: []float64{100}},
		{N: 16, Runs: []map[string]float64{{"lock": 80, "crypto": 100}}, Totals: []float64{200}},
	}, "ns/packet", Options{})[0]
	w := Fall(b, Sampled{0.3, 0, true}, Sampled{2.2, 0.05, true}, "Mpps")
	if math.Abs(w.Ideal-4.8) > 1e-9 || w.Rows[0].Key != "lock" || math.Abs(w.Rows[0].Rate-1.92) > 1e-9 ||
		math.Abs(w.Unexplained-0.48) > 1e-9 || math.Abs(w.NotCost-0.2) > 1e-9 {
		t.Errorf("%+v, want ideal 4.8, lock 1.92, unexplained 0.48, 0.2 not by cost", w)
	}
	if w.Idle == nil || math.Abs(*w.Idle-0.11) > 1e-9 { // a twentieth of what was sent
		t.Errorf("idle is %v, want 0.11 of the 0.2", w.Idle)
	}
	busier := Fall(b, Sampled{0.3, 0.5, true}, Sampled{2.2, 0.05, true}, "Mpps")
	if math.Abs(*busier.Idle-(0.11-0.5*4.8*100/200)) > 1e-9 {
		t.Errorf("idle is %v, want less than at the base", *busier.Idle)
	}
	sum := w.Unexplained + w.NotCost
	for _, r := range w.Rows {
		sum += r.Rate
	}
	if math.Abs(sum-(w.Ideal-w.Measured)) > 1e-9 {
		t.Errorf("rows sum to %v, missing is %v", sum, w.Ideal-w.Measured)
	}
	if w := Fall(Breakdown{N: 4}, Sampled{Rate: 1}, Sampled{Rate: 1}, "Mpps"); w.Missing == nil {
		t.Error("an empty bill: want no waterfall")
	}
}

func TestFrames(t *testing.T) {
	rng := rand.New(rand.NewPCG(42, 0))
	costs := table(rng, []int{1, 2, 4, 8}, 5, map[string]float64{"a": 0, "b": 0.8, "c": -0.3, "d": 0.02}, 0)
	for i := range costs {
		for j := range costs[i].Runs {
			costs[i].Runs[j]["tiny"] = 0.01
			costs[i].Runs[j]["late"] = 0
			if costs[i].N == 8 {
				costs[i].Runs[j]["late"] = 50 * math.Exp(0.02*rng.NormFloat64())
			}
		}
	}
	f := Frames(costs, "ns/packet", Options{})
	rows := map[string]FrameRow{}
	for _, r := range f.Rows {
		rows[r.Key] = r
	}
	if f.Small != 1 || f.Tested != 5 || f.Stops != 2 || f.Rows[0].Key != "b" {
		t.Errorf("%d small, %d tested, %d stop, first %s, want 1, 5, 2, b",
			f.Small, f.Tested, f.Stops, f.Rows[0].Key)
	}
	b := rows["b"]
	if !b.Stops || !b.Exponent.Slope.Interval.Contains(0.8) || b.First.N != 2 {
		t.Errorf("b: %+v, want exponent 0.8 and a difference from 2 on", b)
	}
	late := rows["late"]
	if !late.Stops || late.First.N != 8 || late.Exponent.Floored != 15 || late.Base != 0 {
		t.Errorf("late: %+v, want it to stop, first at 8, zero costs counted as half a sample", late)
	}
	for _, k := range []string{"a", "c", "d"} {
		if rows[k].Stops {
			t.Errorf("%s stops: %+v", k, rows[k])
		}
	}
	if !f.Total.Exponent.Slope.Known() || f.Total.Key != "total" {
		t.Errorf("total: %+v", f.Total)
	}
}

func TestFramesFewRuns(t *testing.T) {
	rng := rand.New(rand.NewPCG(43, 0))
	f := Frames(table(rng, []int{1, 2, 4, 8, 16}, 1, map[string]float64{"a": 0, "b": 0.8}, 0), "ns/packet",
		Options{})
	b := f.Rows[0]
	if b.Key != "b" || !b.Stops || b.First.N != 0 || b.First.Missing.Code != compare.TooFewRuns {
		t.Errorf("one run at 5 N: %+v, want a slope, and no first N", b)
	}
	two := Frames(table(rng, []int{1, 8}, 1, map[string]float64{"a": 0}, 0), "ns/packet", Options{})
	if two.Tested != 0 || two.Rows[0].Exponent.Slope.Missing.Code != compare.TooFewN {
		t.Errorf("one run at 2 N: %+v, want no slope", two.Rows[0])
	}
	if empty := Frames(nil, "", Options{}); len(empty.Rows) != 0 || empty.Total.Exponent.Slope.Known() {
		t.Errorf("no costs: %+v, want nothing", empty)
	}
}

func TestExponentZeros(t *testing.T) {
	costs := []Costs{
		{N: 1, Runs: []map[string]float64{{"f": 0}, {"f": 0}}},
		{N: 2, Runs: []map[string]float64{{"f": 1}, {"f": 1.1}}},
		{N: 4, Runs: []map[string]float64{{"f": 2}, {"f": 2.1}}},
	}
	e := slopeOf(costs)
	if e.Dropped != 2 || e.Floored != 0 || e.Runs != 4 || e.Ns != 2 {
		t.Errorf("resolution not known: %+v, want both zeros left out", e)
	}
	costs[0].Resolution = []float64{0.2, 0.2}
	if e := slopeOf(costs); e.Floored != 2 || e.Dropped != 0 || e.Ns != 3 {
		t.Errorf("resolution known: %+v, want both zeros taken as half a sample", e)
	}
	for i := range costs {
		costs[i].Runs = []map[string]float64{{}, {"f": -1}}
	}
	if e := slopeOf(costs); e.Slope.Missing == nil || e.Slope.Missing.Code != compare.ZeroCost {
		t.Errorf("no cost at all: %+v, want the reason", e)
	}
}

func TestWalk(t *testing.T) {
	var l []Lookup
	for _, sas := range []float64{1, 100, 1000} {
		l = append(l, Lookup{SAs: sas, NS: []float64{80 + 2*sas, 81 + 2.02*sas, 79 + 1.98*sas, math.NaN()}})
	}
	w := FindWalk(l, Options{})
	if !w.Walks || !w.PerSA.Interval.Contains(2) || math.Abs(w.Doubles-40) > 2 || w.Share < 0.95 || w.Runs != 9 ||
		w.Most != 1000 {
		t.Errorf("%+v, want 2 ns an SA, twice the time at 40 SAs", w)
	}
	if w := FindWalk(l[:2], Options{}); w.Missing == nil || w.Missing.Code != compare.TooFewN {
		t.Errorf("2 numbers of SAs: %+v, want refused", w.Missing)
	}
	for _, w := range []Walk{FindWalk(nil, Options{}), FindWalk(l, Options{})} {
		if _, err := json.Marshal(w); err != nil {
			t.Error(err)
		}
	}
}
