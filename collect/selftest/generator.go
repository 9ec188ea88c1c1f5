package selftest

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"

	"xfrmscope/bpf"
	"xfrmscope/collect/bundle"
	"xfrmscope/collect/sched"
)

// A Load is what every CPU does, over and over.
type Load string

const (
	Own    Load = "own"    // take and release a lock of this CPU alone
	Shared Load = "shared" // take and release one lock
	Atomic Load = "atomic" // count up twice on one line: no lock, no wait
)

// repeat is how many operations one system call does, about a millisecond.
const repeat = 5000

// frame is the least the kernel takes as a packet (net/bpf/test_run.c
// bpf_prog_test_run_skb, 6.12); the programs do not look at it.
func frame() []byte { return make([]byte, 14) }

// A generator runs loads. It is used by one goroutine.
type generator struct {
	programs map[Load]*ebpf.Program
	places   *ebpf.Map
	coll     *ebpf.Collection
}

func newGenerator() (*generator, error) {
	_ = rlimit.RemoveMemlock() // where this fails, loading says so
	spec, err := bpf.LoadContend()
	if err != nil {
		return nil, fmt.Errorf("reading the generator: %w", err)
	}
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, fmt.Errorf("counting CPUs: %w", err)
	}
	spec.Maps[bpf.ContendMapContendPlaces].MaxEntries = uint32(cpus)
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, fmt.Errorf("loading the generator: %w", err)
	}
	return &generator{coll: coll, places: coll.Maps[bpf.ContendMapContendPlaces], programs: map[Load]*ebpf.Program{
		Own:    coll.Programs[bpf.ContendProgOwn],
		Shared: coll.Programs[bpf.ContendProgShared],
		Atomic: coll.Programs[bpf.ContendProgAtomic],
	}}, nil
}

func (g *generator) close() { g.coll.Close() }

// Work is what a load did.
type work struct {
	asked uint64 // operations asked for
	done  uint64 // operations done, as counted by the load itself: under the lock, if there is one
	turns uint64 // of done: the lock had been another CPU's the time before
	ns    uint64 // kernel time of the operations asked for, by its own clock, summed over CPUs
}

// run has each CPU run the load for d.
func (g *generator) run(ctx context.Context, load Load, cpus bundle.CPUSet, d time.Duration) (work, error) {
	before, err := g.counted(load)
	if err != nil {
		return work{}, err
	}
	parts, errs := make([]work, len(cpus)), make([]error, len(cpus))
	var ready, ended sync.WaitGroup
	ready.Add(len(cpus))
	for i, cpu := range cpus {
		ended.Go(func() {
			runtime.LockOSThread() // never unlocked: the pinned thread ends with the goroutine
			errs[i] = sched.PinThread(bundle.CPUSet{cpu})
			ready.Done()
			ready.Wait()
			if errs[i] == nil {
				parts[i], errs[i] = loop(ctx, g.programs[load], time.Now().Add(d))
			}
		})
	}
	ended.Wait()
	var sum work
	for i := range parts {
		if errs[i] != nil {
			return sum, errs[i]
		}
		sum.asked += parts[i].asked
		sum.ns += parts[i].ns
	}
	after, err := g.counted(load)
	sum.done, sum.turns = after.done-before.done, after.turns-before.turns
	return sum, err
}

// loop runs the program until the deadline.
func loop(ctx context.Context, program *ebpf.Program, deadline time.Time) (work, error) {
	var w work
	in := frame()
	for time.Now().Before(deadline) {
		if err := ctx.Err(); err != nil {
			return w, err
		}
		ret, each, err := program.Benchmark(in, repeat, nil)
		if err != nil {
			return w, fmt.Errorf("running the generator: %w", err)
		}
		if ret != 0 {
			return w, fmt.Errorf("running the generator: it returned %d: no lock for this CPU", ret)
		}
		w.asked += repeat
		w.ns += uint64(each) * repeat
	}
	return w, nil
}

func (g *generator) read() ([]bpf.ContendContendPlace, error) {
	places := make([]bpf.ContendContendPlace, g.places.MaxEntries())
	for i := range places {
		if err := g.places.Lookup(uint32(i), &places[i]); err != nil {
			return nil, fmt.Errorf("reading the generator: %w", err)
		}
	}
	return places, nil
}

// counted returns the operations of a load so far, and their turns. Own and
// shared count in the same places, one at a time.
func (g *generator) counted(load Load) (work, error) {
	places, err := g.read()
	var sum work
	for i := range places {
		if load == Atomic {
			sum.done += places[i].Gets
			continue
		}
		sum.done += places[i].Taken
		sum.turns += places[i].Turns
	}
	return sum, err
}

// locks returns the addresses of the generator's locks that have been taken, as
// LockRow.Lock has them.
func (g *generator) locks() (map[string]bool, error) {
	places, err := g.read()
	set := map[string]bool{}
	for i := range places {
		if a := places[i].Address; a != 0 {
			set[fmt.Sprintf("%#x", a)] = true
		}
	}
	return set, err
}
