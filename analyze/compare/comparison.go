package compare

import "cmp"

// A Verdict is what a comparison says.
type Verdict string

// The verdicts. Only Changed is significant.
const (
	Changed      Verdict = "changed"
	NotShown     Verdict = "no change shown"
	TooFew       Verdict = "too few runs"
	SamplingOnly Verdict = "sampling error only" // one run a side
	Refused      Verdict = "not comparable"
	NoData       Verdict = "no data"
	// changed, but a run of it met a condition that makes differences meaningless
	Gated Verdict = "gate failed"
	// changed, but so did the boot, and a side has too few to tell by how much boots differ
	FewBoots Verdict = "too few boots"
)

// A Comparison is one metric before and after.
type Comparison struct {
	Metric string `json:"metric"`
	Unit   string `json:"unit"`
	Better string `json:"better,omitempty"` // "lower", "higher", ""

	Before Summary `json:"before"`
	After  Summary `json:"after"`

	Ratio      Estimate `json:"ratio"`      // after / before
	Difference Estimate `json:"difference"` // after - before, in Unit
	Test       Test     `json:"test"`       // of this metric alone

	Family     string     `json:"family,omitempty"` // "" if tested plainly
	Q          *float64   `json:"q,omitempty"`      // p corrected for the family
	Detectable Detectable `json:"detectable"`       // at this metric's place in the family
	Seed       uint64     `json:"seed"`             // of Detectable and of Summary.Bimodal; nothing else is random

	Verdict     Verdict  `json:"verdict"`
	Significant bool     `json:"star"`
	Effect      string   `json:"effect,omitempty"` // "better", "worse" if significant and Better is known
	Notes       []Reason `json:"notes,omitempty"`

	least float64 // Series.Least
}

// Compare compares one metric plainly: for the one or two headline metrics
// named before the runs were made. Everything else belongs in a Family.
func Compare(before, after Series, o Options) Comparison {
	o = o.Defaults()
	c := measure(before, after, o, newGaps(o.Seed))
	c.judge(c.Test.P, before, after, newDetector(o.Seed), o.Alpha, o)
	return c
}

// measure fills everything but the verdict.
func measure(before, after Series, o Options, null *gaps) Comparison {
	c := Comparison{Metric: before.Name, Unit: before.Unit, Better: before.Better, Seed: o.Seed,
		least: before.Least}
	c.Metric = cmp.Or(c.Metric, after.Name)
	c.Before, c.After = summarize(before, o, null), summarize(after, o, null)
	if c.refuse(before, after, o) {
		return c
	}
	before, after = cleaned(before), cleaned(after)
	c.Test = c.test(before, after)
	c.Ratio, c.Difference = Ratio(before, after, o), Difference(before, after, o)
	if c.Before.N == 1 && c.After.N == 1 {
		c.Ratio, c.Difference = Sampling(before, after, o)
	}
	c.weaken()
	return c
}

// refuse reports whether the units forbid the comparison.
func (c *Comparison) refuse(before, after Series, o Options) bool {
	if before.Unit == after.Unit {
		return false
	}
	why := Because(DifferentKey, "unit: %s before, %s after", quoted(before.Unit), quoted(after.Unit))
	if o.Force {
		c.note(Because(Forced, "compared although the units differ: %s", why.Text))
		return false
	}
	c.Verdict = Refused
	c.note(why)
	c.Ratio, c.Difference = NoEstimate(why), NoEstimate(why)
	c.Test, c.Detectable = Test{P: 1, Missing: why}, Detectable{Missing: why}
	return true
}

func (c *Comparison) test(before, after Series) Test {
	if before.Blocks == nil && after.Blocks == nil {
		return RankTest(before.Values, after.Values)
	}
	t, left := BlockTest(before, after)
	c.note(left)
	if t.Known() {
		return t
	}
	c.note(t.Missing)
	return RankTest(before.Values, after.Values)
}

// weaken notes what the reader should know of the two sides together.
func (c *Comparison) weaken() {
	few, many := min(c.Before.N, c.After.N), max(c.Before.N, c.After.N)
	if few > 0 && many >= 3*few && many > MinRuns {
		c.note(Because(UnequalRuns, "%d runs before, %d after: the smaller side sets the error",
			c.Before.N, c.After.N))
	}
	if r := c.Ratio; r.Known() && (r.Value > 100 || r.Value < 0.01) {
		c.note(Because(UnequalScale, "after is %.3g times before: check that both are %s",
			r.Value, quoted(c.Unit)))
	}
	if few > 1 && c.Before.SD == 0 && c.After.SD == 0 {
		c.note(Because(AllEqual, "the runs of a side do not differ at all: is the source rounded?"))
	}
}

// judge gives the verdict from p, or q in a family. A further test would have
// needed level alpha.
func (c *Comparison) judge(p float64, before, after Series, d *detector, alpha float64, o Options) {
	if c.Verdict == Refused {
		return
	}
	c.Detectable = d.detect(cleaned(before), cleaned(after), alpha, o)
	switch few := min(c.Before.N, c.After.N); {
	case few == 0:
		c.Verdict = NoData
	case c.Before.N == 1 && c.After.N == 1:
		c.Verdict = SamplingOnly
	case few < MinRuns:
		c.Verdict = TooFew
		c.note(Because(TooFewRuns, "not significant below %d runs a side: with %d and %d the smallest p is %s",
			MinRuns, c.Before.N, c.After.N, PText(c.Test.Smallest)))
	case p >= o.Alpha:
		c.Verdict = NotShown
	case c.small(o.minChange()):
		c.Verdict = NotShown
		c.note(c.tooSmall(p, o))
	default:
		c.Verdict, c.Significant = Changed, true
		c.Effect = effect(c.Difference.Value, c.Better)
	}
}

// small reports whether the change is surely smaller than the smallest interesting
// one: the whole interval of the ratio is. That the test rejects says that there is
// a change; an interval that must lie beyond it would take two thirds of the
// power away (TestSimulatedPower). From zero there is no ratio: then the
// difference must clear Series.Least.
func (c *Comparison) small(margin float64) bool {
	if c.Ratio.Known() {
		return c.Ratio.Interval.Within(1, margin)
	}
	return !c.Difference.Interval.Beyond(0, max(c.least, 0))
}

func (c *Comparison) tooSmall(p float64, o Options) *Reason {
	if c.Ratio.Known() {
		return Because(BelowMinChange,
			"the sides differ (%s), but by less than %.3g %%: so the whole interval of the ratio",
			PText(p), 100*o.minChange())
	}
	return Because(BelowMinChange,
		"the sides differ (%s), but the interval of the difference does not clear %.3g %s",
		PText(p), c.least, c.Unit)
}

func effect(difference float64, better string) string {
	switch {
	case better == "":
		return ""
	case (difference < 0) == (better == "lower"):
		return "better"
	}
	return "worse"
}

func (c *Comparison) note(r *Reason) {
	if r != nil {
		c.Notes = append(c.Notes, *r)
	}
}

func cleaned(s Series) Series {
	s, _ = s.Clean()
	return s
}

func quoted(s string) string {
	return cmp.Or(s, "not given")
}
