package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// fullTrials is the number of trials from which on the limits are held as they
// stand (make stats). A normal run makes fewer and widens them.
const fullTrials = 2000

// trials is the number of simulated comparisons behind each rate.
func trials() int {
	if n, err := strconv.Atoi(os.Getenv("XFRMSCOPE_TRIALS")); err == nil && n > 0 {
		return n
	}
	if testing.Short() {
		return 100
	}
	return 400
}

// wantRate fails if a rate is outside lo..hi, widened by what fewer trials than
// fullTrials scatter.
func wantRate(t *testing.T, what string, hits, of int, lo, hi float64) {
	t.Helper()
	rate := float64(hits) / float64(of)
	t.Logf("%-44s %.4f of %d", what, rate, of)
	slack := 0.0
	if of < fullTrials {
		slack = 3.5 * math.Sqrt(hi*(1-lo)/float64(of))
	}
	if rate < lo-slack || rate > hi+slack {
		t.Errorf("%s: rate %.4f of %d, want %.3f to %.3f", what, rate, of, lo, hi)
	}
}

// noise returns runs that differ by cv around center.
func noise(rng *rand.Rand, n int, center, cv float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = center * math.Exp(cv*rng.NormFloat64())
	}
	return out
}

// counts returns runs of a function with this many samples: runs that differ
// by cv, and in each the sampling error of a Poisson count (its normal
// approximation; counts here are 60 and more).
func counts(rng *rand.Rand, n int, samples, cv float64) []float64 {
	out := noise(rng, n, samples, cv)
	for i, m := range out {
		out[i] = max(0, math.Round(m+math.Sqrt(m)*rng.NormFloat64()))
	}
	return out
}

// pooledAlarm is the test that is not used: samples pooled over runs.
func pooledAlarm(before, after []float64) bool {
	b, a := 0.0, 0.0
	for i := range before {
		b, a = b+before[i], a+after[i]
	}
	return math.Abs(a-b) > 1.96*math.Sqrt(a+b)
}

// Nothing changed: functions of 0.2 % to 6 % in runs of 30,000 samples. The test
// keeps its level, and with the smallest interesting change a star is rarer still.
func TestSimulatedFalseAlarms(t *testing.T) {
	o, d := Options{}.Defaults(), newDetector(1)
	for _, runs := range []int{4, 5, 10} {
		for _, cv := range []float64{0, 0.03, 0.10} {
			rng := rand.New(rand.NewPCG(uint64(runs), uint64(1000*cv)))
			alarms, stars, pooled, n := 0, 0, 0, trials()
			for range n {
				samples := 60 * math.Pow(30, rng.Float64())
				before, after := counts(rng, runs, samples, cv), counts(rng, runs, samples, cv)
				c := judged(Series{Values: before}, Series{Values: after}, d, o)
				if c.Test.P < 0.05 {
					alarms++
				}
				if c.Significant {
					stars++
				}
				if pooledAlarm(before, after) {
					pooled++
				}
			}
			name, level := fmt.Sprintf("%d+%d runs, differ by %.0f %%: ",
				runs, runs, 100*cv), Attained(runs, runs, o.Alpha)
			wantRate(t, fmt.Sprintf("%stest, attains %.4f", name, level), alarms, n, level-0.015,
				max(level+0.015, 0.05))
			wantRate(t, name+"starred", stars, n, 0, max(level+0.015, 0.05))
			t.Logf("  pooled samples would give                  %.4f", float64(pooled)/float64(n))
		}
	}
}

// judged applies the rule of a star to one pair.
func judged(before, after Series, d *detector, o Options) Comparison {
	c := measure(before, after, o, newGaps(o.Seed))
	c.judge(c.Test.P, before, after, d, o.Alpha, o)
	return c
}

