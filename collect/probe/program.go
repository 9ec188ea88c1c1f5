package probe

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
)

// A Loader loads probes. It reads the kernel's types, which takes seconds on a
// slow machine, once for all of them. It is used by one goroutine.
type Loader struct{ kernel *btf.Cache }

// NewLoader returns a loader that has read nothing yet.
func NewLoader() *Loader { return &Loader{btf.NewCache()} }

// A Probe is loaded, and counts between Open and Shut while it is attached:
//
//	Attach -> Open .. Shut (the window) -> Detach -> Read -> Close
//
// It may be attached again. Read, of the type behind it, returns everything
// counted since it was loaded. It is used by one goroutine.
type Probe interface {
	Name() string             // as in bundle.Plan.Probes
	Mode() AttachMode         // how it is attached
	OneIn() uint32            // what it samples, 0 if it samples nothing
	Blind() []string          // what it cannot see, one clause each
	Attach() error            // attaches all programs that were loaded
	Open() error              // counts from now on
	Shut() error              // counts what begins from now on no more
	Window() bundle.Window    // when it was opened and shut last
	Detach() error            // takes the programs off the kernel's functions
	Skipped() (uint64, error) // events in its windows so far that the kernel's recursion guard kept from it
	Close() error             // detaches and unloads
}

// A hook is a program, and the function or tracepoint it is attached to.
type hook struct{ program, target string }

func (h hook) String() string { return h.program + " on " + h.target }

// A group is hooks of which one is worth nothing without the others. They are
// attached in order, that which sees an event begin last.
type group struct {
	hooks    []hook
	optional bool // the probe can do without, which its Blind tells
}

// A loadedGroup is a group the verifier has taken.
type loadedGroup struct {
	group
	programs []*ebpf.Program // of the hooks, in order
}

// begin returns the program that sees an event first. Where the kernel skips it
// nothing is known of the event; an end that is skipped is missed by its begin.
func (l *loadedGroup) begin() *ebpf.Program { return l.programs[len(l.programs)-1] }

func (l *loadedGroup) close() error {
	var errs []error
	for _, p := range l.programs {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// programs is what all probes are made of: the groups, each loaded on its own
// so that one the kernel refuses costs no other, on the same maps.
type programs struct {
	name   string
	mode   AttachMode
	oneIn  uint32
	spec   *ebpf.CollectionSpec
	maps   *ebpf.Collection
	loaded []loadedGroup
	links  []link.Link
	window bundle.Window
	missed tally // runs of the begins
}

// A tally is what a count that never falls rose by while windows were open.
type tally struct {
	counting  bool
	last, sum uint64
}

// at takes the count as it stands; whether a window is open from now on.
func (t *tally) at(count uint64, open bool) {
	if t.counting {
		t.sum += count - t.last
	}
	t.last, t.counting = count, open
}

// load loads the groups, and attaches them for a moment to see that it can.
// It fails if no group that is not optional is left.
func (l *Loader) load(name string, mode AttachMode, oneIn uint32, spec *ebpf.CollectionSpec, groups []group) (*programs,
	error) {
	if mode == Kprobe && !exists("/sys/bus/event_source/devices/kprobe") {
		return nil, &UnsuitableError{"this kernel has no kprobes (CONFIG_KPROBES)"}
	}
	// Where this fails loading says so: newer kernels do not count it.
	_ = rlimit.RemoveMemlock()
	if oneIn > 0 {
		if err := spec.Variables["one_in"].Set(oneIn); err != nil {
			return nil, fmt.Errorf("setting the %s probe to one in %d: %w", name, oneIn, err)
		}
	}
	maps, err := ebpf.NewCollection(&ebpf.CollectionSpec{Maps: spec.Maps, Types: spec.Types,
		ByteOrder: spec.ByteOrder, Variables: spec.Variables})
	if err != nil {
		return nil, fmt.Errorf("making the %s probe's maps: %w", name, err)
	}
	p := &programs{name: name, mode: mode, oneIn: oneIn, spec: spec, maps: maps}
	err = errors.Join(p.loadAll(groups, l.kernel), p.attachAll())
	if !p.works() {
		p.Close()
		return nil, err
	}
	return p, p.Detach()
}

// works reports whether a group is left that the probe cannot do without.
func (p *programs) works() bool {
	return slices.ContainsFunc(p.loaded, func(l loadedGroup) bool { return !l.optional })
}

// loadAll loads every group the kernel lets it; the error joins the refusals.
func (p *programs) loadAll(groups []group, kernel *btf.Cache) error {
	var errs []error
	for _, g := range groups {
		programs, err := p.load(g, kernel)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", g.hooks[0].target, err))
			continue
		}
		p.loaded = append(p.loaded, loadedGroup{g, programs})
	}
	return errors.Join(errs...)
}

func (p *programs) load(g group, kernel *btf.Cache) ([]*ebpf.Program, error) {
	part := &ebpf.CollectionSpec{Maps: p.spec.Maps, Types: p.spec.Types, ByteOrder: p.spec.ByteOrder,
		Variables: p.spec.Variables, Programs: make(map[string]*ebpf.ProgramSpec)}
	for _, h := range g.hooks {
		program := p.spec.Programs[h.program].Copy()
		if p.mode == Fentry {
			program.AttachTo = h.target
		}
		part.Programs[h.String()] = program
	}
	coll, err := ebpf.NewCollectionWithOptions(part,
		ebpf.CollectionOptions{MapReplacements: p.maps.Maps, Cache: kernel})
	if err != nil {
		return nil, err
	}
	defer coll.Close()
	var programs []*ebpf.Program
	for _, h := range g.hooks {
		programs = append(programs, coll.DetachProgram(h.String()))
	}
	return programs, nil
}

// Attach attaches every group that was loaded. One the kernel refuses now is
// dropped, which Blind shows; without one that is not optional it is an error.
func (p *programs) Attach() error {
	if err := p.attachAll(); !p.works() {
		return fmt.Errorf("attaching the %s probe: %w", p.name, err)
	}
	return nil
}

// attachAll attaches the groups; the error joins the refusals.
func (p *programs) attachAll() error {
	var errs []error
	p.loaded = slices.DeleteFunc(p.loaded, func(l loadedGroup) bool {
		err := p.attachGroup(l)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", l.hooks[0].target, err), l.close())
		}
		return err != nil
	})
	return errors.Join(errs...)
}

