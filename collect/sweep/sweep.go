// Package sweep makes the runs of a scenario, one after the other, and loses
// none: a run is part of the sweep from the moment its directory gets its name,
// which is when everything in it is on disk. Ended at any other moment, the next
// call with the same scenario undoes what was set up, keeps what was measured
// beside the sweep, and goes on with the runs that are missing.
//
//	SWEEP/scenario.yaml   the resolved scenario, written first
//	SWEEP/sweep.json      runs planned and made, rewritten after each
//	SWEEP/NAME            a run
//	SWEEP/NAME.part       the run that is being made
//	SWEEP/aside/NAME.1    a run that did not end
//	SWEEP/log/            what set-up and tear-down printed
//	SWEEP/current.json    the set-up that is to be undone, while there is one
package sweep

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/record"
	"xfrmscope/collect/scenario"
)

// Names in a sweep's directory; see the package's comment.
const (
	currentName = "current.json"
	partSuffix  = ".part"
)

// Progress is what the sweep is at.
type Progress struct {
	Run          *scenario.Run
	Index, Total int           // run Index, from 1, of Total
	Step         string        // what is being done
	Left         time.Duration // estimated time until the sweep ends
	Share        float64       // of the sweep that is done, by time
	Took         time.Duration // of a run that has ended
	Finished     *bundle.Run   // the run, once it is part of the sweep
}

// Options of a sweep.
type Options struct {
	Machine  Machine
	Progress func(Progress)    // called from one goroutine at a time; may be nil
	Say      func(line string) // what was found of an earlier attempt; may be nil
	BootID   string            // of the machine that measures, if the scenario has boots
}

// Run makes the runs of a resolved scenario in dir: those it does not hold yet.
// The sweep is returned as it is then, also beside an error: a *StopError says
// what stopped it, and wraps ctx's if that was it.
func Run(ctx context.Context, s *scenario.Scenario, dir string, opt Options) (*bundle.Sweep, error) {
	w, err := open(s, dir, opt)
	if err != nil {
		return nil, err
	}
	defer w.lock.Close()
	err = w.recover(ctx)
	if err == nil {
		err = w.makeMissing(ctx)
	}
	return w.table, err
}

// A worker makes the runs of one sweep.
type worker struct {
	opt   Options
	dir   string
	s     *scenario.Scenario
	hash  string
	runs  []scenario.Run
	table *bundle.Sweep
	lock  *os.File

	planned, took time.Duration // of the runs made by this call
}

// open makes the directory, or takes over one that holds a sweep of the same
// scenario.
func open(s *scenario.Scenario, dir string, opt Options) (*worker, error) {
	text, err := s.Text()
	if err != nil {
		return nil, err
	}
	w := &worker{opt: opt, dir: dir, s: s, hash: scenario.Hash(text)}
	w.runs = s.Runs(w.hash)
	fresh, err := isNew(dir)
	if err != nil {
		return nil, err
	}
	if fresh {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("making the sweep: %w", err)
		}
	}
	if w.lock, err = lock(dir); err != nil {
		return nil, err
	}
	if err := w.begin(text); err != nil {
		w.lock.Close()
		return nil, err
	}
	return w, nil
}

// isNew reports whether dir is empty or absent; it fails if dir holds something
// that is no sweep.
func isNew(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, fmt.Errorf("making the sweep: %w", err)
	}
	for _, e := range entries {
		if e.Name() == bundle.ScenarioFile || e.Name() == bundle.ScenarioFile+partSuffix {
			return false, nil
		}
	}
	if len(entries) > 0 {
		return false, &bundle.ExistsError{Path: dir}
	}
	return true, nil
}

// lock keeps a second sweep out of dir until it is closed, or its process ends.
func lock(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("making the sweep: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: another xfrmscope is at work in it: wait for it to end", dir)
	}
	return f, nil
}

// begin writes the scenario and the first table of contents, or reads those
// that are there.
func (w *worker) begin(text []byte) error {
	name := filepath.Join(w.dir, bundle.ScenarioFile)
	old, err := os.ReadFile(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if err := bundle.WriteWhole(name, text); err != nil {
			return fmt.Errorf("making the sweep: %w", err)
		}
	case err != nil:
		return fmt.Errorf("resuming the sweep: %w", err)
	case scenario.Hash(old) != w.hash:
		return &OtherError{Dir: w.dir, Is: scenario.Hash(old), Want: w.hash}
	}
	w.table, err = bundle.ReadSweep(bundle.DirFS(w.dir), w.dir)
	var absent *bundle.NotBundleError
	if errors.As(err, &absent) {
		w.table = &bundle.Sweep{Name: w.s.Name, Scenario: w.hash, Headline: w.s.Headline}
		for i := range w.runs {
			w.table.Planned = append(w.table.Planned, w.runs[i].Dir)
		}
		err = w.save()
	}
	return err
}

