package sweep

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/record"
	"xfrmscope/collect/remote"
	"xfrmscope/collect/scenario"
)

// Hosts is other machines, that measure under one window, and this one, which
// runs set-ups, loads and what prints results. The first host must measure; one
// of the others that fails is a gap of the run, and is tried again for the next.
type Hosts struct {
	Local
	Fleet *remote.Fleet
}

// Record implements Machine.
func (h *Hosts) Record(ctx context.Context, run *scenario.Run, steady *scenario.Steady, dir string,
	say func(string)) (*bundle.Run, error) {
	gaps := gapsOf(h.Fleet.Redial(ctx))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if len(h.Fleet.Sessions) == 0 || h.Fleet.Sessions[0].Host != h.Fleet.Hosts[0] {
		return nil, fmt.Errorf("host %s, whose run is the sweep's, does not measure: %s", h.Fleet.Hosts[0].Name,
			gaps[0].Why)
	}
	h.Fleet.Progress = say
	h.Fleet.StartLoad = nil
	if run.Plan.Load != nil {
		opt := h.Options
		opt.LoadEnv = append(opt.LoadEnv, h.Mark)
		h.Fleet.StartLoad = func(context.Context) (func() error, error) {
			return record.StartLoad(run.Plan.Load, dir+".load.log", opt)
		}
	}
	_, err := h.Fleet.Record(ctx, run.Plan, dir)
	b, oerr := bundle.Open(bundle.DirFS(dir), dir)
	if oerr != nil || ctx.Err() != nil || b.Status != bundle.Complete {
		return b, errors.Join(err, oerr)
	}
	failed := gapsOf(err)
	if slices.ContainsFunc(failed, func(g bundle.Gap) bool { return g.What == loadGap }) {
		return b, err
	}
	if gaps = append(gaps, failed...); steady != nil && steady.Within > 0 && run.Plan.Load != nil {
		gaps = append(gaps, bundle.Gap{What: "steadiness of the load", Why: "it is not watched on other hosts"})
	}
	w, err := bundle.Reopen(dir)
	if err != nil {
		return b, err
	}
	if err := keepLoadLog(w, dir+".load.log"); err != nil {
		return b, err
	}
	if err := w.Update(func(m *bundle.Manifest) { m.Gaps = append(m.Gaps, gaps...) }); err != nil {
		return b, err
	}
	return bundle.Open(bundle.DirFS(dir), dir)
}

// loadGap is what fails that is no host.
const loadGap = "load"

// keepLoadLog moves the load's output into the first host's run.
func keepLoadLog(w *bundle.Writer, log string) error {
	const name = bundle.LoadLog
	part, err := w.PartPath(name)
	if err != nil {
		return err
	}
	if err := os.Rename(log, part); errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return w.Adopt(name)
}

// gapsOf makes one gap of each host's error in a tree of joined ones.
func gapsOf(err error) []bundle.Gap {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var gaps []bundle.Gap
		for _, e := range joined.Unwrap() {
			gaps = append(gaps, gapsOf(e)...)
		}
		return gaps
	}
	var host *remote.Error
	if errors.As(err, &host) {
		return []bundle.Gap{{What: "host " + host.Host, Why: host.Step + ": " + host.Err.Error()}}
	}
	return []bundle.Gap{{What: loadGap, Why: err.Error()}}
}
