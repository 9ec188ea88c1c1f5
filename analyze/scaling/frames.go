package scaling

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"xfrmscope/analyze/compare"
)

// A FrameTable holds the growth of every frame's cost, and which stop scaling.
type FrameTable struct {
	Unit   string           `json:"unit"`
	Base   int              `json:"base"`  // smallest N
	Last   int              `json:"last"`  // largest N
	Rows   []FrameRow       `json:"rows"`  // most added cost first
	Total  FrameRow         `json:"total"` // of all keys; not part of the family
	Tested int              `json:"tested"`
	Small  int              `json:"small"` // frames below Options.FloorShare at every N, not in Rows
	Stops  int              `json:"stops"`
	Left   int              `json:"left,omitempty"` // frames that Trim dropped
	Notes  []compare.Reason `json:"notes,omitempty"`
}

// A FrameRow is one frame.
type FrameRow struct {
	Key      string   `json:"key"`
	Base     float64  `json:"base"`  // mean cost per packet at FrameTable.Base
	AtLast   float64  `json:"last"`  // at FrameTable.Last
	Added    float64  `json:"added"` // AtLast - Base
	Exponent Exponent `json:"exponent"`
	Q        *float64 `json:"q,omitempty"` // Exponent.P corrected for the frames tested

	// Stops: the frame stops scaling. Q is below Alpha, the interval of the
	// slope lies above Options.MinExponent, and it rests on minDF degrees of
	// freedom or more.
	Stops bool  `json:"stops"`
	First First `json:"first"`
}

// First is the first N from which on, at every N, a frame costs more than at
// the base (U test over runs, p below Alpha at each N).
type First struct {
	N       int             `json:"n"`
	Missing *compare.Reason `json:"missing,omitempty"`
}

// minDF is what the slope's t test must rest on: with fewer the interval is
// so wide that only chance makes it narrow.
const minDF = 3

// Frames returns growth exponents of all frames, with Benjamini-Hochberg among
// those tested.
func Frames(costs []Costs, unit string, o Options) FrameTable {
	o = o.Defaults()
	clean, notes := cleanCosts(costs)
	t := FrameTable{Unit: unit, Notes: notes}
	if len(clean) == 0 {
		why := compare.Because(compare.NoRuns, "no usable costs")
		t.Total = FrameRow{Key: "total", Exponent: Exponent{P: 1, Slope: compare.NoEstimate(why)},
			First: First{Missing: why}}
		return t
	}
	t.Base, t.Last = clean[0].N, clean[len(clean)-1].N
	all := keys(clean...)
	t.Total = frameRow("total", clean, func(c Costs) []float64 { return c.sums(all) }, o)
	t.Total.First = firstAbove(clean, func(c Costs) []float64 { return c.sums(all) }, o)
	totals := make([]float64, len(clean))
	for i, c := range clean {
		totals[i] = stat.Mean(c.sums(all), nil)
	}
	for _, key := range all {
		if isSmall(clean, totals, key, o.FloorShare) {
			t.Small++
			continue
		}
		t.Rows = append(t.Rows, frameRow(key, clean, func(c Costs) []float64 { return c.of(key) }, o))
	}
	t.judge(clean, o)
	slices.SortStableFunc(t.Rows, func(a, b FrameRow) int { return cmp.Compare(b.Added, a.Added) })
	return t
}

func isSmall(costs []Costs, totals []float64, key string, floor float64) bool {
	for i, c := range costs {
		if stat.Mean(c.of(key), nil) >= floor*totals[i] && totals[i] > 0 {
			return false
		}
	}
	return true
}

func frameRow(key string, costs []Costs, of func(Costs) []float64, o Options) FrameRow {
	r := FrameRow{Key: key, Exponent: GrowthExponent(costRuns(costs, of), o)}
	r.Base = stat.Mean(of(costs[0]), nil)
	r.AtLast = stat.Mean(of(costs[len(costs)-1]), nil)
	r.Added = r.AtLast - r.Base
	r.First.Missing = compare.Because(compare.NotApplicable, "it does not stop scaling")
	return r
}

// judge sets Q, Stops and First.
func (t *FrameTable) judge(costs []Costs, o Options) {
	p := make([]float64, len(t.Rows))
	for i, r := range t.Rows {
		p[i] = math.NaN()
		if r.Exponent.Slope.Known() && r.Exponent.DF >= minDF {
			p[i] = r.Exponent.P
			t.Tested++
		}
	}
	for i, q := range compare.BenjaminiHochberg(p) {
		r := &t.Rows[i]
		if math.IsNaN(q) {
			continue
		}
		r.Q = &q
		if q < o.Alpha && r.Exponent.Slope.Interval.Lo > o.MinExponent {
			r.Stops = true
			t.Stops++
			r.First = firstAbove(costs, func(c Costs) []float64 { return c.of(r.Key) }, o)
		}
	}
}

// firstAbove looks from the largest N downwards.
func firstAbove(costs []Costs, of func(Costs) []float64, o Options) First {
	base := of(costs[0])
	f := First{Missing: compare.Because(compare.NotApplicable,
		"at no N up to the largest does it cost more than at N=%d", costs[0].N)}
	for _, c := range slices.Backward(costs[1:]) {
		at := of(c)
		if min(len(base), len(at)) < compare.MinRuns {
			why := compare.Because(compare.TooFewRuns, "needs %d runs at both N, there are %d at N=%d "+
				"and %d at N=%d", compare.MinRuns, len(base), costs[0].N, len(at), c.N)
			if f.N != 0 {
				why.Text = fmt.Sprintf("from N=%d on at the latest: %s", f.N, why.Text)
			}
			return First{N: f.N, Missing: why}
		}
		if t := compare.UTest(base, at); t.P >= o.Alpha || stat.Mean(at, nil) <= stat.Mean(base, nil) {
			return f
		}
		f = First{N: c.N}
	}
	return f
}

// Trim keeps the frames that stop scaling and, of the others, those that add
// most, up to rows in all; Left says how many it dropped.
func (t *FrameTable) Trim(rows int) {
	kept := t.Rows[:0:0]
	for i, r := range t.Rows {
		if i < rows || r.Stops {
			kept = append(kept, r)
		}
	}
	t.Left += len(t.Rows) - len(kept)
	t.Rows = kept
}
