package analyze

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"

	"xfrmscope/analyze/curves"
	"xfrmscope/analyze/lines"
	"xfrmscope/analyze/locks"
	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/analyze/symbols"
	"xfrmscope/collect/bundle"
)

// Options of an analysis.
type Options struct {
	Tool     string   // program and version, printed in every report
	Headline []string // metric ids that the sweep named before it was run

	// User keeps the user part of stacks; Symbols has the files to name it by,
	// nil for none. With it a Result depends on the machine it is made on: files
	// whose build id is not the recorded one are not used.
	User    bool
	Symbols *symbols.Store

	// Fields say what the instructions of a kernel touch, by its build id, of simulated runs.
	Fields map[string]*lines.Instructions

	// Profiles is how many bytes of profiles are kept, about, beside one for each of the
	// recordings; 0 is MaxProfiles.
	Profiles int64

	// Whole is called with each run while it still has all of its profiles, of
	// which many runs keep few: one at a time, in the order given. nil for none;
	// its error ends the analysis.
	Whole func(*result.Run) error
}

// An analysis is what the runs of one Result share.
type analysis struct {
	opt     Options
	stages  *stage.Table
	kernels kernels
	perRun  int // workers that decode one run
	buffers perfdata.Buffers
	tables  profile.Buffers

	profiles atomic.Int64 // bytes of those of all runs
}

// Runs analyses runs side by side. The order of runs does not matter: they are
// put in the order of mode, N and name. Damage is in the Result; the error is
// ctx's. What the Result says in words, its Findings, reports/finding sets, and its
// Contrasts sides.Contrasts.
func Runs(ctx context.Context, bundles []*bundle.Run, opt Options) (*result.Result, error) {
	r := &result.Result{Schema: result.SchemaVersion, Tool: opt.Tool, Headline: opt.Headline}
	runs, err := analyseAll(ctx, bundles, opt)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(runs, func(a, b analysed) int { return inOrder(a.Run, b.Run) })
	each := make([]locks.Timed, len(runs))
	for i := range runs {
		each[i] = runs[i].Timed
	}
	locks.SetBounces(each)
	r.Runs = eachMeasured(runs)
	slices.SortFunc(r.Runs, inOrder)
	r.Curves = curves.New(r.Runs)
	warnMixedHosts(r)
	warnDropped(r)
	return r, nil
}

// inOrder is the order in which runs are reported.
func inOrder(a, b *result.Run) int {
	return cmp.Or(
		cmp.Compare(a.Side, b.Side), cmp.Compare(a.Mode, b.Mode), cmp.Compare(a.N, b.N),
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.Path, b.Path),
	)
}

// warnMixedHosts names what differs between the runs besides what was asked
// for: such runs can be looked at together, not compared.
func warnMixedHosts(r *result.Result) {
	differ := func(what string, of func(*result.Run) string) {
		seen := map[string]bool{}
		for _, run := range r.Runs {
			seen[of(run)] = true
		}
		if len(seen) > 1 {
			r.Warnings = append(r.Warnings,
				bundle.Warn("comparison", "the runs differ in their %s", what))
		}
	}
	differ("host", func(r *result.Run) string { return r.Manifest.Host.Name })
	differ("kernel", func(r *result.Run) string { return r.Manifest.Host.Kernel + r.Manifest.Host.BuildID })
	pmus := result.PMUs(r.Runs) // of which a run on few CPUs has not all
	differ("main event", func(r *result.Run) string {
		switch e := r.Main(); {
		case e == nil:
			return ""
		case slices.Contains(pmus, e.Name):
			return bundle.BaseEvent(e.Name)
		default:
			return e.Name
		}
	})
}
