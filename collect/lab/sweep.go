package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"xfrmscope/collect/bundle"
)

// A Plan is the cells of a sweep.
type Plan struct {
	CPUs    []int    // numbers of senders
	Modes   []string // ModeShared, ModePCPU, ModePlain
	Repeats int      // boots of each, with a seed of their own
	Seed    int      // of the first repeat
	Traffic Traffic
	Count   int // packets of all CPUs in a window, at least
	Windows int // of a boot

	NoFields bool // see Cell
}

// warm is how many packets the CPUs do before the first window, at least: the memory of
// freed objects changes hands until then.
const warm = 8000

// Options of a sweep.
type Options struct {
	Program, Plugin string // see Kernel.Run
	Tool            string // name and version of this program
	Parallel        int    // machines at a time
	Limit           time.Duration
	Begun           func(name string, left int)           // of left runs; from one goroutine at a time, as Ended
	Ended           func(name string, took time.Duration) // and is part of the sweep
}

type sweepRun struct {
	name   string
	cell   Cell
	repeat int
}

func (p Plan) runs(limit time.Duration) []sweepRun {
	var runs []sweepRun
	for repeat := 1; repeat <= p.Repeats; repeat++ {
		for _, n := range p.CPUs {
			for _, mode := range p.Modes {
				cell := Cell{Sender: Sender{Mode: mode, CPUs: n, Traffic: p.Traffic},
					Seed: p.Seed + repeat - 1,
					Warm: warm, Count: p.Count, Windows: p.Windows, Limit: limit,
					NoFields: p.NoFields}
				runs = append(runs, sweepRun{fmt.Sprintf("%s-n%d-r%d", mode, n, repeat), cell, repeat})
			}
		}
	}
	return runs
}

// Sweep makes the runs of the plan that dir does not hold yet. Those made stay,
// whatever ends it.
func (k *Kernel) Sweep(ctx context.Context, dir string, p Plan, opt Options) error {
	runs := p.runs(opt.Limit)
	table, err := k.openSweep(dir, p, runs)
	if err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(runs),
		func(r sweepRun) bool { return slices.Contains(table.Dirs, r.name) })
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var mu sync.Mutex // guards table, and the calls of opt
	var group sync.WaitGroup
	todo := make(chan sweepRun)
	for range max(1, opt.Parallel) {
		group.Go(func() {
			for r := range todo {
				mu.Lock()
				opt.Begun(r.name, len(runs)-len(table.Dirs))
				mu.Unlock()
				began := time.Now()
				err := k.makeRun(ctx, dir, r, opt)
				mu.Lock()
				if err == nil {
					err = addRun(dir, table, r.name)
				}
				if err == nil {
					opt.Ended(r.name, time.Since(began))
				} else {
					stop(fmt.Errorf("%s: %w", r.name, err))
				}
				mu.Unlock()
			}
		})
	}
	for _, r := range missing {
		select {
		case todo <- r:
		case <-ctx.Done():
		}
	}
	close(todo)
	group.Wait()
	return context.Cause(ctx)
}

// openSweep reads the table of contents of dir, or makes it.
func (k *Kernel) openSweep(dir string, p Plan, runs []sweepRun) (*bundle.Sweep, error) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %+v", k.sum, p))
	table := &bundle.Sweep{Name: "simulated: " + k.Release, Scenario: hex.EncodeToString(sum[:])}
	for _, r := range runs {
		table.Planned = append(table.Planned, r.name)
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if len(entries) > 0 {
		old, err := bundle.ReadSweep(os.DirFS(dir), dir)
		if err != nil || old.Scenario != table.Scenario {
			return nil, &bundle.ExistsError{Path: dir}
		}
		return old, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return table, bundle.WriteSweep(dir, table)
}

// makeRun boots a cell and saves it as a run of the sweep.
func (k *Kernel) makeRun(ctx context.Context, dir string, r sweepRun, opt Options) error {
	c, err := k.Run(ctx, opt.Program, opt.Plugin, r.cell)
	if err != nil {
		return err
	}
	defer c.Close()
	part := filepath.Join(dir, r.name+".part")
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	if err := k.Save(part, opt.Tool, r.cell, r.repeat, c); err != nil {
		return err
	}
	if err := bundle.Share(dir, part); err != nil {
		return err
	}
	return bundle.Rename(part, filepath.Join(dir, r.name))
}

// addRun names a run in the table, in the order that was planned.
func addRun(dir string, table *bundle.Sweep, name string) error {
	table.Dirs = append(table.Dirs, name)
	slices.SortFunc(table.Dirs, func(a, b string) int {
		return slices.Index(table.Planned, a) - slices.Index(table.Planned, b)
	})
	return bundle.WriteSweep(dir, table)
}
