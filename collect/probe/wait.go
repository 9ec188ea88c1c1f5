// Package probe attaches the eBPF probes and reads what they counted.
//
//	AttachWait -> Wait.Open .. Wait.Shut (the window) -> Wait.Read -> Wait.Close
//
// A probe that the kernel refuses costs that probe only; the wait probe climbs
// down a ladder of rungs before it is given up.
package probe

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"

	"xfrmscope/bpf"
	"xfrmscope/collect/bundle"
)

// A Wait is the attached wait probe. It counts between Open and Shut. It is
// used by one goroutine.
type Wait struct {
	rung     Rung
	targets  []string
	counters *ebpf.Map
	window   *ebpf.Variable
	programs []*ebpf.Program
	links    []link.Link
	maps     *ebpf.Collection
}

// AttachWait attaches the wait probe by the best rung the kernel allows, and
// returns the rungs it had to pass over. If none attaches the probe is nil.
// Needs CAP_BPF and CAP_PERFMON.
func AttachWait() (*Wait, []Attempt) {
	var passed []Attempt
	for _, rung := range Ladder() {
		w, err := AttachWaitBy(rung)
		if err == nil {
			return w, passed
		}
		passed = append(passed, Attempt{rung, err})
	}
	return nil, passed
}

// AttachWaitBy attaches the wait probe by one rung.
func AttachWaitBy(rung Rung) (*Wait, error) {
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
	if err := w.attachAll(spec, pairs); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// attachAll attaches every pair the kernel lets it. A pair refused costs that
// pair, unless no spin lock's is left.
func (w *Wait) attachAll(spec *ebpf.CollectionSpec, pairs []pair) error {
	var errs []error
	usable := false
	for _, p := range pairs {
		if err := w.attachPair(spec, p); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.target, err))
			continue
		}
		w.targets = append(w.targets, p.target)
		usable = usable || p.begin != bpf.WaitProgReadBegin && p.begin != bpf.WaitProgWriteBegin
	}
	if !usable {
		return errors.Join(errs...)
	}
	return nil
}

// attachPair attaches the end first, so that no begin waits for one that
// nobody sees.
func (w *Wait) attachPair(spec *ebpf.CollectionSpec, p pair) error {
	begin, end := p.specs(w.rung, spec)
	programs, err := w.load(spec, begin, end)
	if err != nil {
		return err
	}
	w.programs = append(w.programs, programs...)
	links := make([]link.Link, 0, 2)
	for _, i := range []int{1, 0} {
		l, err := w.attach(programs[i], []string{"contention_begin", "contention_end"}[i])
		if err != nil {
			for _, l := range links {
				l.Close()
			}
			return err
		}
		links = append(links, l)
	}
	w.links = append(w.links, links...)
	return nil
}

func (w *Wait) load(spec *ebpf.CollectionSpec, programs ...*ebpf.ProgramSpec) ([]*ebpf.Program, error) {
	part := &ebpf.CollectionSpec{Maps: spec.Maps, Types: spec.Types, ByteOrder: spec.ByteOrder, Variables: spec.Variables,
		Programs: make(map[string]*ebpf.ProgramSpec, len(programs))}
	for _, p := range programs {
		part.Programs[p.Name] = p
	}
	coll, err := ebpf.NewCollectionWithOptions(part, ebpf.CollectionOptions{MapReplacements: w.maps.Maps})
	if err != nil {
		return nil, err
	}
	defer coll.Close()
	loaded := make([]*ebpf.Program, len(programs))
	for i, p := range programs {
		loaded[i] = coll.DetachProgram(p.Name)
	}
	return loaded, nil
}

func (w *Wait) attach(program *ebpf.Program, tracepoint string) (link.Link, error) {
	if w.rung == RawTP {
		return link.AttachRawTracepoint(link.RawTracepointOptions{Name: tracepoint, Program: program})
	}
	return link.AttachTracing(link.TracingOptions{Program: program})
}

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
	targets := strings.Join(w.targets, " ")
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

// Close detaches the probe.
func (w *Wait) Close() error {
	var errs []error
	for _, l := range w.links {
		errs = append(errs, l.Close())
	}
	for _, p := range w.programs {
		errs = append(errs, p.Close())
	}
	w.links, w.programs = nil, nil
	w.maps.Close()
	return errors.Join(errs...)
}

// Waits is what the wait probe counted.
type Waits struct {
	Rows     []bundle.LockRow     // sorted by CPU, then lock
	Accounts []bundle.LockAccount // one for each possible CPU, sorted
	Skipped  uint64               // runs the kernel's recursion guard skipped
}

// Read returns what was counted since the probe was attached.
func (w *Wait) Read() (*Waits, error) {
	var cpus []bpf.WaitWaitCpu
	if err := w.counters.Lookup(uint32(0), &cpus); err != nil {
		return nil, fmt.Errorf("reading the wait probe: %w", err)
	}
	waits := decode(cpus)
	for _, p := range w.programs {
		stats, err := p.Stats()
		if err != nil {
			return waits, fmt.Errorf("reading the wait probe's misses: %w", err)
		}
		waits.Skipped += stats.RecursionMisses
	}
	return waits, nil
}
