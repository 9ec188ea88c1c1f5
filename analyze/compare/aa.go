package compare

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
)

// An AAResult is how often nothing was called something: runs of one and the
// same configuration, split at random into two sides many times, each time
// with the same split for every metric, as a real comparison has.
//
// Of runs that are exchangeable, Rate is Expected but for the drawing of
// splits: it checks the tests, ties and all. What says something about the
// machine is Drift.
type AAResult struct {
	Seed           uint64  `json:"seed"`
	Runs           int     `json:"runs"`
	Metrics        int     `json:"metrics"`
	Splits         int     `json:"splits"`
	Tests          int     `json:"tests"`
	Alarms         int     `json:"alarms"` // p below Options.Alpha
	Rate           float64 `json:"rate"`   // Alarms / Tests
	Expected       float64 `json:"expected"`
	Significant    int     `json:"stars"`   // after Benjamini-Hochberg and the smallest interesting change
	AnySignificant int     `json:"starred"` // splits with a significant change

	// Drift compares the first half of the runs in time with the second; a
	// significant change is one that the order of runs explains.
	Drift   Family  `json:"drift"`
	Missing *Reason `json:"missing,omitempty"`
}

// AASplits is the number of splits.
const AASplits = 200

// AA splits the runs of one side at random, within blocks if they have any.
// Series give one value a run for the same runs in the same order. It needs 8
// runs: two sides of MinRuns.
func AA(series []Series, seed uint64, o Options) AAResult {
	o.Seed = seed
	o = o.Defaults()
	out := AAResult{Seed: o.Seed, Metrics: len(series)}
	if len(series) > 0 {
		out.Runs = len(series[0].Values)
	}
	for _, s := range series {
		if len(s.Values) != out.Runs {
			out.Missing = Because(UnequalRuns, "%s has %d runs, %s has %d: one value a run, NaN for none",
				series[0].Name, out.Runs, s.Name, len(s.Values))
			return out
		}
	}
	if out.Runs < 2*MinRuns {
		out.Missing = Because(TooFewRuns, "two sides of %d need %d runs, there are %d",
			MinRuns, 2*MinRuns, out.Runs)
		return out
	}
	out.Drift = drift(series, o)
	rng := rand.New(rand.NewPCG(o.Seed, uint64(out.Runs)))
	out.Splits = AASplits
	expected, level, null := 0.0, attainedLevels(o.Alpha), newGaps(o.Seed)
	for range out.Splits {
		left, right := split(series[0], rng)
		expected += out.alarms(series, left, right, level, o, null)
	}
	if out.Tests > 0 {
		out.Rate = float64(out.Alarms) / float64(out.Tests)
		out.Expected = expected / float64(out.Tests)
	}
	return out
}

// alarms counts one split and returns the sum of the tests' attained levels.
func (r *AAResult) alarms(series []Series, left, right []int, level func(n1, n2 int) float64, o Options,
	null *gaps) float64 {
	p, expected := make([]float64, len(series)), 0.0
	for i, s := range series {
		a, b := cleaned(s.runs(left)), cleaned(s.runs(right))
		p[i] = math.NaN()
		if min(len(a.Values), len(b.Values)) < MinRuns {
			continue
		}
		t := new(Comparison).test(a, b)
		p[i] = t.P
		r.Tests++
		expected += level(len(a.Values), len(b.Values))
		if t.P < o.Alpha {
			r.Alarms++
		}
	}
	significant := 0
	for i, q := range BenjaminiHochberg(p) {
		if q < o.Alpha {
			c := measure(series[i].runs(left), series[i].runs(right), o, null)
			if !c.small(o.minChange()) {
				significant++
			}
		}
	}
	r.Significant += significant
	if significant > 0 {
		r.AnySignificant++
	}
	return expected
}

// attainedLevels returns Attained for one alpha, remembering what it computed.
func attainedLevels(alpha float64) func(n1, n2 int) float64 {
	known := map[[2]int]float64{}
	return func(n1, n2 int) float64 {
		v, ok := known[[2]int{n1, n2}]
		if !ok {
			v = Attained(n1, n2, alpha)
			known[[2]int{n1, n2}] = v
		}
		return v
	}
}

// split returns the runs of two sides: half of each block to each.
func split(s Series, rng *rand.Rand) (left, right []int) {
	blocks := map[string][]int{}
	for i := range s.Values {
		name := ""
		if len(s.Blocks) == len(s.Values) {
			name = s.Blocks[i]
		}
		blocks[name] = append(blocks[name], i)
	}
	for _, name := range slices.Sorted(maps.Keys(blocks)) {
		runs := blocks[name]
		rng.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
		left = append(left, runs[:len(runs)/2]...)
		right = append(right, runs[len(runs)/2:]...)
	}
	return left, right
}

func (s Series) runs(index []int) Series {
	c := s
	c.Values, c.Blocks = pick(s.Values, index), pick(s.Blocks, index)
	c.SE, c.Counts = pick(s.SE, index), pick(s.Counts, index)
	return c
}

func drift(series []Series, o Options) Family {
	var pairs []Pair
	for _, s := range series {
		s.Blocks = nil // a boot is early or late: it cannot be on both sides
		n := len(s.Values)
		first, second := make([]int, n/2), make([]int, n-n/2)
		for i := range first {
			first[i] = i
		}
		for i := range second {
			second[i] = n/2 + i
		}
		pairs = append(pairs, Pair{s.runs(first), s.runs(second)})
	}
	return CompareFamily("first half of the runs against the second", pairs, o)
}
