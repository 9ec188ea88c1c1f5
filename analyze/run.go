package analyze

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"xfrmscope/analyze/checks"
	"xfrmscope/analyze/cost"
	"xfrmscope/analyze/lines"
	"xfrmscope/analyze/locks"
	"xfrmscope/analyze/packets"
	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
	"xfrmscope/analyze/sides"
	"xfrmscope/analyze/symbols"
	"xfrmscope/collect/bundle"
)

// newRun analyses one run. What cannot be read becomes a gap of the run; only
// a cancelled ctx is an error.
func (a *analysis) newRun(ctx context.Context, b *bundle.Run,
	whole func(*result.Run) error) (analysed, error) {
	r := &result.Run{
		Path:     b.Path,
		Mode:     b.Plan.Mode(),
		Side:     b.Plan.Labels[bundle.LabelSide],
		N:        len(b.Plan.CPUs),
		Labels:   b.Plan.Labels,
		Manifest: b.Manifest,
		Losses:   slices.DeleteFunc(slices.Clone(b.Losses), locks.IsLockLoss), // those stand beside the locks
		Warnings: slices.Clone(b.Manifest.Warnings),
		Gaps:     slices.Clone(b.Manifest.Gaps),
	}
	if b.Status == bundle.Partial {
		r.Warn("run", "the run is partial: %s", b.Why)
	}
	probeStart, probeEnd := bundle.Ends(bundle.ProbeWait)
	firstStart, firstEnd := bundle.Ends(bundle.FreePhase(0)) // in which events are counted
	in, generated := read(r, b)
	importLocks(r, &in)
	r.SAs = packets.SADeltas(in.SAs, bundle.PhaseStart, bundle.PhaseEnd)
	r.Drops = packets.NewDrops(in.Counters)
	r.Packets = packets.New(r.SAs, in.SAs, in.Traffic, r.Manifest.Window.Seconds())
	from := packets.NewSenders(r.Manifest.Plan.CPUs, &in)
	packets.AddSenders(r, from)
	r.Packets.Jain = packets.Evenness(r.Packets, r.Manifest.Plan.CPUs)
	kernel := kallsyms(r, a, b)
	r.Phases = packets.NewPhases(&b.Manifest)
	var effect []bundle.Warning
	var fast locks.FastPaths
	r.Locks, fast, effect = locks.New(locks.Source{
		Manifest: &r.Manifest, Locks: in.Locks, Finds: in.Finds.Rows, SAs: r.SAs, Kernel: kernel,
		Rate: r.Packets.Rate, Probed: packets.ProbeRate(in.SAs),
		Sent: from.ShareIn(&in, r.SAs, probeStart, probeEnd),
	})
	r.Warnings = append(r.Warnings, effect...)
	packets.SetUnperturbed(r, len(in.Totals) > 0)
	packets.WarnPhases(r)
	r.Lookups = locks.NewLookups(&b.Manifest, in.Finds, r.SAs)
	r.Matrix = locks.NewMatrix(in.Finds.Rows, r.SAs, r.Manifest.Plan.CPUs)
	r.Drift = checks.NewDrift(in.Facts)
	r.Layouts = cost.NewLayouts(in.Layouts)
	if err := readEvents(ctx, r, a, b, kernel, in); err != nil {
		return analysed{}, err
	}
	r.Counted = cost.NewTotals(in.Totals, r.Phases, from.ShareIn(&in, r.SAs, firstStart, firstEnd))
	cost.CountedByOwnPackets(r)
	if err := readLines(ctx, r, a, b, kernel, in); err != nil {
		return analysed{}, err
	}
	if r.Manifest.Source == "import" {
		r.N = importedN(r)
	}
	r.Name = runName(r)
	r.Config = sides.Config(b, &in)
	r.CPUTimes = cost.NewCPUTimes(r, in)
	r.ConsistencyChecks = checks.NewConsistency(r, in)
	r.Gates = checks.NewGates(r, in)
	checks.MarkDoubts(r)
	if err := whole(r); err != nil {
		return analysed{}, err
	}
	return analysed{locks.Timed{Run: r, Fast: fast}, generated}, nil
}

// read reads the rows of a run. A file that is damaged is kept up to there.
func read(r *result.Run, b *bundle.Run) (in packets.Rows, measured []generated) {
	in.Imports, measured = readImports(r, b)
	var err error
	in.SAs, err = b.SAs()
	r.Keep("SAs", err)
	in.Counters, err = b.Counters()
	r.Keep("counters", err)
	in.Deltas = packets.Deltas(in.Counters)
	in.Traffic, err = b.Traffic()
	r.Keep("packets", err)
	if in.Traffic == nil {
		in.Traffic = importedTraffic(measured)
	}
	in.Locks, err = b.Locks()
	r.Keep("lock waits", err)
	in.Finds, err = b.Finds()
	r.Keep("finds", err)
	in.Facts, err = b.Placement()
	r.Keep("placement", err)
	in.Layouts, err = b.Layouts()
	r.Keep("layouts", err)
	in.Policies, err = b.Policies()
	r.Keep("policies", err)
	in.Totals, err = b.Totals()
	r.Keep("counts of the events", err)
	in.Lines, err = b.Lines()
	r.Keep("cache lines", err)
	return in, measured
}

// runName is the mode and the number of CPUs, or the directory of an unlabelled
// run.
func runName(r *result.Run) string {
	if r.Mode == "" {
		return path.Base(r.Path)
	}
	name := fmt.Sprintf("%s n=%d", r.Mode, r.N)
	if repeat := r.Labels[bundle.LabelRepeat]; repeat != "" {
		name += " #" + repeat
	}
	return name
}

