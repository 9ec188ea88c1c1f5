// Package probe loads and attaches the eBPF probes and reads what they counted.
//
//	LoadWait -> Wait.Attach -> Wait.Open .. Wait.Shut (the window) -> Wait.Read -> Wait.Close
//
// A probe that the kernel refuses costs that probe only; the wait probe climbs
// down a ladder of rungs before it is given up.
package probe

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"

	"xfrmscope/bpf"
	"xfrmscope/collect/bundle"
)

// A Wait is the loaded wait probe. Attached, it counts between Open and Shut.
// It is used by one goroutine.
type Wait struct {
	rung     Rung
	counters *ebpf.Map
	window   *ebpf.Variable
	maps     *ebpf.Collection
	loaded   []loadedPair
	links    []link.Link
}

// A loadedPair is a pair the verifier has taken.
type loadedPair struct {
	pair
	programs [2]*ebpf.Program // begin, end
}

// LoadWait loads the wait probe by the best rung the kernel allows, and returns
// the rungs it had to pass over. If it allows none the probe is nil. Loading
// takes long, for the kernel's BTF is read and the programs are verified;
// Attach does not. Needs CAP_BPF and CAP_PERFMON.
func LoadWait() (*Wait, []Attempt) {
	var passed []Attempt
	for _, rung := range Ladder() {
		w, err := LoadWaitBy(rung)
		if err == nil {
			return w, passed
		}
		passed = append(passed, Attempt{rung, err})
	}
	return nil, passed
}

// LoadWaitBy loads the wait probe by one rung, and attaches it for a moment to
// see that it can.
func LoadWaitBy(rung Rung) (*Wait, error) {
	// Where this fails loading says so: newer kernels do not count it.
	_ = rlimit.RemoveMemlock()
	spec, err := bpf.LoadWait()
	if err != nil {
		return nil, fmt.Errorf("reading the wait probe: %w", err)
	}
	pairs, err := rung.pairs()
	if err != nil {
		return nil, err
	}
	maps, err := ebpf.NewCollection(&ebpf.CollectionSpec{Maps: spec.Maps, Types: spec.Types, ByteOrder: spec.ByteOrder, Variables: spec.Variables})
	if err != nil {
		return nil, fmt.Errorf("making the wait probe's maps: %w", err)
	}
	w := &Wait{rung: rung, maps: maps, counters: maps.Maps[bpf.WaitMapWaitCpus], window: maps.Variables[bpf.WaitVarWindow]}
	err = errors.Join(w.loadAll(spec, pairs), w.attachAll())
	if !w.countsSpin() {
		w.Close()
		return nil, err
	}
	return w, w.detach()
}

// countsSpin reports whether a pair for spin locks is left: those for rwlocks
// alone are no probe.
func (w *Wait) countsSpin() bool {
	return slices.ContainsFunc(w.loaded, func(l loadedPair) bool {
		return l.begin != bpf.WaitProgReadBegin && l.begin != bpf.WaitProgWriteBegin
	})
}

// loadAll loads every pair the kernel lets it; the error joins the refusals.
func (w *Wait) loadAll(spec *ebpf.CollectionSpec, pairs []pair) error {
	var errs []error
	for _, p := range pairs {
		programs, err := w.load(spec, p)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.target, err))
			continue
		}
		w.loaded = append(w.loaded, loadedPair{p, programs})
	}
	return errors.Join(errs...)
}

func (w *Wait) load(spec *ebpf.CollectionSpec, p pair) (programs [2]*ebpf.Program, err error) {
	begin, end := p.specs(w.rung, spec)
	part := &ebpf.CollectionSpec{Maps: spec.Maps, Types: spec.Types, ByteOrder: spec.ByteOrder, Variables: spec.Variables,
		Programs: map[string]*ebpf.ProgramSpec{begin.Name: begin, end.Name: end}}
	coll, err := ebpf.NewCollectionWithOptions(part, ebpf.CollectionOptions{MapReplacements: w.maps.Maps})
	if err != nil {
		return programs, err
	}
	defer coll.Close()
	return [2]*ebpf.Program{coll.DetachProgram(begin.Name), coll.DetachProgram(end.Name)}, nil
}

