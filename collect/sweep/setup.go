package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/procfs"
	"xfrmscope/collect/scenario"
)

// A current is what current.json holds while something is set up: what a later
// call needs to undo it.
type current struct {
	Run      string   `json:"run"`
	Setup    []string `json:"setup"`
	Teardown []string `json:"teardown"` // one for each of Setup
	Boot     string   `json:"boot"`     // of the machine: what was set up is gone after another
}

// setUp runs the set-ups of a run, and undoes them if one fails.
func (w *worker) setUp(ctx context.Context, run *scenario.Run, say func(string)) error {
	if err := w.remember(current{run.Dir, run.Setup, run.Teardown, procfs.Root("").BootID()}); err != nil {
		return err
	}
	for i, line := range run.Setup {
		say("setting up")
		if err := w.shell(ctx, "set-up", run.Dir, line); err != nil {
			undo := w.tearDown(ctx, run.Dir, run.Setup[:i+1], run.Teardown[:i+1])
			if undo == nil {
				return fmt.Errorf("%w; it was undone", err)
			}
			return errors.Join(err, undo)
		}
	}
	return nil
}

// tearDown undoes set-ups, the last first, also when ctx is cancelled.
func (w *worker) tearDown(ctx context.Context, run string, setup, teardown []string) error {
	ctx = context.WithoutCancel(ctx)
	var errs []error
	for i := len(setup) - 1; i >= 0; i-- {
		if strings.TrimSpace(teardown[i]) == "" {
			continue
		}
		errs = append(errs, w.shell(ctx, "tear-down", run, teardown[i]))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return os.Remove(filepath.Join(w.dir, currentName))
}

// remember writes current.json.
func (w *worker) remember(c current) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := bundle.WriteWhole(filepath.Join(w.dir, currentName), append(data, '\n')); err != nil {
		return fmt.Errorf("noting the set-up: %w", err)
	}
	return nil
}
