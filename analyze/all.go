package analyze

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"

	"xfrmscope/analyze/cost"
	"xfrmscope/analyze/locks"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
)

// MaxProfiles is what Options.Profiles is by itself, maxProfiles how many runs keep their profiles.
// Of a larger set only the median run of each side, mode and N does: it is what a
// report shows, and the rest would not fit into memory.
const (
	MaxProfiles = 56 << 20 // bytes
	maxProfiles = 64
)

// An analysed is a run with what only the steps over all runs need.
type analysed struct {
	locks.Timed
	generated []generated
}

// analyseAll analyses runs in parallel, some of the CPUs each, and returns them
// in the order of bundles.
func analyseAll(ctx context.Context, bundles []*bundle.Run, opt Options) ([]analysed, error) {
	cores := runtime.GOMAXPROCS(0)
	workers := max(1, min(cores, len(bundles)))
	a := &analysis{opt: opt, stages: stage.Default(), perRun: max(1, cores/workers)}
	medians := sync.OnceValue(func() []bool { return mediansOf(bundles) })
	most := cmp.Or(opt.Profiles, MaxProfiles)
	for _, b := range bundles {
		most += recorded(b)
	}
	tooMany := func() bool { return len(bundles) > maxProfiles || a.profiles.Load() > most }
	out := make([]analysed, len(bundles))
	errs := make([]error, len(bundles))
	turn := make([]chan struct{}, len(bundles)+1) // closed when the runs before have been whole
	for i := range turn {
		turn[i] = make(chan struct{})
	}
	close(turn[0])
	bundle.OnAllCores(len(bundles), func(i int) {
		out[i], errs[i] = a.newRun(ctx, bundles[i], func(r *result.Run) error {
			if opt.Whole == nil {
				return nil
			}
			<-turn[i]
			return opt.Whole(r)
		})
		for _, e := range out[i].events() {
			a.profiles.Add(cost.ProfileBytes(e))
			cost.Release(e, !tooMany() || medians()[i])
		}
		if opt.Whole != nil {
			<-turn[i]
			close(turn[i+1])
		}
	})
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	for i := range out { // those that were kept as long as they seemed to fit
		for _, e := range out[i].events() {
			if tooMany() && !medians()[i] {
				cost.Release(e, false)
			}
		}
	}
	return out, nil
}

func (a *analysed) events() []*result.Event {
	if a.Run == nil {
		return nil // it failed
	}
	return a.Run.Events
}

// recorded is how large a run's recording is, packed or not.
func recorded(b *bundle.Run) int64 {
	f, err := b.Open(bundle.PerfDataFile)
	if err != nil {
		return 0
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

// mediansOf says which runs are the median ones by their rate.
func mediansOf(bundles []*bundle.Run) []bool {
	medians := make([]bool, len(bundles))
	type group struct {
		side, mode string
		n          int
	}
	type rated struct {
		run  int
		path string
		rate float64
	}
	rates := make([]float64, len(bundles))
	bundle.OnAllCores(len(bundles), func(i int) { rates[i] = rateOf(bundles[i]) })
	groups := map[group][]rated{}
	for i, b := range bundles {
		g := group{b.Plan.Labels[bundle.LabelSide], b.Plan.Mode(), len(b.Plan.CPUs)}
		groups[g] = append(groups[g], rated{i, b.Path, rates[i]})
	}
	for _, g := range groups {
		slices.SortFunc(g, func(x, y rated) int {
			return cmp.Or(cmp.Compare(x.rate, y.rate), cmp.Compare(x.path, y.path))
		})
		medians[g[(len(g)-1)/2].run] = true
	}
	return medians
}

// rateOf is packets/s of a run, 0 if they were not counted. What is wrong with
// its files is said when the run is analysed.
func rateOf(b *bundle.Run) float64 {
	rows, _ := b.SAs()
	traffic, _ := b.Traffic()
	p := packets.New(packets.SADeltas(rows, bundle.PhaseStart, bundle.PhaseEnd), rows, traffic, b.Window.Seconds())
	if !p.Rate.Measured() {
		return 0
	}
	return p.Rate.Value
}

// warnDropped says that runs have no profile because all would be too many.
func warnDropped(r *result.Result) {
	dropped := 0
	for _, run := range r.Runs {
		if e := run.Main(); e != nil && e.Profile == nil {
			dropped++
		}
	}
	if dropped > 0 {
		r.Warnings = append(r.Warnings, bundle.Warn("profiles",
			"of %d runs, %d are shown without flame graphs and without functions by CPU: so many runs "+
				"keep those of the median run of each mode and N only; all other figures are of all "+
				"runs",
			len(r.Runs), dropped))
	}
}
