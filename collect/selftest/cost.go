package selftest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"xfrmscope/collect/probe"
)

// A CostResult is what observers add to a contended wait: the run time of their
// eBPF programs as the kernel accounts it (BPF_STATS_RUN_TIME), less that of an
// empty program, which is the accounting itself.
type CostResult struct {
	Kernel   string        `json:"kernel"`
	CPUs     string        `json:"cpus"`
	Repeats  int           `json:"repeats"`
	WindowNS time.Duration `json:"window_ns"`
	EmptyNS  Spread        `json:"empty_ns"` // of an empty program, each run
	Rows     []Cost        `json:"rows"`
}

// A Cost is that of one observer of the shared load.
type Cost struct {
	Observer string `json:"observer"`
	Missing  string `json:"missing,omitempty"` // why it was not measured; then the rest is empty
	PerEvent Spread `json:"per_event_ns"`      // all its programs, each contended wait
	Events   uint64 `json:"events"`            // waits, of all repeats

	// OpRatio is ns per operation over that without an observer in the same
	// repeat, both without the accounting. It is no measure of cost: an observer
	// that slows the waiters can make a contended load faster.
	OpRatio Spread `json:"op_ratio"`
}

// A Spread is the repeats of one value.
type Spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

func spread(v []float64) Spread {
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	if n == 0 {
		return Spread{}
	}
	return Spread{(v[(n-1)/2] + v[n/2]) / 2, v[0], v[n-1]}
}

// An attachable is something that observes while it is attached.
type attachable struct {
	name    string
	attach  func(context.Context) (detach func(), err error)
	ids     []ebpf.ProgramID // its programs, if they are loaded before
	missing string

	perEvent, opRatio []float64
	events            uint64
}

// A Command is another tool: a shell command that attaches eBPF programs to
// the same waits and stays until it is interrupted.
type Command struct{ Name, Shell string }

// MeasureCost measures each attach mode of the wait probe that attaches, and each command
// of beside. The observers take turns, Rounds times, on the first two CPUs.
func MeasureCost(ctx context.Context, kernel string, o Options, beside []Command) (*CostResult, error) {
	if len(o.CPUs) < 2 {
		return nil, errors.New("contention takes two CPUs")
	}
	o.CPUs = o.CPUs[:2]
	g, err := newGenerator()
	if err != nil {
		return nil, err
	}
	defer g.close()
	empty, err := emptyObserver()
	if err != nil {
		return nil, err
	}
	observers := []*attachable{empty}
	for _, mode := range probe.WaitModes() {
		o.progress("loading the wait probe by %s", mode)
		a, unload := modeObserver(mode)
		defer unload()
		observers = append(observers, a)
	}
	for _, c := range beside {
		observers = append(observers, &attachable{name: c.Name,
			attach: func(ctx context.Context) (func(), error) { return startCommand(ctx, c.Shell) }})
	}
	var emptyNS []float64
	for i := range o.Rounds {
		o.progress("round %d of %d", i+1, o.Rounds)
		each, err := costRound(ctx, g, o, rotate(observers, i))
		if err != nil {
			return nil, err
		}
		emptyNS = append(emptyNS, each)
	}
	return costResult(kernel, o, emptyNS, observers[1:]), nil
}

// rotate returns the observers from the n-th on, the empty one first: what it
// costs is subtracted from the others of its round.
func rotate(all []*attachable, n int) []*attachable {
	rest := all[1:]
	n %= len(rest)
	return slices.Concat(all[:1], rest[n:], rest[:n])
}

func costResult(kernel string, o Options, emptyNS []float64, observers []*attachable) *CostResult {
	r := &CostResult{Kernel: kernel, CPUs: o.CPUs.String(), Repeats: o.Rounds, WindowNS: o.Window,
		EmptyNS: spread(emptyNS)}
	for _, a := range observers {
		r.Rows = append(r.Rows, Cost{Observer: a.name, Missing: a.missing, PerEvent: spread(a.perEvent),
			Events: a.events, OpRatio: spread(a.opRatio)})
	}
	return r
}

// costRound measures each observer once and returns the empty program's run
// time.
func costRound(ctx context.Context, g *generator, o Options, observers []*attachable) (emptyNS float64, err error) {
	bare, err := g.run(ctx, Shared, o.CPUs, o.Window)
	if err != nil {
		return 0, err
	}
	for i, a := range observers {
		if a.missing != "" {
			continue
		}
		o.progress("  %s", a.name)
		seen, op, err := a.measure(ctx, g, o)
		switch {
		case errors.Is(err, errUnobserved):
			a.missing = err.Error()
			continue
		case err != nil:
			return 0, err
		case i == 0:
			emptyNS = ratio(seen.ns, seen.runs)
			continue
		}
		a.events += seen.events
		a.perEvent = append(a.perEvent, (float64(seen.ns)-emptyNS*float64(seen.runs))/float64(seen.events))
		a.opRatio = append(a.opRatio, op/ratio(bare.ns, bare.asked))
	}
	return emptyNS, nil
}

