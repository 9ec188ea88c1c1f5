// Package compare says whether a difference between two sides is real.
//
// The run is the unit: every test takes one value a run. Samples pooled over
// runs would flag unchanged functions whenever runs differ from each other.
//
//	Series, Series -> Clean -> Summarize   median, order-statistic interval, spread, bimodality
//	               -> Ratio, Difference    bootstrap intervals over runs
//	               -> RankTest, BlockTest  exact p; blocks are boots of an A B B A design
//	               -> Detect               the smallest change these runs would have shown
//	               -> Pair, Family         verdict and significance, corrected within a family
//	CostTable x 2  -> Functions            a family of per-packet function costs, names folded
//	Side x 2       -> Refusals, Variation  may they be compared, and what else differs
//	[]Series       -> AA                   how often nothing is called something
//
// A change is significant (a star in reports) with 4 runs or more on both sides
// and p (or q in a family) below Options.Alpha, unless the whole interval of the
// ratio lies within Options.MinChange. Everything else is "no change shown" with
// the smallest change that would have been shown, or a Reason why there is no
// test.
//
// The total is tested plainly, then the stages, then the functions, a family each:
// so what is found of the total does not hang on how many functions there are. A
// family is gated by a test of all its rows at once, the first step of either
// correction: of StepDown the largest difference over all hand-outs of the sides, of
// Benjamini and Hochberg that of Simes. If nothing of it changed, no row is significant
// with a probability of 0.95. The total is no gate for its stages: they may move
// against each other while it stands still, and then are what is to be seen. Nor
// is a stage for its functions, each of which may be in several. (make stats prints
// how often each level finds something and nothing.)
//
// Nothing here depends on the order of runs, of map keys or of workers, except
// that AA compares runs by their order on purpose. What is random (Detect, AA,
// the null of bimodality) uses Options.Seed, which results repeat. Output
// structures hold no NaN and no infinity: what cannot be a number has a Reason.
//
// Package compare knows nothing of bundles and runs no commands. The tests
// check it against values that R computed (testdata/*.R, *.out) and against
// simulations with a known truth.
package compare
