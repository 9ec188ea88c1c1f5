package compare

import "fmt"

// A Code is the kind of a Reason: for programs, stable.
type Code string

// The codes of package compare and package scaling.
const (
	NoRuns         Code = "no-runs"          // a side has no usable value
	TooFewRuns     Code = "too-few-runs"     // a test or an interval needs more
	NotFinite      Code = "not-finite"       // NaN or infinite values were dropped
	ZeroBefore     Code = "zero-before"      // the ratio is undefined
	SignsDiffer    Code = "signs-differ"     // the ratio has no meaning
	AllEqual       Code = "all-equal"        // every run gave the same value: no spread to judge by
	TooFewBoots    Code = "too-few-boots"    // the sides differ in boots, and significance needs several of each
	UnequalRuns    Code = "unequal-runs"     // one side has many more runs
	UnequalScale   Code = "unequal-scale"    // the sides differ a hundredfold: check the unit
	OneSidedBlock  Code = "one-sided-block"  // a block with runs of one side only tells nothing
	NoBlocks       Code = "no-blocks"        // no usable blocks
	NoSamplingErr  Code = "no-sampling-err"  // one run a side, and its sampling error is not known
	CannotBeShown  Code = "cannot-be-shown"  // no change of any size could be significant here
	Forced         Code = "forced"           // compared although refused
	BelowMinChange Code = "below-min-change" // the sides differ, but perhaps by less than is interesting
	LowConfidence  Code = "low-confidence"   // an interval has a lower level than asked
	NotApplicable  Code = "not-applicable"   // the question does not arise
	TooFewN        Code = "too-few-n"        // package scaling: distinct numbers of CPUs
	NoConvergence  Code = "no-convergence"   // package scaling: the fit failed
	ZeroCost       Code = "zero-cost"        // package scaling: no cost to take the logarithm of
	NoBase         Code = "no-base"          // package scaling: no runs at N=1
	BeyondData     Code = "beyond-data"      // package scaling: past the largest N measured
	BadValue       Code = "bad-value"        // an input that no measurement gives: N < 1, a negative cost
	MixedTotals    Code = "mixed-totals"     // package scaling: totals and parts do not cover the same runs
	UnknownKey     Code = "unknown-key"      // one side does not say
	DifferentKey   Code = "different-key"    // the sides say different things
	InDoubt        Code = "in-doubt"         // a run's number is not to be believed: it is marked !
	Weakened       Code = "weakened"         // a run's number was measured with something lost, or beside something
	OtherBasis     Code = "other-basis"      // the sides' numbers are by samples here, by /proc/stat there
	GateFailed     Code = "gate-failed"      // a run met a condition that makes differences meaningless
)

// A Reason says why a number is absent or weaker than it looks.
type Reason struct {
	Code Code   `json:"code"`
	Text string `json:"text"` // one clause with its figures
}

// Doubted says why numbers are in doubt that have these notes, "" if they are not.
func Doubted(notes []Reason) string { return Noted(notes, InDoubt) }

// Noted is the first of the notes with a code, "" if there is none.
func Noted(notes []Reason, code Code) string {
	for _, n := range notes {
		if n.Code == code {
			return n.Text
		}
	}
	return ""
}

// Because returns a Reason. It is exported for package scaling.
func Because(code Code, format string, args ...any) *Reason {
	return &Reason{Code: code, Text: fmt.Sprintf(format, args...)}
}