// A change of half a per cent is not interesting: it gets no star where the runs
// show that it is not more, however sure it is.
func TestSimulatedSmallChanges(t *testing.T) {
	o, d := Options{}.Defaults(), newDetector(1)
	for _, runs := range []int{4, 5, 10} {
		for _, cv := range []float64{0, 0.0005, 0.001} {
			rng := rand.New(rand.NewPCG(uint64(runs), uint64(10000*cv)))
			stars := 0
			for range trials() {
				if judged(Series{Values: noise(rng, runs, 100, cv)},
					Series{Values: noise(rng, runs, 100.5, cv)}, d, o).Significant {
					stars++
				}
			}
			wantRate(t, fmt.Sprintf("%d+%d runs, differ by %.2f %%: +0.5 %% starred", runs, runs, 100*cv),
				stars, trials(), 0, 0.04)
		}
	}
}

// A total that grew by 2 % gets its star as often as the Mann-Whitney test on it
// rejects, and where nothing changed as seldom.
func TestSimulatedPower(t *testing.T) {
	o, d := Options{}.Defaults(), newDetector(1)
	for _, shift := range []float64{1.02, 1} {
		for _, runs := range []int{4, 5, 10} {
			rng := rand.New(rand.NewPCG(9, uint64(runs)))
			stars, rejected := 0, 0
			for range trials() {
				before := Series{Values: noise(rng, runs, 100, 0.01)}
				after := Series{Values: noise(rng, runs, 100*shift, 0.01)}
				if judged(before, after, d, o).Significant {
					stars++
				}
				if UTest(before.Values, after.Values).P < o.Alpha {
					rejected++
				}
			}
			name := fmt.Sprintf("%d+%d runs, differ by 1 %%: %+.0f %% ", runs, runs, 100*(shift-1))
			t.Logf("%-44s %.4f", name+"by the U test", float64(rejected)/float64(trials()))
			least, most := map[int]float64{4: 0.45, 5: 0.68, 10: 0.97}[runs], 1.0
			if shift == 1 {
				least, most = 0, 0.05
			}
			wantRate(t, name+"starred", stars, trials(), least, most)
			if stars < rejected {
				t.Errorf("%s: %d stars, the U test rejects %d times", name, stars, rejected)
			}
		}
	}
}

// 5 + 5 runs that differ by 1 %, in them 18 stages and 60 functions that differ by 3 %
// each. Where nothing changed, each level names something in 5 % at most. Two stages that
// move against each other by 12 % leave the total as it was: they are found.
func TestSimulatedLevels(t *testing.T) {
	const runs = 5
	for _, rows := range []int{18, 60} {
		for _, shift := range []float64{1, 1.12} {
			rng := rand.New(rand.NewPCG(10, uint64(rows)))
			any, wrong, found, byBH, totals, n := 0, 0, 0, 0, 0, trials()
			for range n {
				pairs, total := levels(rng, runs, rows, shift)
				f := CompareFamily("rows", pairs, Options{})
				var p []float64
				for i, c := range f.Comparisons {
					p = append(p, c.Test.P)
					if i >= 2 && c.Significant {
						wrong++
						break
					}
				}
				hit := func(i int) int { return map[bool]int{true: 1}[f.Comparisons[i].Significant] }
				found += hit(0) + hit(1)
				any += min(f.Significant, 1)
				byBH += rejected(BenjaminiHochberg(p)[:min(2, len(p))], 0.05)
				if UTest(total.Before.Values, total.After.Values).P < 0.05 {
					totals++
				}
			}
			name := fmt.Sprintf("%d rows, %+.0f %% and %+.0f %%: ", rows, 100*(shift-1), 100*(1-shift))
			t.Logf("%-44s %.4f", name+"total, U test", float64(totals)/float64(n))
			if shift == 1 {
				wantRate(t, name+"any row starred", any, n, 0.015, 0.065)
				continue
			}
			wantRate(t, name+"another row starred", wrong, n, 0, 0.065)
			wantRate(t, name+"those that changed", found, 2*n, map[int]float64{18: 0.7, 60: 0.5}[rows], 1)
			t.Logf("%-44s %.4f", "  by Benjamini-Hochberg", float64(byBH)/float64(2*n))
		}
	}
}

