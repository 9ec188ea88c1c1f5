package analyze

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"xfrmscope/analyze/importer"
	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/symbols"
	"xfrmscope/collect/bundle"
)

// newRun analyses one run. What cannot be read becomes a gap of the run; only
// a cancelled ctx is an error.
func newRun(ctx context.Context, b *bundle.Run, opt Options) (*Run, error) {
	r := &Run{
		Path:     b.Path,
		Mode:     b.Plan.Labels["mode"],
		N:        len(b.Plan.CPUs),
		Labels:   b.Plan.Labels,
		Manifest: b.Manifest,
		Losses:   slices.DeleteFunc(slices.Clone(b.Losses), isLockLoss), // those stand beside the locks
		Warnings: slices.Clone(b.Manifest.Warnings),
		Gaps:     slices.Clone(b.Manifest.Gaps),
	}
	if b.Status == bundle.Partial {
		r.warn("run", "the run is partial: "+b.Why)
	}
	imports := r.readImports(b)
	r.readTraffic(b, imports)
	r.readLocks(b)
	if err := r.readEvents(ctx, b, opt, imports); err != nil {
		return nil, err
	}
	if e := r.Main(); r.N == 0 && e != nil {
		r.N = len(e.CPUs) // an import: the CPUs that have samples
	}
	r.Name = runName(r)
	r.Config = config(b)
	return r, nil
}

// runName is the mode and the number of CPUs, or the directory of an unlabelled
// run.
func runName(r *Run) string {
	if r.Mode == "" {
		return path.Base(r.Path)
	}
	name := fmt.Sprintf("%s n=%d", r.Mode, r.N)
	if repeat := r.Labels["repeat"]; repeat != "" {
		name += " #" + repeat
	}
	return name
}

func (r *Run) warn(weakens, text string) {
	r.Warnings = append(r.Warnings, bundle.Warning{Weakens: weakens, Text: text})
}

// keep notes a file that could be read in part or not at all.
func (r *Run) keep(what string, err error) {
	if err != nil {
		r.warn(what, err.Error())
	}
}

func (r *Run) readTraffic(b *bundle.Run, imports []*importer.Import) {
	rows, err := b.SAs()
	r.keep("SAs", err)
	counters, err := b.Counters()
	r.keep("counters", err)
	traffic, err := b.Traffic()
	r.keep("packets", err)
	if traffic == nil {
		traffic = importedTraffic(imports)
	}
	r.SAs = saDeltas(rows, windowStart, windowEnd)
	r.probeRate = probeRate(rows)
	r.Drops = newDrops(counters)
	r.Packets = newPackets(r.SAs, rows, traffic, r.Manifest.Window.Seconds())
}

func (r *Run) readLocks(b *bundle.Run) {
	locks, err := b.Locks()
	r.keep("lock waits", err)
	r.Locks = newLocks(&b.Manifest, locks.Waits, locks.Accounts, r.Packets.Rate, r.probeRate)
	r.Warnings = append(r.Warnings, r.Locks.warnEffect()...)
}

// readEvents decodes perf.data, if there is one, and takes the profiles of
// foreign files.
func (r *Run) readEvents(ctx context.Context, b *bundle.Run, opt Options, imports []*importer.Import) error {
	profiles, err := r.profiles(ctx, b, opt)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	absent := errors.Is(err, fs.ErrNotExist)
	for _, im := range imports {
		profiles = append(profiles, im.Profiles...)
	}
	if absent && len(profiles) == 0 {
		r.gap(bundle.Gap{What: "samples", Why: "the run holds no perf.data"})
		return nil
	}
	if err != nil && !absent {
		r.gap(bundle.Gap{What: "samples", Why: err.Error()})
	}
	for _, p := range profiles {
		e := newEvent(p, r.Manifest.Window.Seconds(), r.Packets)
		e.checkCoverage(r.Manifest.Window.Seconds())
		r.Events = append(r.Events, e)
	}
	r.Misses = newMisses(r.Events)
	return nil
}

func (r *Run) gap(g bundle.Gap) {
	if !slices.Contains(r.Gaps, g) {
		r.Gaps = append(r.Gaps, g)
	}
}

func (r *Run) profiles(ctx context.Context, b *bundle.Run, opt Options) ([]*profile.Profile, error) {
	f, err := perfdata.OpenFS(b, "perf.data")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return profile.Build(ctx, f, profile.Options{Kallsyms: r.kallsyms(b), User: opt.User, Store: opt.Symbols})
}

// kallsyms returns the kernel's symbols as recorded, nil with a gap if there
// are none.
func (r *Run) kallsyms(b *bundle.Run) *symbols.Table {
	table, err := readKallsyms(b)
	if err == nil {
		err = table.Usable()
	}
	if err != nil {
		g := bundle.Gap{What: "names of kernel functions", Why: err.Error()}
		var unusable *symbols.UnusableError
		if errors.As(err, &unusable) {
			g.Why, g.Fix = unusable.Why, unusable.Fix
		}
		r.gap(g)
	}
	return table
}

// kallsymsFile is where a bundle keeps the kernel's text symbols.
const kallsymsFile = "symbols/kallsyms.gz"

func readKallsyms(b *bundle.Run) (*symbols.Table, error) {
	f, err := b.Open(kallsymsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // a nil table says it is absent
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return symbols.ReadKallsyms(f)
}

// minCoverage is the share of a CPU's time the samples of a clock must make up
// for their weight to be taken as time.
const minCoverage = 0.95

// checkCoverage compares the weight of a clock's samples with the time that
// passed: a clock that samples every CPU all the time must sum to CPUs x
// window. It falls short where ticks are late or lost: a throttled event, a
// virtual CPU that does not run, a CPU that went offline.
func (e *Event) checkCoverage(window float64) {
	exclusive := strings.Contains(e.Name, ":") // cpu-clock:k leaves user time out
	if e.Unit != "nanoseconds" || exclusive || window <= 0 || len(e.CPUs) == 0 {
		return
	}
	low, lowCPU := 1.0, -1
	for _, c := range e.CPUs {
		if share := c.Total.Period / 1e9 / window; share < low {
			low, lowCPU = share, c.CPU
		}
	}
	whole := e.All.Total.Period / 1e9 / window / float64(len(e.CPUs))
	if low < minCoverage {
		e.Warnings = append(e.Warnings, bundle.Warning{
			Weakens: metric.CostID,
			Text: fmt.Sprintf("samples make up %.0f %% of the CPUs' time (CPU %d: %.0f %%): ticks came late or not at all; shares hold if they were lost at random, cost per packet is too low",
				100*whole, lowCPU, 100*low),
		})
	}
}
