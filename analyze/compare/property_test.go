package compare

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

func blockedNoise(rng *rand.Rand, n int, cv float64, blocks bool) Series {
	s := Series{Name: "x", Unit: "ns", Better: "lower", Values: noise(rng, n, 100, cv)}
	if blocks {
		for i := range n {
			s.Blocks = append(s.Blocks, string(rune('a'+i/2)))
		}
	}
	return s
}

func shuffled(rng *rand.Rand, s Series) Series {
	return s.runs(rng.Perm(len(s.Values)))
}

// The order of runs, the unit and which side is called before do not matter.
func TestProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 0))
	for i := range 60 {
		n, blocks := 4+rng.IntN(8), i%2 == 1
		before, after := blockedNoise(rng, n, 0.03, blocks), blockedNoise(rng, n, 0.03, blocks)
		c := Compare(before, after, Options{})
		if got := Compare(shuffled(rng, before), shuffled(rng, after), Options{}); !reflect.DeepEqual(got, c) {
			t.Fatalf("%d runs, blocks %v: shuffled runs give %+v, want %+v", n, blocks, got, c)
		}
		k := Compare(scaled(before, 1000), scaled(after, 1000), Options{})
		same(t, "p in another unit", k.Test.P, c.Test.P)
		same(t, "ratio in another unit", k.Ratio.Value, c.Ratio.Value)
		same(t, "interval in another unit", k.Ratio.Interval.Lo, c.Ratio.Interval.Lo)
		same(t, "difference in another unit", k.Difference.Value, 1000*c.Difference.Value)
		same(t, "detectable in another unit", k.Detectable.Change, c.Detectable.Change)
		r := Compare(after, before, Options{})
		same(t, "p of swapped sides", r.Test.P, c.Test.P)
		same(t, "ratio of swapped sides", r.Ratio.Value, 1/c.Ratio.Value)
		same(t, "interval of swapped sides", r.Ratio.Interval.Hi, 1/c.Ratio.Interval.Lo)
		if r.Verdict != c.Verdict {
			t.Errorf("swapped sides: %q and %q", r.Verdict, c.Verdict)
		}
	}
}

func scaled(s Series, f float64) Series {
	c := s
	c.Values = nil
	for _, v := range s.Values {
		c.Values = append(c.Values, v*f)
	}
	return c
}

func same(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// The weights of all resamples sum to 1 and the median's own place is right.
func TestMedianDistribution(t *testing.T) {
	for n := 1; n <= 60; n++ {
		x := make([]float64, n)
		for i := range x {
			x[i] = float64(i)
		}
		sum, mean := 0.0, 0.0
		for _, a := range medianDistribution(x) {
			sum += a.p
			mean += a.p * a.value
			if a.p < -1e-12 {
				t.Errorf("n=%d: weight %v of %v", n, a.p, a.value)
			}
		}
		if math.Abs(sum-1) > 1e-9 || math.Abs(mean-float64(n-1)/2) > 1e-9*float64(n) {
			t.Errorf("n=%d: weights sum to %v around %v, want 1 around %v", n, sum, mean, float64(n-1)/2)
		}
	}
}

// Whatever the values, no panic and nothing that JSON cannot hold.
func FuzzCompare(f *testing.F) {
	add := func(v ...float64) {
		var b []byte
		for _, x := range v {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
		f.Add(b, uint8(len(v)/2), true)
		f.Add(b, uint8(len(v)/2), false)
	}
	add(1, 2, 3, 4, 5, 6, 7, 8)
	add(0, 0, 0, 0, math.NaN(), math.Inf(1), -1, 1e300, 5e-324, 1e100)
	add(0, 0, 0, 0, 0, 1e-30, 1e30, 1, 1, 1)
	f.Fuzz(func(t *testing.T, data []byte, split uint8, blocks bool) {
		var v []float64
		for len(data) >= 8 && len(v) < 40 {
			v = append(v, math.Float64frombits(binary.LittleEndian.Uint64(data)))
			data = data[8:]
		}
		n := min(int(split), len(v))
		before, after := Series{Values: v[:n], SE: v[:n]}, Series{Values: v[n:], SE: v[n:]}
		if blocks {
			for i := range v {
				if i < n {
					before.Blocks = append(before.Blocks, string(rune('a'+i%3)))
				} else {
					after.Blocks = append(after.Blocks, string(rune('a'+i%2)))
				}
			}
		}
		c := Compare(before, after, Options{})
		if _, err := json.Marshal(c); err != nil {
			t.Errorf("%v: %+v", err, c)
		}
		if !(c.Test.P >= 0 && c.Test.P <= 1) {
			t.Errorf("p = %v", c.Test.P)
		}
	})
}
