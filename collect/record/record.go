package record

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/perf"
	"xfrmscope/collect/probe"
)

// Run carries out the plan and writes the bundle dir, which must not hold
// anything yet. It takes the plan's duration and warm-up, and some seconds to
// try the events and to save the symbols.
//
// Once there is a bundle it is returned, whatever happens: if the window was
// cut short, or a part of the measurement failed, with status partial and a
// *PartialError. Cancelling ctx ends the window now; what was measured is kept,
// probes are detached, perf and the load are ended. A load that ends before the
// window does ends the window, with a warning; that alone is no error, but that a
// phase did not run is, unless the window was to end with the load.
func Run(ctx context.Context, plan bundle.Plan, dir string, opt Options) (*bundle.Run, error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, &bundle.ExistsError{Path: dir}
	}
	s, err := prepare(ctx, plan, opt)
	if err != nil {
		return nil, err
	}
	defer s.release()
	w, err := bundle.Create(dir, bundle.Manifest{
		Tool: opt.Tool, Source: "record", Plan: plan, Host: opt.Root.Host(), Started: time.Now(),
		Events: s.allEvents(), Warnings: s.warnings, Gaps: s.gaps,
	})
	if err != nil {
		return nil, err
	}
	r := &recorder{
		setup: s, w: w, dir: dir, loader: probe.NewLoader(),
		snapshot: snapshot{root: opt.Root, cpus: plan.CPUs, netns: plan.NetNS, packetsFile: plan.PacketsFile},
	}
	why, cause := r.run(ctx)
	return r.finish(why, cause)
}

// A recorder makes one run.
type recorder struct {
	*setup
	w   *bundle.Writer
	dir string

	snapshot snapshot
	perf     *perf.Recording // nil: not started, or ended
	perfLog  *os.File
	counting *perf.Counting // nil: not started, or ended
	statLog  *os.File
	totals   []bundle.Total
	load     *load
	loader   *probe.Loader
	loaded   loaded
	probings []*probing // of the plan, in order
	window   bundle.Window
	slabs    *bundle.Objects
	missed   []string // what was planned and possible, and is not in the run
}

// run measures and saves. It returns why the run is partial, "" if it is
// complete, and the cause.
func (r *recorder) run(ctx context.Context) (why string, cause error) {
	defer r.closeProbes()
	defer r.endLoad()
	r.loadProbes()
	if err := r.startPerf(ctx); err != nil {
		if ctx.Err() != nil {
			return "interrupted before the window", err
		}
		return err.Error(), err
	}
	defer r.perf.Kill()
	r.startCounting(ctx)
	defer r.endCounting()
	why, cause = r.measure(ctx)
	r.endLoad()
	r.expect(aboutSaved)
	if err := r.endPerf(); err != nil && why == "" {
		why, cause = err.Error(), err
	}
	if err := r.save(); err != nil && why == "" {
		why, cause = err.Error(), err
	}
	if len(r.missed) > 0 && why == "" {
		why = strings.Join(r.missed, "; ")
		cause = errors.New(why)
	}
	return why, cause
}

func (r *recorder) startPerf(ctx context.Context) error {
	r.say("starting perf")
	output, err := r.w.PartPath(bundle.PerfDataFile)
	if err != nil {
		return err
	}
	if r.perfLog, err = r.w.CreatePart(perfRecordLog); err != nil {
		return err
	}
	r.perf, err = r.tool.Start(ctx, r.perfOptions(output, r.sampled()), r.pin, r.perfLog)
	if err != nil {
		r.adopt(perfRecordLog)
		return fmt.Errorf("%w: %s", err, LastLines(r.perfLog.Name(), 3))
	}
	return nil
}

func (r *recorder) gap(g bundle.Gap) {
	r.update(func(m *bundle.Manifest) { m.Gaps = append(m.Gaps, g) })
}

func (r *recorder) warn(weakens, format string, args ...any) {
	w := bundle.Warn(weakens, format, args...)
	r.update(func(m *bundle.Manifest) { m.Warnings = append(m.Warnings, w) })
}

// update changes the manifest. Where it cannot be written, nothing later can,
// and the last update, by finish, says so.
func (r *recorder) update(change func(*bundle.Manifest)) { _ = r.w.Update(change) }

// adopt names an artefact that was written to its part path, empty ones too.
func (r *recorder) adopt(name string) {
	if err := r.w.Adopt(name); err != nil {
		r.gap(bundle.Gap{What: name, Why: err.Error()})
	}
}

// finish writes the last manifest and opens the bundle.
func (r *recorder) finish(why string, cause error) (*bundle.Run, error) {
	why = strings.ReplaceAll(why, "\n", "; ") // errors that were joined
	err := r.w.Finish(why)
	if err != nil && cause == nil {
		why, cause = err.Error(), err
	}
	run, oerr := bundle.Open(bundle.DirFS(r.dir), r.dir)
	if cause != nil {
		return run, &PartialError{Dir: r.dir, Why: why, Err: errors.Join(cause, err)}
	}
	return run, oerr
}
