package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
)

// recover puts in order what an earlier call left that was ended at some
// moment.
func (w *worker) recover(ctx context.Context) error {
	if err := w.undoEarlier(ctx); err != nil {
		return err
	}
	if err := w.checkMade(); err != nil {
		return err
	}
	for i := range w.runs {
		run := &w.runs[i]
		if slices.Contains(w.table.Dirs, run.Dir) {
			continue
		}
		// The run got its name, the table not its line.
		if w.whole(run.Dir) == nil {
			w.say("%s is complete: taken over", run.Dir)
			if _, err := w.add(run.Dir); err != nil {
				return err
			}
			continue
		}
		// All was measured and saved, the run did not get its name.
		if run.Result.From == "" && w.whole(run.Dir+partSuffix) == nil {
			w.say("%s is complete: taken over", run.Dir+partSuffix)
			if _, err := w.commit(run); err != nil {
				return err
			}
			continue
		}
		for _, dir := range []string{run.Dir, run.Dir + partSuffix} {
			if err := w.setAside(dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// undoEarlier ends the processes of an earlier call and undoes its set-up.
func (w *worker) undoEarlier(ctx context.Context) error {
	name := filepath.Join(w.dir, currentName)
	data, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("resuming the sweep: %w", err)
	}
	if err := w.opt.Machine.Recover(); err != nil {
		return err
	}
	var c current
	if err := json.Unmarshal(data, &c); err != nil || len(c.Setup) != len(c.Teardown) {
		return fmt.Errorf("%s is damaged: undo the set-up by hand and remove it", name)
	}
	if c.Boot != procfs.Root("").BootID() {
		w.say("%s was set up before this boot: not undone", c.Run)
		return os.Remove(name)
	}
	if len(c.Setup) > 0 {
		w.say("undoing the set-up of %s", c.Run)
	}
	// The set-up may have ended half-way, and its tear-down find less than it
	// takes away.
	if err := w.tearDown(ctx, c.Run, c.Setup, c.Teardown); err != nil {
		w.say("%v", err)
		return os.Remove(name)
	}
	return nil
}

// checkMade takes runs out of the table that are not what they were.
func (w *worker) checkMade() error {
	for _, dir := range slices.Clone(w.table.Dirs) {
		err := w.whole(dir)
		if err == nil {
			continue
		}
		w.say("%s is not whole (%v): it is made again", dir, firstLine(err))
		w.table.Dirs = slices.DeleteFunc(w.table.Dirs, func(d string) bool { return d == dir })
		if err := errors.Join(w.setAside(dir), w.save()); err != nil {
			return err
		}
	}
	return nil
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// whole reports why a directory is no complete run of this scenario with every
// file as it was written, nil if it is.
func (w *worker) whole(dir string) error {
	runs, err := bundle.OpenAll(filepath.Join(w.dir, dir))
	if err != nil {
		return err
	}
	r := runs[0]
	switch {
	case r.Status != bundle.Complete:
		return fmt.Errorf("it is %s: %s", r.Status, r.Why)
	case r.Plan.Scenario != w.hash:
		return errors.New("it is of another scenario")
	}
	return r.Verify()
}

// setAside moves what is left of a run out of the way, and names it in the
// table of contents; nothing to move is no error.
func (w *worker) setAside(dir string) error {
	from := filepath.Join(w.dir, dir)
	if _, err := os.Lstat(from); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := os.MkdirAll(filepath.Join(w.dir, bundle.AsideDir), 0o755); err != nil {
		return fmt.Errorf("setting %s aside: %w", dir, err)
	}
	for i := 1; ; i++ {
		name := fmt.Sprintf("%s/%s.%d", bundle.AsideDir, strings.TrimSuffix(dir, partSuffix), i)
		err := bundle.Rename(from, filepath.Join(w.dir, name))
		var exists *bundle.ExistsError
		if errors.As(err, &exists) {
			continue
		}
		if err != nil {
			return fmt.Errorf("setting %s aside: %w", dir, err)
		}
		w.say("%s did not end: kept as %s", strings.TrimSuffix(dir, partSuffix), filepath.Join(w.dir, name))
		w.table.Aside = append(w.table.Aside, name)
		return w.save()
	}
}
