package profile

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"xfrmscope/analyze/perfdata"
	"xfrmscope/analyze/symbols"
	"xfrmscope/collect/bundle"
)

// Options say how to build profiles. The zero value names no kernel function
// and leaves user frames out.
type Options struct {
	// Kallsyms names kernel addresses: the snapshot taken with the recording.
	Kallsyms *symbols.Table

	// Store has the symbols of user files and of kernel modules that Kallsyms
	// lacks; nil to do without.
	Store *symbols.Store

	// User keeps the user part of stacks. Without it, that part is left out,
	// and a sample that has no kernel part is a stack of one location in
	// mapping and function UserTime, or GuestTime inside a virtual machine.
	User bool

	// Timeline asks for the samples of some events over time as well; nil for none.
	Timeline *Timeline

	// Buffers is memory that recordings before were read with; nil for new memory.
	Buffers *Buffers

	// Workers is how many goroutines count samples, 0 for one a CPU. The
	// result does not depend on it.
	Workers int

	// asPerf does as perf script does where that is worse, for tests that compare with it: every address is named
	// as it stands, return addresses too, which names a frame wrongly where a call that never returns ends its
	// function; and a chain with a word that is neither address nor marker is dropped.
	asPerf bool
}

// Build aggregates the samples of a recording: one Profile of each event
// but dummies, in the order of the recording, an event without samples included.
//
// A kernel location is an address. A user location is a function, of a file of
// all processes together, with the function's own address in the file; all
// places of a file that no symbol covers are one location, and so are all
// addresses at which nothing was mapped.
//
// What the recording lost, and what could not be decoded or named, is in
// Losses and Warnings; an error is a failure to read the input or ctx's.
func Build(ctx context.Context, f *perfdata.File, o Options) ([]*Profile, error) {
	sb, err := f.Sideband()
	if err != nil {
		return nil, fmt.Errorf("reading side-band: %w", err)
	}
	ts := newTasks(sb)
	m := o.Buffers.take()
	defer o.Buffers.release(m)
	sh := &shared{tables: &m.tables, digester: newDigester(), store: o.Store, asPerf: o.asPerf,
		timeline: o.Timeline}
	sh.events = make([]*cellTable, len(f.Events))
	if o.User {
		sh.spaces = newSpaces(sb)
	}
	damaged, stats, slots, err := count(ctx, f, &o, sh, m, ts)
	if err != nil {
		return nil, fmt.Errorf("counting samples: %w", err)
	}
	m.resolver = newResolver(m.resolver, kernelSource(sb, &o), sh)
	a := newAssembler(sh.tables, ts, m.resolver)
	if damaged > 0 {
		a.warnings = []bundle.Warning{bundle.Warn("", "%d call chains of the recording have words that are "+
			"neither address nor context marker, left out", damaged)}
	}
	a.losses = map[string][]bundle.Loss{}
	for _, l := range append(sb.Losses[:len(sb.Losses):len(sb.Losses)], stats.Losses()...) {
		a.losses[l.Event] = append(a.losses[l.Event], l)
	}
	over, full := sumSlots(slots)
	var out []*Profile
	for _, e := range sampled(f) {
		p := a.profile(e)
		if o.Timeline != nil && slices.Contains(o.Timeline.Events, e) {
			if p.Timeline = a.timeline(e.Index, over); full {
				p.Warnings = append(p.Warnings, bundle.Warn(e.Name,
					"too many different stacks at too many times: nothing is shown over time"))
			}
		}
		out = append(out, p)
	}
	return out, nil
}

// sampled returns the events to make profiles of.
func sampled(f *perfdata.File) []*perfdata.Event {
	return slices.DeleteFunc(slices.Clone(f.Events), (*perfdata.Event).IsDummy)
}

// count lets workers count the samples of all blocks. damaged is the number of
// chains some words of which were left out.
func count(ctx context.Context, f *perfdata.File, o *Options, sh *shared, m *memory, ts *tasks) (damaged uint64,
	total perfdata.Stats, over []slots, err error) {
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	blocks := make(chan *perfdata.Block)
	counters := make([]*counter, workers)
	stats := make([]perfdata.Stats, workers)
	var wg sync.WaitGroup
	for w := range workers {
		counters[w] = m.counter(w, sh, ts)
		wg.Go(func() {
			if err := counters[w].run(f, blocks, &stats[w]); err != nil {
				cancel(err)
			}
		})
	}
	err = feed(ctx, f, blocks)
	close(blocks)
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	for w := range workers {
		damaged += counters[w].split.damaged
		total.Add(stats[w])
		over = append(over, counters[w].slots)
	}
	return damaged, total, over, err
}

// feed hands the blocks to the workers.
func feed(ctx context.Context, f *perfdata.File, blocks chan<- *perfdata.Block) error {
	for b, err := range f.Blocks(ctx) {
		if err != nil {
			return err
		}
		select {
		case blocks <- b:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// run counts blocks until there are no more. After an error it takes the rest
// without counting, so that nobody waits for it.
func (c *counter) run(f *perfdata.File, blocks <-chan *perfdata.Block, stats *perfdata.Stats) error {
	d, err := f.NewDecoder()
	for b := range blocks {
		if err != nil {
			continue
		}
		err = d.Decode(b, func(s *perfdata.Sample) error {
			c.add(s)
			return nil
		})
	}
	c.flush()
	if d != nil {
		*stats = d.Stats
	}
	return err
}