// readEvents decodes perf.data, if there is one, and takes the profiles of
// foreign files.
func readEvents(ctx context.Context, r *result.Run, a *analysis, b *bundle.Run, kernel *symbols.Table,
	in packets.Rows) error {
	profiles, err := profiles(ctx, r, a, b, kernel)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	absent := errors.Is(err, fs.ErrNotExist)
	for _, im := range in.Imports {
		profiles = append(profiles, im.Profiles...)
	}
	if absent && len(profiles) == 0 {
		r.Gap(bundle.Gap{What: "samples", Why: "the run holds no perf.data"})
		return nil
	}
	if err != nil && !absent {
		r.Gap(bundle.Gap{What: "samples", Why: err.Error()})
	}
	var classes []*cost.Classified
	for _, p := range profiles {
		c := cost.Classify(p, a.stages)
		classes = append(classes, c)
		e := cost.NewEvent(c, r.Manifest.Window.Seconds(), r.Packets)
		cost.CheckCoverage(e, r.Manifest.Plan.CPUs, r.Manifest.Window.Seconds(), in.Deltas)
		r.Events = append(r.Events, e)
	}
	cost.ByOwnPackets(r)
	r.Misses = cost.NewMisses(r.Events)
	var mains []*cost.Classified
	for _, e := range r.Mains() {
		mains = append(mains, classes[slices.Index(r.Events, e)])
	}
	r.Heat = cost.NewHeat(mains, r.Manifest.Window)
	return nil
}

// readLines takes the lines that a simulated machine moved, or those that samples of
// memory accesses show.
func readLines(ctx context.Context, r *result.Run, a *analysis, b *bundle.Run, kernel *symbols.Table,
	in packets.Rows) error {
	r.Lines = lines.New(in.Lines, r.Manifest.Plan.CPUs, r.Packets.Total, r.Manifest.Host.CPUModel)
	if r.Lines != nil {
		return nil
	}
	fields := fieldsOf(r, a)
	memory := slices.ContainsFunc(r.Events, func(e *result.Event) bool { return e.Memory })
	if !memory && fields == nil {
		return nil
	}
	listed, err := b.Objects()
	r.Keep("objects of the kernel's memory", err)
	names := &lines.Names{Text: kernel, Data: variables(b), Layouts: append(listed.Structs, in.Layouts...),
		Fields: fields}
	names.Objects, names.Slabs = lines.Objects(listed.Objects, in.Finds.Rows)
	if r.Lines = printedLines(r, in, names); r.Lines != nil {
		return nil
	}
	read := lines.Missed
	if memory {
		read = lines.Sampled
	}
	f, err := perfdata.OpenFS(b, bundle.PerfDataFile)
	if err != nil {
		return nil // why there are no samples is said where they are read
	}
	defer f.Close()
	f.Reuse(&a.buffers)
	r.Lines, err = read(ctx, f, names, r)
	r.Keep("cache lines", err)
	if r.Lines == nil && err == nil {
		r.Gap(bundle.Gap{What: "fields by instruction", Why: "no event that counts cache misses was sampled"})
	}
	return ctx.Err()
}

// printedLines takes those of texts that perf printed, nil if none tells.
func printedLines(r *result.Run, in packets.Rows, names *lines.Names) *result.Lines {
	var accesses []perfdata.Access
	cpuid := ""
	for _, im := range in.Imports {
		accesses, cpuid = append(accesses, im.Accesses...), cmp.Or(cpuid, im.CPUID)
	}
	return lines.Printed(accesses, cpuid, names, r)
}

// fieldsOf is what the instructions of the run's kernel touch, nil if no simulated run
// of that build was given.
func fieldsOf(r *result.Run, a *analysis) *lines.Instructions {
	if len(a.opt.Fields) == 0 || r.Manifest.Source == "lab" {
		return nil
	}
	build := r.Manifest.Host.BuildID
	fields := a.opt.Fields[build]
	if fields == nil {
		r.Gap(bundle.Gap{What: "fields by instruction",
			Why: "no simulated run that was given is of this run's " +
				"kernel, build id " + cmp.Or(build, "not recorded"),
			Fix: "xfrmscope lab run with the kernel that was measured"})
	}
	return fields
}

// variables are the kernel's, nil if the run does not hold them: lines are then named
// less.
func variables(b *bundle.Run) *symbols.Table {
	f, err := b.Open(bundle.KallsymsFile)
	if err != nil {
		return nil
	}
	defer f.Close()
	table, err := symbols.ReadKallsymsData(f)
	if err != nil {
		return nil // what is wrong with it is said of the functions
	}
	return table
}

func profiles(ctx context.Context, r *result.Run, a *analysis, b *bundle.Run,
	kernel *symbols.Table) ([]*profile.Profile, error) {
	f, err := perfdata.OpenFS(b, bundle.PerfDataFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	f.Reuse(&a.buffers)
	return profile.Build(ctx, f, profile.Options{
		Kallsyms: kernel, User: a.opt.User, Store: a.opt.Symbols, Workers: a.perRun,
		Buffers:  &a.tables,
		Timeline: cost.TimelineOf(f.Events, r.Manifest.Window),
	})
}

// kallsyms returns the kernel's symbols as recorded, nil with a gap if there
// are none.
func kallsyms(r *result.Run, a *analysis, b *bundle.Run) *symbols.Table {
	if !b.Has(bundle.PerfDataFile) && !b.Has(bundle.LocksFile) && !b.Has(bundle.KallsymsFile) {
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
		r.Gap(g)
	}
	return table
}