// levels returns rows of a total, the first two of which move against each other.
func levels(rng *rand.Rand, runs, rows int, shift float64) (pairs []Pair, total Pair) {
	pairs = make([]Pair, rows)
	total = Pair{Series{Values: make([]float64, runs)}, Series{Values: make([]float64, runs)}}
	for i := range 2 * runs {
		common := noise(rng, 1, 100, 0.01)[0]
		for row := range pairs {
			side, sum, center := &pairs[row].Before, total.Before.Values, common
			if i >= runs {
				side, sum = &pairs[row].After, total.After.Values
				if row < 2 {
					center *= []float64{shift, 2 - shift}[row]
				}
			}
			v := noise(rng, 1, center, 0.03)[0]
			side.Values = append(side.Values, v)
			sum[i%runs] += v
		}
	}
	return pairs, total
}

// abba returns runs in blocks of A B B A, boots that differ by bootCV.
func abba(rng *rand.Rand, blocks int, cv, bootCV, shift float64) (before, after Series) {
	for b := range blocks {
		center, name := noise(rng, 1, 100, bootCV)[0], fmt.Sprint("boot ", b)
		before.Values = append(before.Values, noise(rng, 2, center, cv)...)
		after.Values = append(after.Values, noise(rng, 2, center*shift, cv)...)
		before.Blocks = append(before.Blocks, name, name)
		after.Blocks = append(after.Blocks, name, name)
	}
	return before, after
}

func TestSimulatedBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 0))
	found, plain := 0, 0
	for range trials() {
		before, after := abba(rng, 5, 0.01, 0.10, 1.02)
		if p, _ := BlockTest(before, after); p.P < 0.05 {
			found++
		}
		if UTest(before.Values, after.Values).P < 0.05 {
			plain++
		}
	}
	wantRate(t, "5 blocks, +2 %, found", found, trials(), 0.9, 1)
	wantRate(t, "  by the U test without blocks", plain, trials(), 0, 0.05)
}

// Nothing changed between boots that differ by 10 %.
func TestSimulatedBlockFalseAlarms(t *testing.T) {
	o, d := Options{}.Defaults(), newDetector(1)
	for blocks, least := range map[int]float64{2: 0, 3: 0.03, 5: 0.035} { // of 2 blocks no p is below 0.05
		rng := rand.New(rand.NewPCG(2, uint64(blocks)))
		alarms, stars, cover := 0, 0, 0
		for range trials() {
			before, after := abba(rng, blocks, 0.01, 0.10, 1)
			c := judged(before, after, d, o)
			if c.Test.P < 0.05 {
				alarms++
			}
			if c.Significant {
				stars++
			}
			if c.Ratio.Interval.Contains(1) {
				cover++
			}
		}
		name := fmt.Sprintf("%d blocks, boots differ by 10 %%, no change: ", blocks)
		wantRate(t, name+"block test", alarms, trials(), least, 0.065)
		wantRate(t, name+"starred", stars, trials(), 0, 0.05)
		wantRate(t, name+"interval covers", cover, trials(), 0.93, 0.97)
	}
}

// 50 functions, 10 of them changed: of the stars, at most 5 % are false.
func TestSimulatedFalseDiscoveries(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	families := max(trials()/40, 5)
	stars, wrong, missed := 0, 0, 0
	for range families {
		var pairs []Pair
		for i := range 50 {
			center := 1000.0
			if i < 10 {
				center = 1100
			}
			pairs = append(pairs,
				Pair{Series{Values: noise(rng, 10, 1000, 0.03)},
					Series{Values: noise(rng, 10, center, 0.03)}})
		}
		f := CompareFamily("functions", pairs, Options{})
		for i, c := range f.Comparisons {
			switch {
			case c.Significant && i >= 10:
				wrong++
				fallthrough
			case c.Significant:
				stars++
			case i < 10:
				missed++
			}
		}
	}
	t.Logf("%d stars, %d of them false, %d missed", stars, wrong, missed)
	if float64(wrong) > 0.05*float64(stars) {
		t.Errorf("%d of %d stars are false, want at most 5 %%", wrong, stars)
	}
}