func (w *worker) save() error { return bundle.WriteSweep(w.dir, w.table) }

// makeMissing makes the runs that the table lacks, in their order: of several boots
// those of the one that this is, and says then that the next one is needed.
func (w *worker) makeMissing(ctx context.Context) error {
	if w.s.Boots < 2 {
		return w.makeOf(ctx, 0)
	}
	for boot := 1; boot <= w.s.Boots; boot++ {
		if !w.lacks(boot) {
			continue
		}
		if err := w.enter(boot); err != nil {
			return err
		}
		if err := w.makeOf(ctx, boot); err != nil {
			return err
		}
	}
	return nil
}

// lacks reports whether a run of a boot is missing.
func (w *worker) lacks(boot int) bool {
	return slices.ContainsFunc(w.runs, func(r scenario.Run) bool {
		return r.Boot == boot && !slices.Contains(w.table.Dirs, r.Dir)
	})
}

// enter says whether this boot of the machine may be a boot of the sweep: not if runs
// of another one were made in it. One that was cut short goes on in the boot after
// it: each run's manifest has the boot that it was made in.
func (w *worker) enter(boot int) error {
	id := w.opt.BootID
	if id == "" {
		return &BootError{Dir: w.dir, Done: boot - 1, Of: w.s.Boots}
	}
	for _, r := range w.runs {
		if !slices.Contains(w.table.Dirs, r.Dir) {
			continue
		}
		made, err := bundle.Open(os.DirFS(filepath.Join(w.dir, r.Dir)), r.Dir)
		if err != nil {
			return err
		}
		switch {
		case r.Boot != boot && made.Manifest.Host.BootID == id:
			return &BootError{Dir: w.dir, Done: boot - 1, Of: w.s.Boots, Is: id}
		case r.Boot == boot && made.Manifest.Host.BootID != id:
			w.say("boot %d of %d was cut short: its other runs are made in this one", boot, w.s.Boots)
			return nil
		}
	}
	return nil
}

// makeOf makes the missing runs of a boot, in their order.
func (w *worker) makeOf(ctx context.Context, boot int) error {
	for i := range w.runs {
		run := &w.runs[i]
		if run.Boot != boot || slices.Contains(w.table.Dirs, run.Dir) {
			continue
		}
		began := time.Now()
		p := Progress{Run: run, Index: i + 1, Total: len(w.runs)}
		b, err := w.makeRun(ctx, run, func(step string) {
			p.Step = step
			p.Left, p.Share = w.left(time.Since(began))
			w.report(p)
		})
		if err != nil {
			return w.stop(run, err)
		}
		w.planned, w.took = w.planned+record.Length(run.Plan), w.took+time.Since(began)
		p.Step, p.Took, p.Finished = "saved", time.Since(began), b
		p.Left, p.Share = w.left(0)
		w.report(p)
	}
	return nil
}

func (w *worker) report(p Progress) {
	if w.opt.Progress != nil {
		w.opt.Progress(p)
	}
}

func (w *worker) say(format string, args ...any) {
	if w.opt.Say != nil {
		w.opt.Say(fmt.Sprintf(format, args...))
	}
}

// left estimates the time until the sweep ends, and what share of it has passed;
// since is how long the run that is being made has taken already. Runs take as much
// longer than planned as those did that were made by this call.
func (w *worker) left(since time.Duration) (left time.Duration, share float64) {
	longer := 1.0
	if w.planned > 0 {
		longer = w.took.Seconds() / w.planned.Seconds()
	}
	var all, missing time.Duration
	for i := range w.runs {
		length := time.Duration(longer * float64(record.Length(w.runs[i].Plan)))
		all += length
		if !slices.Contains(w.table.Dirs, w.runs[i].Dir) {
			missing += length
		}
	}
	left = max(0, missing-since)
	return left, 1 - left.Seconds()/all.Seconds()
}

// Length returns about how long all runs of a resolved scenario take, without what
// their set-ups take.
func Length(runs []scenario.Run) time.Duration {
	var sum time.Duration
	for i := range runs {
		sum += record.Length(runs[i].Plan)
	}
	return sum
}
