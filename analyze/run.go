package analyze

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
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
func (a *analysis) newRun(ctx context.Context, b *bundle.Run, keepProfiles bool) (analysed, error) {
	r := &Run{
		Path:     b.Path,
		Mode:     b.Plan.Mode(),
		Side:     b.Plan.Labels[bundle.LabelSide],
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
	probeStart, probeEnd := bundle.Ends(bundle.ProbeWait)
	firstStart, firstEnd := bundle.Ends(bundle.FreePhase(0)) // in which events are counted
	in, generated := r.read(b)
	r.importLocks(&in)
	r.SAs = saDeltas(in.sas, bundle.PhaseStart, bundle.PhaseEnd)
	r.Drops = newDrops(in.counters)
	r.Packets = newPackets(r.SAs, in.sas, in.traffic, r.Manifest.Window.Seconds())
	from := newSenders(r.Manifest.Plan.CPUs, &in)
	r.addSenders(from)
	r.Packets.Jain = evenness(r.Packets, r.Manifest.Plan.CPUs)
	kernel := r.kallsyms(a, b)
	r.Phases = newPhases(&b.Manifest)
	var effect []bundle.Warning
	var fast fastPaths
	r.Locks, fast, effect = newLocks(lockSource{
		manifest: &r.Manifest, Locks: in.locks, finds: in.finds.Rows, sas: r.SAs, kernel: kernel,
		rate: r.Packets.Rate, probed: probeRate(in.sas), sent: from.shareIn(&in, r.SAs, probeStart, probeEnd),
	})
	r.Warnings = append(r.Warnings, effect...)
	r.warnPhases()
	r.Finds = newFinds(&b.Manifest, in.finds, r.SAs)
	r.Matrix = newMatrix(in.finds.Rows, r.SAs, r.Manifest.Plan.CPUs)
	r.Drift = newDrift(in.facts)
	r.Layouts = newLayouts(in.layouts)
	if err := r.readEvents(ctx, a, b, kernel, in.imports); err != nil {
		return analysed{}, err
	}
	r.Counted = newTotals(in.totals, r.Phases, from.shareIn(&in, r.SAs, firstStart, firstEnd))
	if r.Manifest.Source == "import" {
		r.N = importedN(r)
	}
	r.Name = runName(r)
	r.Config = config(b, &in)
	r.CPUTimes = newCPUTimes(r, in)
	r.Identities = newIdentities(r, in)
	r.Gates = newGates(r, in)
	r.markDoubts()
	for _, e := range r.Events {
		e.release(keepProfiles)
	}
	return analysed{timed{r, fast}, generated}, nil
}

// An input is the rows of one run.
type input struct {
	sas      []bundle.SA
	counters []bundle.Counter
	deltas   []delta // of counters
	traffic  *bundle.Traffic
	locks    bundle.Locks
	finds    bundle.Finds
	facts    []bundle.Fact
	layouts  []bundle.StructLayout
	policies []bundle.Policy
	totals   []bundle.Total
	imports  []*importer.Import
}

// read reads the rows of a run. A file that is damaged is kept up to there.
func (r *Run) read(b *bundle.Run) (in input, measured []generated) {
	in.imports, measured = r.readImports(b)
	var err error
	in.sas, err = b.SAs()
	r.keep("SAs", err)
	in.counters, err = b.Counters()
	r.keep("counters", err)
	in.deltas = counterDeltas(in.counters)
	in.traffic, err = b.Traffic()
	r.keep("packets", err)
	if in.traffic == nil {
		in.traffic = importedTraffic(measured)
	}
	in.locks, err = b.Locks()
	r.keep("lock waits", err)
	in.finds, err = b.Finds()
	r.keep("finds", err)
	in.facts, err = b.Placement()
	r.keep("placement", err)
	in.layouts, err = b.Layouts()
	r.keep("layouts", err)
	in.policies, err = b.Policies()
	r.keep("policies", err)
	in.totals, err = b.Totals()
	r.keep("counts of the events", err)
	return in, measured
}

// runName is the mode and the number of CPUs, or the directory of an unlabelled
// run.
func runName(r *Run) string {
	if r.Mode == "" {
		return path.Base(r.Path)
	}
	name := fmt.Sprintf("%s n=%d", r.Mode, r.N)
	if repeat := r.Labels[bundle.LabelRepeat]; repeat != "" {
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

// readEvents decodes perf.data, if there is one, and takes the profiles of
// foreign files.
func (r *Run) readEvents(ctx context.Context, a *analysis, b *bundle.Run, kernel *symbols.Table, imports []*importer.Import) error {
	profiles, err := r.profiles(ctx, a, b, kernel)
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
	var classes []*classified
	for _, p := range profiles {
		c := classify(p, a.stages)
		classes = append(classes, c)
		e := newEvent(c, r.Manifest.Window.Seconds(), r.Packets)
		e.checkCoverage(r.Manifest.Plan.CPUs, r.Manifest.Window.Seconds())
		r.Events = append(r.Events, e)
	}
	r.Misses = newMisses(r.Events)
	if at := slices.Index(r.Events, r.Main()); at >= 0 {
		r.Heat = newHeat(classes[at], r.Manifest.Window)
	}
	return nil
}

func (r *Run) gap(g bundle.Gap) {
	if !slices.Contains(r.Gaps, g) {
		r.Gaps = append(r.Gaps, g)
	}
}

func (r *Run) profiles(ctx context.Context, a *analysis, b *bundle.Run, kernel *symbols.Table) ([]*profile.Profile, error) {
	f, err := perfdata.OpenFS(b, bundle.PerfDataFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return profile.Build(ctx, f, profile.Options{
		Kallsyms: kernel, User: a.opt.User, Store: a.opt.Symbols, Workers: a.perRun,
		Timeline: timelineOf(f.Events, r.Manifest.Window),
	})
}

// kallsyms returns the kernel's symbols as recorded, nil with a gap if there
// are none.
func (r *Run) kallsyms(a *analysis, b *bundle.Run) *symbols.Table {
	if !b.Has(bundle.PerfDataFile) && !b.Has(bundle.LocksFile) {
		return nil // nothing to name
	}
	table, err := a.kernels.read(b)
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

// minCoverage is the share of a CPU's time the samples of a clock must make up
// for their weight to be taken as time.
const minCoverage = 0.95

// coverage compares the weight of a clock's samples with the time that passed:
// a clock that samples every CPU all the time must sum to CPUs x window. It
// falls short where ticks are late or lost: a throttled event, a virtual CPU
// that does not run, a CPU that went offline, a perf that was killed. It returns
// the share over all CPUs, those of the plan that have no sample too, and of the
// CPU that has least; ok is false if the event is no such clock.
func (e *Event) coverage(planned bundle.CPUSet, window float64) (whole, low float64, lowCPU int, ok bool) {
	_, modifiers, _ := strings.Cut(e.Name, ":")
	exclusive := strings.ContainsAny(modifiers, "ku") // cpu-clock:k leaves user time out
	if e.Unit != "nanoseconds" || exclusive || window <= 0 || len(e.CPUs) == 0 {
		return 0, 0, -1, false
	}
	low, lowCPU = math.Inf(1), -1
	sampled := make(bundle.CPUSet, 0, len(e.CPUs))
	for _, c := range e.CPUs {
		sampled = append(sampled, c.CPU)
		if share := c.Total.Period / 1e9 / window; share < low {
			low, lowCPU = share, c.CPU
		}
	}
	cpus := len(e.CPUs)
	for _, cpu := range planned {
		if !sampled.Contains(cpu) {
			low, lowCPU = 0, cpu
			cpus++
		}
	}
	return e.All.Total.Period / 1e9 / window / float64(cpus), low, lowCPU, true
}

// checkCoverage warns of samples that do not make up the time.
func (e *Event) checkCoverage(planned bundle.CPUSet, window float64) {
	whole, low, lowCPU, ok := e.coverage(planned, window)
	if !ok || low >= minCoverage {
		return
	}
	e.Warnings = append(e.Warnings, bundle.Warning{
		Weakens: metric.CostID,
		Text: fmt.Sprintf("samples make up %.0f %% of the CPUs' time (CPU %d: %.0f %%): ticks came late or not at all; shares hold if they were lost at random, cost per packet is too low",
			100*whole, lowCPU, 100*low),
	})
}
