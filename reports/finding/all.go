// Package finding answers questions about a Result in words: one question a
// file, each a function of the whole Result, listed in All. A finding is a claim
// with its figure, the evidence, what it does not prove and what to do next; a
// question that the data does not answer has none. Data flows one way: packages
// locks, cost, checks and curves measure, a question picks what it needs from
// the Result, and page, digest and exports print what it says.
//
// It is a room of reports, since what it makes is sentences: the Result that
// analysis hands over is all values, and whoever wants claims of it asks here, once.
// A finding itself is text (result.Finding): a type for the figures of each question
// would be the Result's own a second time, for readers of which none looks inside.
package finding

import (
	"slices"

	"xfrmscope/analyze/result"
)

// All asks every question, in the order of a report.
func All(r *result.Result) []result.Finding {
	var out []result.Finding
	for _, question := range []func(*result.Result) []result.Finding{
		noIPsec,
		bypassed,
		aggregated,
		scale,
		linear,
		ceilings,
		support,
		spin,
		happened,
		locks,
		outside,
		saCPU,
		inbound,
		drift,
		idle,
		cache,
		walk,
		frames,
		fills,
		movedLines,
		tookAway,
		falselyShared,
		foreignSAs,
		sharedLines,
	} {
		out = append(out, question(r)...)
	}
	return out
}

// eachMode calls ask with the runs of each mode that follow one another and
// pass, and gathers what it finds.
func eachMode(r *result.Result, pass func(*result.Run) bool,
	ask func([]*result.Run) (result.Finding, bool)) []result.Finding {
	runs := slices.DeleteFunc(slices.Clone(r.Runs), func(r *result.Run) bool { return !pass(r) })
	var out []result.Finding
	for len(runs) > 0 {
		n := 1
		for n < len(runs) && runs[n].ModeName() == runs[0].ModeName() {
			n++
		}
		if f, ok := ask(runs[:n]); ok {
			out = append(out, f)
		}
		runs = runs[n:]
	}
	return out
}
