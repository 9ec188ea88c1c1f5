// Package scaling says what more CPUs bring and what they cost.
//
//	Curve -> Scale            speed-up and efficiency over N, knee, loss
//	Curve, Curve -> CompareCeiling  is the plateau the ceiling (the same path without IPsec)?
//	Curve -> FitUSL           Universal Scalability Law: gamma, sigma, kappa, peak
//	Curve, Curve -> FitBoth   did sigma and kappa change?
//	[]Costs -> Breakdowns          cost per packet at N less at the base, by key
//	Breakdown -> Waterfall         the same in packets/s that are missing
//	[]Costs -> Frames         growth exponent of each frame; frames that stop scaling
//	[]Lookup -> FindWalk      does a lookup get slower with each SA in its bucket?
//
// A Point holds one value a run at one N, the number of CPUs that were used. The
// rules of comparison (runs, levels, seed, typed reasons) are those of package
// compare. Results hold no NaN and no infinity.
package scaling
