package record

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"xfrmscope/collect/bundle"
)

// startCounting makes perf stat ready: it opens the events that are sampled,
// disabled, and is enabled in the first phase without a probe. In the window
// itself it would take counters from the samples.
func (r *recorder) startCounting(ctx context.Context) {
	var err error
	if r.statLog, err = r.w.CreatePart(perfStatLog); err != nil {
		r.noTotals(err)
		return
	}
	r.counting, err = r.tool.StartCounting(ctx, r.perfOptions("", r.counted()), r.pin, r.statLog)
	if err != nil {
		r.noTotals(fmt.Errorf("%w: %s", err, LastLines(r.statLog.Name(), 2)))
		r.closeStatLog()
	}
}

func (r *recorder) enableCounting(ctx context.Context) {
	if r.counting == nil {
		return
	}
	if err := r.counting.Enable(ctx); err != nil {
		r.noTotals(err)
	}
}

func (r *recorder) disableCounting() {
	if r.counting == nil {
		return
	}
	if err := r.counting.Disable(); err != nil {
		r.noTotals(err)
	}
}

// endCounting ends perf stat, if it runs, and takes what it counted.
func (r *recorder) endCounting() {
	if r.counting == nil {
		return
	}
	c := r.counting
	r.counting = nil
	totals, err := c.Stop()
	switch {
	case err != nil:
		r.noTotals(err)
	case !slices.ContainsFunc(totals, func(t bundle.Total) bool { return t.Running > 0 }):
		r.noTotals(errors.New("the run ended before the phase in which they are counted"))
	default:
		r.totals = totals
	}
	r.closeStatLog()
	r.update(func(m *bundle.Manifest) {
		m.Commands = append(m.Commands, bundle.Command{Argv: r.tool.StatArgv(r.perfOptions("", r.counted())),
			Exit: c.ExitCode(), Stopped: true, Log: perfStatLog})
	})
}

func (r *recorder) closeStatLog() {
	r.statLog.Close()
	r.adopt(perfStatLog)
}

func (r *recorder) noTotals(err error) {
	r.gap(bundle.Gap{What: "counts of the events", Why: err.Error()})
}
