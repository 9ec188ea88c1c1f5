package compare

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
)

// A run with its side, in a block.
type blocked struct {
	value float64
	side  int // 0 before, 1 after
}

// BlockTest is the exact test for runs in blocks (A B B A, one block a boot):
// values are aligned by their block's mean (logarithms if all values are
// positive, because a boot multiplies), ranked together, and the sum of the
// after side's ranks is set against every way to hand out the sides within
// the blocks. Hodges and Lehmann, Rank methods for combination of independent
// experiments (1962). With one block it is the U test.
//
// Blocks with runs of one side only carry no information; they are left out
// and counted in the second result.
func BlockTest(before, after Series) (Test, *Reason) {
	before, after = cleaned(before), cleaned(after)
	blocks, left := blocksOf(before, after)
	t := Test{Method: fmt.Sprintf("aligned ranks within %d blocks", len(blocks)), P: 1}
	if len(blocks) == 0 {
		t.Missing = Because(NoBlocks, "no block has runs of both sides")
		return t, left
	}
	var aligned []float64
	for _, b := range blocks {
		aligned = append(aligned, alignBlock(b)...)
	}
	ranks := doubleRanks(roundTies(aligned))
	dist, observed := []float64{1}, 0
	for _, b := range blocks {
		mine, k := ranks[:len(b)], 0
		ranks = ranks[len(b):]
		for i, run := range b {
			k += run.side
			observed += run.side * mine[i]
		}
		dist = convolve(dist, sumDistribution(mine, k))
	}
	t.P, t.Smallest = twoSided(dist, observed)
	return t, left
}

// blocksOf returns the runs by block, in order of the blocks' names and, in a
// block, of values; logarithms if all values are positive.
func blocksOf(before, after Series) ([][]blocked, *Reason) {
	log := allPositive(before.Values) && allPositive(after.Values)
	by := map[string][]blocked{}
	add := func(s Series, side int) {
		values := s.Values
		if log {
			values = mapped(values, math.Log)
		}
		for i, v := range values {
			by[s.Blocks[i]] = append(by[s.Blocks[i]], blocked{v, side})
		}
	}
	if before.Blocks == nil || after.Blocks == nil {
		return nil, nil
	}
	add(before, 0)
	add(after, 1)
	var out [][]blocked
	left := 0
	for _, name := range slices.Sorted(maps.Keys(by)) {
		b := by[name]
		slices.SortFunc(b, func(x, y blocked) int {
			return cmp.Or(cmp.Compare(x.value, y.value), cmp.Compare(x.side, y.side))
		})
		if oneSided := !slices.ContainsFunc(b, func(r blocked) bool { return r.side != b[0].side }); oneSided {
			left++
			continue
		}
		out = append(out, b)
	}
	if left > 0 {
		return out, Because(OneSidedBlock,
			"%d of %d blocks have runs of one side only and were left out of the test", left, left+len(out))
	}
	return out, nil
}

// alignBlock returns the values less their mean.
func alignBlock(b []blocked) []float64 {
	mean := 0.0
	for _, r := range b {
		mean += r.value / float64(len(b))
	}
	out := make([]float64, len(b))
	for i, r := range b {
		out[i] = r.value - mean
	}
	return out
}

// roundTies rounds to a part in 10^12 of the largest value, so that equal
// deviations that were computed in different blocks tie.
func roundTies(x []float64) []float64 {
	top := 0.0
	for _, v := range x {
		top = max(top, math.Abs(v))
	}
	if top == 0 {
		return x
	}
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Round(v/top*1e12) / 1e12
	}
	return out
}