func TestSimulatedCoverage(t *testing.T) {
	for _, n := range [][2]int{{4, 4}, {5, 5}, {6, 6}, {7, 7}, {8, 8}, {10, 10}, {15, 15}, {20, 20}, {5, 10}} {
		for _, cv := range []float64{0.03, 0.10} {
			if cv > 0.05 && n[0] != 10 {
				continue // intervals do not depend on the scale
			}
			rng := rand.New(rand.NewPCG(4, uint64(100*n[0]+n[1])))
			ratio, difference := 0, 0
			for range trials() {
				before := Series{Values: noise(rng, n[0], 100, cv)}
				after := Series{Values: noise(rng, n[1], 110, cv)}
				if Ratio(before, after, Options{}).Interval.Contains(1.1) {
					ratio++
				}
				if Difference(before, after, Options{}).Interval.Contains(10) {
					difference++
				}
			}
			name := fmt.Sprintf("%d+%d runs, differ by %.0f %%: ", n[0], n[1], 100*cv)
			wantRate(t, name+"ratio", ratio, trials(), 0.93, 0.97)
			wantRate(t, name+"difference", difference, trials(), 0.93, 0.97)
		}
	}
}

// The order-statistic interval covers as often as its own level says.
func TestSimulatedMedianCoverage(t *testing.T) {
	for _, n := range []int{3, 5, 6, 10, 15} {
		rng := rand.New(rand.NewPCG(5, uint64(n)))
		hits, level := 0, 0.0
		for range trials() {
			s := Summarize(Series{Values: noise(rng, n, 100, 0.03)}, Options{})
			level = s.Interval.Level
			if s.Interval.Contains(100) {
				hits++
			}
		}
		wantRate(t, fmt.Sprintf("median of %d, level %.4f", n, level), hits, trials(), level-0.015, level+0.015)
	}
}

// A change of the size that is said to be detectable gets its star at the
// power that is said.
func TestSimulatedDetectable(t *testing.T) {
	for _, n := range [][2]int{{5, 5}, {7, 7}, {10, 10}} {
		rng := rand.New(rand.NewPCG(6, uint64(n[0])))
		d, change := newDetector(1), 0.0
		const samples = 200
		for range samples {
			before := Series{Values: noise(rng, n[0], 100, 0.02)}
			after := Series{Values: noise(rng, n[1], 100, 0.02)}
			o := Options{}.Defaults()
			change += d.detect(before, after, o.Alpha, o).Change / samples
		}
		stars := 0
		for range trials() {
			before := Series{Values: noise(rng, n[0], 100, 0.02)}
			after := Series{Values: noise(rng, n[1], 100*(1+change), 0.02)}
			c := measure(before, after, Options{}.Defaults(), newGaps(Options{}.Defaults().Seed))
			if c.Test.P < 0.05 && !c.small(0.01) {
				stars++
			}
		}
		wantRate(t, fmt.Sprintf("%d+%d runs, +%.2f %%: starred", n[0], n[1], 100*change), stars, trials(), 0.72,
			0.88)
	}
}

func TestSimulatedSamplingCoverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 0))
	hits := 0
	for range trials() {
		b, a := counts(rng, 1, 400, 0)[0], counts(rng, 1, 300, 0)[0]
		before := Series{Values: []float64{b}, Counts: []uint64{uint64(b)}}
		after := Series{Values: []float64{a}, Counts: []uint64{uint64(a)}}
		if r, _ := Sampling(before, after, Options{}); r.Interval.Contains(0.75) {
			hits++
		}
	}
	wantRate(t, "one run a side, sampling error only", hits, trials(), 0.93, 0.97)
}

// Two groups of runs are flagged, one is not.
func TestSimulatedBimodalRate(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 0))
	flagged, missed := 0, 0
	for i := range trials() {
		if bimodal(sorted(noise(rng, 10, 100, 0.02)), newGaps(uint64(i))) != nil {
			flagged++
		}
		two := append(noise(rng, 5, 100, 0.005), noise(rng, 5, 110, 0.005)...)
		if bimodal(sorted(two), newGaps(uint64(i))) == nil {
			missed++
		}
	}
	wantRate(t, "one group of 10 runs called two", flagged, trials(), 0, 0.02)
	wantRate(t, "two groups of 5 called one", missed, trials(), 0, 0.02)
}
