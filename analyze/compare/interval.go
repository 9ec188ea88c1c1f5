package compare

// An Interval is a confidence interval, in the unit of the value it belongs
// to. With Missing set there is none and the numbers mean nothing.
type Interval struct {
	Lo     float64 `json:"lo"`
	Hi     float64 `json:"hi"`
	OpenHi bool    `json:"open_hi,omitempty"` // no upper bound; Hi is 0
	// probability of covering the truth; may differ from the level asked for
	Level   float64 `json:"level"`
	Method  string  `json:"method,omitempty"`
	Missing *Reason `json:"missing,omitempty"`
}

// NoInterval returns an interval that says why there is none.
func NoInterval(why *Reason) Interval { return Interval{Missing: why} }

// Known reports whether there is an interval.
func (i Interval) Known() bool { return i.Missing == nil }

// Contains reports whether v lies in the interval, bounds included. An
// interval that is not known contains everything.
func (i Interval) Contains(v float64) bool {
	return !i.Known() || v >= i.Lo && (i.OpenHi || v <= i.Hi)
}

// Beyond reports whether the whole interval lies further than margin from
// center, on one side.
func (i Interval) Beyond(center, margin float64) bool {
	return i.Known() && (i.Lo > center+margin || !i.OpenHi && i.Hi < center-margin)
}

// Within reports whether the whole interval lies no further than margin from
// center; one without an interval does.
func (i Interval) Within(center, margin float64) bool {
	return !i.Known() || i.Lo >= center-margin && !i.OpenHi && i.Hi <= center+margin
}

// An Estimate is a number with its interval. With Missing set there is no
// number.
type Estimate struct {
	Value    float64  `json:"value"`
	Interval Interval `json:"interval"`
	Missing  *Reason  `json:"missing,omitempty"`
}

// NoEstimate returns an estimate that says why there is none.
func NoEstimate(why *Reason) Estimate { return Estimate{Interval: NoInterval(why), Missing: why} }

// Known reports whether there is a number.
func (e Estimate) Known() bool { return e.Missing == nil }