// errUnobserved says that an observer could not be measured; others can.
var errUnobserved = errors.New("not measured")

// accounted is what the kernel accounted to an observer's programs.
type accounted struct {
	ns, runs uint64
	events   uint64 // runs of the program that ran most: a wait's begin, or its end
}

// measure runs the shared load twice under the observer: for the load's own
// cost, then for the programs' run time, since accounting costs as well.
func (a *attachable) measure(ctx context.Context, g *generator, o Options) (seen accounted, nsPerOp float64,
	err error) {
	before, err := programIDs()
	if err != nil {
		return seen, 0, err
	}
	detach, err := a.attach(ctx)
	if err != nil {
		return seen, 0, err
	}
	defer detach()
	ids := a.ids
	if ids == nil {
		if ids, err = programsSince(before); err != nil {
			return seen, 0, err
		}
	}
	time.Sleep(settle)
	w, err := g.run(ctx, Shared, o.CPUs, o.Window)
	if err != nil {
		return seen, 0, err
	}
	stats, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	if err != nil {
		return seen, 0, fmt.Errorf("accounting the programs' run time: %w", err)
	}
	defer stats.Close()
	start, err := account(ids)
	if err != nil {
		return seen, 0, err
	}
	if _, err := g.run(ctx, Shared, o.CPUs, o.Window); err != nil {
		return seen, 0, err
	}
	end, err := account(ids)
	if err != nil {
		return seen, 0, err
	}
	for id, e := range end {
		runs := e.RunCount - start[id].RunCount
		seen.ns += uint64(e.Runtime - start[id].Runtime)
		seen.runs += runs
		seen.events = max(seen.events, runs)
	}
	if seen.events == 0 {
		return seen, 0, fmt.Errorf("%w: none of its %d programs ran while the lock was contended",
			errUnobserved, len(ids))
	}
	return seen, ratio(w.ns, w.asked), nil
}

// account reads the run time of programs; of those that are gone, none.
func account(ids []ebpf.ProgramID) (map[ebpf.ProgramID]ebpf.ProgramStats, error) {
	all := map[ebpf.ProgramID]ebpf.ProgramStats{}
	for _, id := range ids {
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue
		}
		stats, err := p.Stats()
		p.Close()
		if err != nil {
			return nil, fmt.Errorf("reading a program's run time: %w", err)
		}
		all[id] = *stats
	}
	return all, nil
}

func programIDs() ([]ebpf.ProgramID, error) {
	var ids []ebpf.ProgramID
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if errors.Is(err, unix.ENOENT) {
			return ids, nil
		}
		if err != nil {
			return nil, fmt.Errorf("listing eBPF programs: %w", err)
		}
		ids, id = append(ids, next), next
	}
}

// programsSince returns the programs the kernel has and had not before.
func programsSince(before []ebpf.ProgramID) ([]ebpf.ProgramID, error) {
	now, err := programIDs()
	return slices.DeleteFunc(now, func(id ebpf.ProgramID) bool { return slices.Contains(before, id) }), err
}

// emptyObserver is a program that does nothing, at the begin of each wait.
func emptyObserver() (*attachable, error) {
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "empty", Type: ebpf.RawTracepoint, License: "Dual BSD/GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		return nil, fmt.Errorf("loading an empty program: %w", err)
	}
	info, err := p.Info()
	if err != nil {
		return nil, fmt.Errorf("loading an empty program: %w", err)
	}
	id, _ := info.ID()
	return &attachable{name: "empty", ids: []ebpf.ProgramID{id}, attach: func(context.Context) (func(), error) {
		l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: "contention_begin", Program: p})
		if err != nil {
			return nil, fmt.Errorf("attaching an empty program: %w", err)
		}
		return func() { l.Close() }, nil
	}}, nil
}

// modeObserver is the wait probe by one attach mode.
func modeObserver(mode probe.AttachMode) (a *attachable, unload func()) {
	a = &attachable{name: "xfrmscope, " + string(mode)}
	before, err := programIDs()
	if err != nil {
		a.missing = err.Error()
		return a, func() {}
	}
	wait, err := probe.LoadWaitBy(mode)
	if err != nil {
		a.missing = reason(mode, err)
		return a, func() {}
	}
	if a.ids, err = programsSince(before); err != nil {
		a.missing = err.Error()
	}
	a.attach = func(context.Context) (func(), error) {
		if err := wait.Attach(); err != nil {
			return nil, err
		}
		if err := wait.Open(); err != nil {
			return nil, err
		}
		return func() {
			_ = wait.Shut()
			_ = wait.Detach()
		}, nil
	}
	return a, func() { wait.Close() }
}
