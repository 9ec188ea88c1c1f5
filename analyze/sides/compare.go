package sides

import (
	"cmp"
	"fmt"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/compare"
	"xfrmscope/analyze/result"
)

// CompareOptions are the rules of Compare and the names of its sides.
type CompareOptions struct {
	compare.Options        // Force compares what is refused, and says so
	Before, After   string // names of the sides

	// Expected are keys of Run.Config that are the change under test: "kernel".
	Expected []string
}

// The sides of a comparison, values of Run.Side.
const (
	Before = "before"
	After  = "after"
)

// Compare says what differs between two analysed sides. The Result holds the
// runs of both, those before first, with their curves, and the Comparison. The
// sides may come from bundles or from a results.json: a profile is used where
// there is one, else the functions that Event.All lists.
//
// The order of runs does not matter. The error is a *compare.RefusedError if the
// sides differ in scenario, event, unit or in where packets were counted; with
// Force they are compared, and Comparison.Forced says so.
func Compare(before, after *result.Result, opt CompareOptions) (*result.Result, error) {
	opt.Options = opt.Defaults()
	for _, side := range []struct {
		name string
		r    *result.Result
	}{{opt.Before, before}, {opt.After, after}} {
		switch {
		case side.r.Comparison != nil:
			return nil, fmt.Errorf("%s is a comparison of two sides itself: compare the runs, or a "+
				"report of one side", cmp.Or(side.name, "a side"))
		case len(result.RunsPresent(side.r)) == 0:
			return nil, fmt.Errorf("%s has no runs: nothing to compare", cmp.Or(side.name, "a side"))
		}
	}
	r := merge(before, after)
	of := func(side string) func(*result.Run) bool {
		return func(run *result.Run) bool { return run.Side == side }
	}
	c := &result.Comparison{Options: opt.Options, Before: sideOf(opt.Before, r, of(Before)),
		After: sideOf(opt.After, r, of(After))}
	r.Comparison = c
	b, a := result.RunsPresent(before), result.RunsPresent(after)
	forced, err := compare.Admit(mustAgree(opt.Before, before), mustAgree(opt.After, after), opt.Options)
	if err != nil {
		return nil, err
	}
	c.Forced = forced
	m := &matching{before: opt.Before, after: opt.After, options: opt.Options}
	modes, err := m.pair(b, a)
	if err != nil {
		return nil, err
	}
	c.Forced, c.Notes = append(c.Forced, m.forced...), m.notes
	c.Varied = variation(modes, opt.Expected)
	c.Gates = checks.WorstGates(r.Runs)
	newComparer(c, r.Headline).compare(modes)
	return r, nil
}

// merge puts both sides into one Result. Neither is changed.
func merge(before, after *result.Result) *result.Result {
	r := &result.Result{Schema: result.SchemaVersion, Tool: before.Tool, Headline: before.Headline}
	if after.Tool != "" {
		r.Tool = after.Tool
	}
	for _, side := range []struct {
		name string
		from *result.Result
	}{{Before, before}, {After, after}} {
		at := make([]int, len(side.from.Runs)) // new index of each run
		for i, run := range side.from.Runs {
			at[i] = -1
			if run == nil {
				continue
			}
			at[i] = len(r.Runs)
			clone := *run
			clone.Side = side.name
			r.Runs = append(r.Runs, &clone)
		}
		for _, c := range side.from.Curves {
			c.Side, c.Runs = side.name, moved(c.Runs, at)
			r.Curves = append(r.Curves, c)
		}
		for _, f := range side.from.Findings {
			f.Subject, f.Claim = side.name, side.name+": "+f.Claim
			r.Findings = append(r.Findings, f)
		}
		for _, w := range side.from.Warnings {
			r.Warnings = append(r.Warnings, w.Behind(side.name+": "))
		}
	}
	return r
}

// moved returns the new indexes of runs; what was no index is left out.
func moved(runs, at []int) []int {
	var out []int
	for _, i := range runs {
		if i >= 0 && i < len(at) && at[i] >= 0 {
			out = append(out, at[i])
		}
	}
	return out
}

// sideOf is the runs that are of a side, by their indexes.
func sideOf(name string, r *result.Result, is func(*result.Run) bool) result.CompareSide {
	s := result.CompareSide{Name: name}
	for i, run := range r.Runs {
		if run != nil && is(run) {
			s.Runs = append(s.Runs, i)
		}
	}
	return s
}
