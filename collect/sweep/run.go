package sweep

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/record"
	"xfrmscope/collect/scenario"
)

// makeRun sets up, records, undoes the set-up and makes the run a part of the
// sweep. On an error nothing is left set up, and what was measured is set aside.
func (w *worker) makeRun(ctx context.Context, run *scenario.Run, say func(string)) (*bundle.Run, error) {
	if err := w.checkSpace(); err != nil {
		return nil, err
	}
	part := filepath.Join(w.dir, run.Dir+partSuffix)
	before := stat(run.Result.File)
	if err := w.setUp(ctx, run, say); err != nil {
		return nil, err
	}
	_, err := w.opt.Machine.Record(ctx, run, w.s.Steady, part, say)
	if err == nil {
		err = w.keepResult(ctx, run, part, before)
	}
	say("undoing the set-up")
	undo := w.tearDown(ctx, run.Dir, run.Setup, run.Teardown)
	if err != nil {
		return nil, errors.Join(partial(err), undo, w.setAside(run.Dir+partSuffix))
	}
	b, err := w.commit(run)
	return b, errors.Join(err, undo)
}

// partial drops from an error where the run was recorded: it is elsewhere now.
func partial(err error) error {
	var p *record.PartialError
	if errors.As(err, &p) {
		return &runError{p.Why, p.Err}
	}
	return err
}

// commit makes a complete run a part of the sweep.
func (w *worker) commit(run *scenario.Run) (*bundle.Run, error) {
	part, full := filepath.Join(w.dir, run.Dir+partSuffix), filepath.Join(w.dir, run.Dir)
	if err := bundle.Share(w.dir, part); err != nil {
		return nil, err
	}
	if err := bundle.Rename(part, full); err != nil {
		return nil, err
	}
	return w.add(run.Dir)
}

// add names a committed run in the table of contents, in the order planned.
func (w *worker) add(dir string) (*bundle.Run, error) {
	w.table.Dirs = append(w.table.Dirs, dir)
	slices.SortFunc(w.table.Dirs, func(a, b string) int {
		return slices.Index(w.table.Planned, a) - slices.Index(w.table.Planned, b)
	})
	if err := w.save(); err != nil {
		w.table.Dirs = slices.DeleteFunc(w.table.Dirs, func(d string) bool { return d == dir })
		return nil, err
	}
	runs, err := bundle.OpenAll(filepath.Join(w.dir, dir))
	if err != nil {
		return nil, err
	}
	return runs[0], nil
}

// keepSpace is how many runs as large as the largest must fit on the disk
// before another is begun.
const keepSpace = 2

// checkSpace refuses to begin a run that would fill the disk.
func (w *worker) checkSpace() error {
	largest := int64(0)
	for _, dir := range w.table.Dirs {
		largest = max(largest, sizeOf(filepath.Join(w.dir, dir)))
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(w.dir, &fs); err != nil || largest == 0 {
		return nil
	}
	if free := int64(fs.Bavail) * int64(fs.Bsize); free < keepSpace*largest {
		return fmt.Errorf("%s has %.1f MB left, and a run takes up to %.1f: %w; make room", w.dir,
			float64(free)/1e6, float64(largest)/1e6, unix.ENOSPC)
	}
	return nil
}

func sizeOf(dir string) int64 {
	total := int64(0)
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			total += info.Size()
		}
		return nil
	})
	return total
}

// shell runs a command of the scenario with its output in a log of the sweep.
func (w *worker) shell(ctx context.Context, what, run, line string) error {
	name := filepath.Join(w.dir, bundle.LogDir, run+"."+what+".log")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	log, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	if err := w.opt.Machine.Shell(ctx, line, log, log); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("the %s was interrupted: %w", what, ctx.Err())
		}
		return &CommandError{What: what, Command: line, Last: record.LastLines(name, 3), Err: err}
	}
	return nil
}

// stop wraps what ended the sweep at a run.
func (w *worker) stop(run *scenario.Run, err error) error {
	return &StopError{Dir: w.dir, Run: run.String(), Made: len(w.table.Dirs), Total: len(w.runs), Err: err}
}