// Attach attaches the probe: every pair that was loaded. One the kernel refuses
// is dropped, which Blind shows; without one for spin locks it is an error.
func (w *Wait) Attach() error {
	if err := w.attachAll(); !w.countsSpin() {
		return fmt.Errorf("attaching the wait probe: %w", err)
	}
	return nil
}

// attachAll attaches the pairs; the error joins the refusals.
func (w *Wait) attachAll() error {
	var errs []error
	w.loaded = slices.DeleteFunc(w.loaded, func(l loadedPair) bool {
		err := w.attachPair(l)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", l.target, err))
			l.programs[0].Close()
			l.programs[1].Close()
		}
		return err != nil
	})
	return errors.Join(errs...)
}

// attachPair attaches the end first, so that no begin waits for one that
// nobody sees.
func (w *Wait) attachPair(l loadedPair) error {
	end, err := w.attach(l.programs[1], "contention_end")
	if err != nil {
		return err
	}
	begin, err := w.attach(l.programs[0], "contention_begin")
	if err != nil {
		end.Close()
		return err
	}
	w.links = append(w.links, begin, end)
	return nil
}

func (w *Wait) attach(program *ebpf.Program, tracepoint string) (link.Link, error) {
	if w.rung == RawTP {
		return link.AttachRawTracepoint(link.RawTracepointOptions{Name: tracepoint, Program: program})
	}
	return link.AttachTracing(link.TracingOptions{Program: program})
}

func (w *Wait) detach() error {
	var errs []error
	for _, l := range w.links {
		errs = append(errs, l.Close())
	}
	w.links = nil
	return errors.Join(errs...)
}

// Detach undoes Attach. What was counted stays, and the probe may be attached
// again.
func (w *Wait) Detach() error { return w.detach() }

// Rung returns how the probe is attached.
func (w *Wait) Rung() Rung { return w.rung }

// Blind returns what the probe cannot see, one clause each.
func (w *Wait) Blind() []string {
	blind := []string{
		"lines that bounce: an acquisition that did not wait is not seen, however slow it was",
		"sleeping locks (mutex, rw_semaphore, the spin locks of PREEMPT_RT)",
	}
	if w.rung != Fentry {
		return append(blind,
			"the first waiter in line of a native queued spin lock, who spins on the pending bit without an event: with two CPUs on a lock, all of its waiting",
			"test-and-set spin locks: a guest without paravirtual ones fires no event",
		)
	}
	var names []string
	for _, l := range w.loaded {
		names = append(names, l.target)
	}
	targets := strings.Join(names, " ")
	if !strings.Contains(targets, "read_lock") || !strings.Contains(targets, "write_lock") {
		blind = append(blind, "waits for rwlocks: only "+targets+" could be attached")
	}
	return blind
}

// Open starts counting the waits that begin from now on.
func (w *Wait) Open() error { return w.set(1) }

// Shut stops counting waits that begin from now on; those under way are
// counted when they end.
func (w *Wait) Shut() error { return w.set(0) }

func (w *Wait) set(open uint32) error {
	if err := w.window.Set(open); err != nil {
		return fmt.Errorf("switching the wait probe: %w", err)
	}
	return nil
}

// Close detaches the probe and unloads it.
func (w *Wait) Close() error {
	errs := []error{w.detach()}
	for _, l := range w.loaded {
		errs = append(errs, l.programs[0].Close(), l.programs[1].Close())
	}
	w.loaded = nil
	w.maps.Close()
	return errors.Join(errs...)
}

// Waits is what the wait probe counted.
type Waits struct {
	Rows     []bundle.LockRow     // sorted by CPU, then lock
	Accounts []bundle.LockAccount // one for each possible CPU, sorted
	Skipped  uint64               // runs the kernel's recursion guard skipped
}

// Read returns what was counted since the probe was loaded.
func (w *Wait) Read() (*Waits, error) {
	var cpus []bpf.WaitWaitCpu
	if err := w.counters.Lookup(uint32(0), &cpus); err != nil {
		return nil, fmt.Errorf("reading the wait probe: %w", err)
	}
	waits := decode(cpus)
	for _, l := range w.loaded {
		for _, p := range l.programs {
			stats, err := p.Stats()
			if err != nil {
				return waits, fmt.Errorf("reading the wait probe's misses: %w", err)
			}
			waits.Skipped += stats.RecursionMisses
		}
	}
	return waits, nil
}
