package scaling

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// bootValues are the runs at one N by boot: runs of one boot are not independent.
type bootValues struct {
	ids   []string // in order
	means []float64
	runs  int
}

// bootMeans returns the boots at each N of points, which are those of the curve to
// be fitted; nil if a run does not say its boot, no N has several, or no boot
// several runs.
func bootMeans(c Curve, points []Point) []bootValues {
	rows := map[int]map[string][]float64{}
	runs, boots, several := 0, map[string]bool{}, false
	for _, p := range c.Points {
		if !slices.ContainsFunc(points, func(q Point) bool { return q.N == p.N }) {
			continue
		}
		if len(p.Boots) != len(p.Values) || slices.Contains(p.Boots, "") {
			return nil
		}
		if rows[p.N] == nil {
			rows[p.N] = map[string][]float64{}
		}
		for i, v := range p.Values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				continue
			}
			rows[p.N][p.Boots[i]] = append(rows[p.N][p.Boots[i]], v)
			boots[p.Boots[i]] = true
			runs++
		}
		several = several || len(rows[p.N]) > 1
	}
	if !several || len(boots) == runs {
		return nil
	}
	var out []bootValues
	for _, p := range points {
		b := bootValues{ids: slices.Sorted(maps.Keys(rows[p.N]))}
		for _, id := range b.ids {
			b.means = append(b.means, stat.Mean(rows[p.N][id], nil))
			b.runs += len(rows[p.N][id])
		}
		out = append(out, b)
	}
	return out
}

func bootsIn(all []bootValues) []string {
	var out []string
	for _, b := range all {
		out = append(out, b.ids...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// fewBoots widens what is known of the level: what boots have in common at all N
// is seen once a boot, not once a boot and N.
func (t *trend) fewBoots(boots int) {
	t.varLevel = max(t.varLevel, 2/max(float64(boots)-3, 1))
}

// bootDraws returns a draw of how far the mean of each boot lies from that of all, in
// units of the spread at each N: the deviations measured, each boot's times one
// normal number at all N, so that what its N have in common stays in common
// (Kline and Santos, A score based approach to wild bootstrap inference, 2012).
func (d uslData) bootDraws() func(*rand.Rand) [][]float64 {
	if d.boots == nil {
		return func(*rand.Rand) [][]float64 { return nil }
	}
	ids := bootsIn(d.boots)
	standard := make([][]float64, len(d.n))
	count, square := 0, 0.0
	for i, v := range d.values {
		n := float64(len(v))
		for _, x := range v {
			z := 1.0 // a single boot: what others have of spread
			if n > 1 {
				z = (x/d.x[i] - 1) * math.Sqrt(n/(n-1)) / d.cv[i]
				square += z * z
				count++
			}
			standard[i] = append(standard[i], z)
		}
	}
	scale := math.Sqrt(float64(count) / square)
	return func(rng *rand.Rand) [][]float64 {
		factor := map[string]float64{}
		for _, id := range ids {
			factor[id] = rng.NormFloat64()
		}
		out := make([][]float64, len(standard))
		for i, all := range standard {
			for k, z := range all {
				if len(all) > 1 {
					z *= scale
				}
				out[i] = append(out[i], z*factor[d.boots[i].ids[k]])
			}
		}
		return out
	}
}

// exchangedBoots hands the boots of both sides out anew, each with all its N, its
// values divided by the gamma of its side.
func exchangedBoots(rng *rand.Rand, b, a uslData, gammaB, gammaA float64) (side [2][]Point) {
	idsB, idsA := bootsIn(b.boots), bootsIn(a.boots)
	order := rng.Perm(len(idsB) + len(idsA))
	first := func(unit int) int { // the side that a boot is handed to
		if order[unit] < len(idsB) {
			return 0
		}
		return 1
	}
	for i, n := range b.n {
		at := [2]Point{{N: int(n)}, {N: int(n)}}
		add := func(from bootValues, ids []string, before int, gamma float64) {
			for k, id := range from.ids {
				to := first(before + slices.Index(ids, id))
				at[to].Values = append(at[to].Values, from.means[k]/gamma)
			}
		}
		add(b.boots[i], idsB, 0, gammaB)
		add(a.boots[i], idsA, len(idsB), gammaA)
		for k := range side {
			side[k] = append(side[k], at[k])
		}
	}
	return side
}
