package compare

import "cmp"

// MinRuns is the number of runs a side that significance needs: with 3 and 3 the
// smallest two-sided p of the U test is 0.10, with 4 and 4 it is 0.029.
const MinRuns = 4

// DefaultSeed is used where Options.Seed is 0.
const DefaultSeed = 20250728

// Options are the rules of a comparison. The zero value means the defaults.
type Options struct {
	Alpha      float64 `json:"alpha"`      // level of the test; 0.05
	Confidence float64 `json:"confidence"` // level of intervals; 0.95
	MinChange  float64 `json:"min_change"` // smallest interesting change of the ratio; 0.01. Negative: none
	Power      float64 `json:"power"`      // probability behind "would have been shown"; 0.8
	Seed       uint64  `json:"seed"`       // of everything random; DefaultSeed
	Force      bool    `json:"force,omitempty"`
}

// Defaults returns o with every zero field set to its default.
func (o Options) Defaults() Options {
	o.Alpha = cmp.Or(o.Alpha, 0.05)
	o.Confidence = cmp.Or(o.Confidence, 0.95)
	o.MinChange = cmp.Or(o.MinChange, 0.01)
	o.Power = cmp.Or(o.Power, 0.8)
	o.Seed = cmp.Or(o.Seed, DefaultSeed)
	return o
}

// minChange returns the smallest interesting change, 0 if there is none.
func (o Options) minChange() float64 { return max(o.MinChange, 0) }