func (p *programs) attachGroup(l loadedGroup) error {
	var links []link.Link
	for i, h := range l.hooks {
		hooked, err := p.attach(h, l.programs[i])
		if err != nil {
			return errors.Join(append(closeAll(links), err)...)
		}
		links = append(links, hooked)
	}
	p.links = append(p.links, links...)
	return nil
}

func (p *programs) attach(h hook, program *ebpf.Program) (link.Link, error) {
	switch p.mode {
	case RawTP:
		return link.AttachRawTracepoint(link.RawTracepointOptions{Name: h.target, Program: program})
	case Kprobe:
		if strings.HasPrefix(p.spec.Programs[h.program].SectionName, "kretprobe/") {
			return link.Kretprobe(h.target, program, nil)
		}
		return link.Kprobe(h.target, program, nil)
	}
	return link.AttachTracing(link.TracingOptions{Program: program})
}

func closeAll(links []link.Link) []error {
	var errs []error
	for _, l := range links {
		errs = append(errs, l.Close())
	}
	return errs
}

// Detach takes the programs off what they were attached to; they stay loaded.
func (p *programs) Detach() error {
	errs := closeAll(p.links)
	p.links = nil
	return errors.Join(errs...)
}

// Name returns the probe's name in a plan.
func (p *programs) Name() string { return p.name }

// Mode returns how the probe is attached.
func (p *programs) Mode() AttachMode { return p.mode }

// OneIn returns what the probe samples: one in so many, 0 if it samples nothing.
func (p *programs) OneIn() uint32 { return p.oneIn }

// targets returns what the probe's groups are attached to first, in order.
func (p *programs) targets() []string {
	var names []string
	for _, l := range p.loaded {
		names = append(names, l.hooks[0].target)
	}
	return names
}

// Open counts what begins from now on.
func (p *programs) Open() error { return errors.Join(p.tell(true), p.set(1)) }

// Shut counts what begins from now on no more.
func (p *programs) Shut() error { return errors.Join(p.set(0), p.tell(false)) }

// set switches the probe, and notes the middle of the time that took.
func (p *programs) set(open uint32) error {
	begin := Monotonic()
	err := p.maps.Variables["window"].Set(open)
	at := begin + (Monotonic()-begin)/2
	if open != 0 {
		p.window = bundle.Window{StartNS: at}
	} else {
		p.window.EndNS = at
	}
	if err != nil {
		return fmt.Errorf("switching the %s probe: %w", p.name, err)
	}
	return nil
}

// Window returns when the probe was opened and shut last.
func (p *programs) Window() bundle.Window { return p.window }

// Monotonic returns CLOCK_MONOTONIC in ns, the clock of the probes.
func Monotonic() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // cannot fail with a valid clock and pointer: clock_gettime(2)
	return ts.Nano()
}

// Skipped returns how many waits, acquisitions or calls the kernel's recursion
// guard kept from the probe in its windows so far, on all CPUs.
func (p *programs) Skipped() (uint64, error) {
	err := p.tell(p.missed.counting)
	return p.missed.sum, err
}

// tell tells the tally how many runs of the begins were skipped since they were
// loaded: the kernel counts those while the window is shut, too.
func (p *programs) tell(open bool) error {
	var count uint64
	for _, l := range p.loaded {
		stats, err := l.begin().Stats()
		if err != nil {
			return fmt.Errorf("reading the %s probe's misses: %w", p.name, err)
		}
		count += stats.RecursionMisses
	}
	p.missed.at(count, open)
	return nil
}

// Close detaches the probe and unloads it.
func (p *programs) Close() error {
	errs := []error{p.Detach()}
	for _, l := range p.loaded {
		errs = append(errs, l.close())
	}
	p.loaded = nil
	p.maps.Close()
	return errors.Join(errs...)
}

// elements reads the one per-CPU element of a map, by CPU.
func elements[T any](p *programs, name string) ([]T, error) {
	var cpus []T
	if err := p.maps.Maps[name].Lookup(uint32(0), &cpus); err != nil {
		return nil, fmt.Errorf("reading the %s probe: %w", p.name, err)
	}
	return cpus, nil
}

// address writes a kernel address as the rows hold it.
func address(a uint64) string { return fmt.Sprintf("%#x", a) }
