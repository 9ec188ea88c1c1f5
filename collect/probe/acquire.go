package probe

import (
	"cmp"
	"fmt"
	"slices"

	"xfrmscope/bpf"
	"xfrmscope/collect/bundle"
)

// DefaultOneIn is how many acquisitions or calls a probe lets pass for each it
// times, and waits for each stack it walks.
const DefaultOneIn = 64

// Acquire is the probe of acquisitions: it counts them, and as the time probe
// times one in so many too.
type Acquire struct{ *programs }

// Count loads the count probe. There is no other way to attach it: a
// kprobe of a function that takes locks can hang the machine.
func (l *Loader) Count() (*Acquire, []Attempt) { return climb([]AttachMode{Fentry}, l.count) }

// Time loads the time probe, which times one acquisition in DefaultOneIn.
func (l *Loader) Time() (*Acquire, []Attempt) { return climb([]AttachMode{Fentry}, l.time) }

func (l *Loader) count(mode AttachMode) (*Acquire, error) {
	spec, err := bpf.LoadAcquire()
	if err != nil {
		return nil, fmt.Errorf("reading the count probe: %w", err)
	}
	fn, err := l.acquireFunction()
	if err != nil {
		return nil, err
	}
	p, err := l.load(bundle.ProbeCount, mode, 0, spec, []group{{hooks: []hook{{bpf.AcquireProgCount, fn}}}})
	if err != nil {
		return nil, err
	}
	return &Acquire{p}, nil
}

func (l *Loader) time(mode AttachMode) (*Acquire, error) {
	spec, err := bpf.LoadAcquire()
	if err != nil {
		return nil, fmt.Errorf("reading the time probe: %w", err)
	}
	fn, err := l.acquireFunction()
	if err != nil {
		return nil, err
	}
	if fn == rtFunction {
		return nil, &UnsuitableError{"on PREEMPT_RT who waits for a spin lock sleeps, and may end the wait " +
			"on another CPU: acquisitions are counted, not timed"}
	}
	slow, err := l.slowPaths()
	if err != nil {
		return nil, err
	}
	g := group{hooks: []hook{{bpf.AcquireProgTimeEnd, fn}}}
	for _, name := range slow {
		g.hooks = append(g.hooks, hook{bpf.AcquireProgTimeSlow, name})
	}
	g.hooks = append(g.hooks, hook{bpf.AcquireProgTimeBegin, fn})
	p, err := l.load(bundle.ProbeTime, mode, DefaultOneIn, spec, []group{g})
	if err != nil {
		return nil, err
	}
	return &Acquire{p}, nil
}

// rtFunction takes a spinlock_t on PREEMPT_RT, for spin_lock and spin_lock_bh
// alike (include/linux/spinlock_rt.h, 6.12).
const rtFunction = "rt_spin_lock"

// acquireFunction returns the function that spin_lock_bh calls on this kernel.
func (l *Loader) acquireFunction() (string, error) {
	if rt, err := l.functions(rtFunction); err == nil {
		return rt[0], nil
	}
	found, err := l.functions("_raw_spin_lock_bh")
	if err != nil {
		return "", err
	}
	return found[0], nil
}

// Blind returns what the probe cannot see, one clause each.
func (a *Acquire) Blind() []string {
	fn := a.loaded[0].hooks[0].target
	if fn == rtFunction {
		return []string{"raw spin locks: only what calls rt_spin_lock is counted"}
	}
	return []string{"acquisitions by other functions than " + fn +
		": the receive path takes x->lock by _raw_spin_lock, others by the irq variants"}
}

// Acquisitions is what a count or a time probe counted.
type Acquisitions struct {
	Rows     []bundle.AcquireRow     // sorted by CPU, then lock
	Accounts []bundle.AcquireAccount // one for each possible CPU, sorted
	Skipped  uint64                  // acquisitions that the kernel's recursion guard kept from the probe
}

// Read returns what was counted since the probe was loaded. The rows' phase is
// the probe's name.
func (a *Acquire) Read() (*Acquisitions, error) {
	cpus, err := elements[bpf.AcquireAcquireCpu](a.programs, bpf.AcquireMapAcquireCpus)
	if err != nil {
		return nil, err
	}
	acquisitions := decodeAcquisitions(a.name, cpus)
	acquisitions.Skipped, err = a.Skipped()
	return acquisitions, err
}

func decodeAcquisitions(phase string, cpus []bpf.AcquireAcquireCpu) *Acquisitions {
	a := &Acquisitions{}
	for cpu := range cpus {
		c := &cpus[cpu]
		a.Accounts = append(a.Accounts, bundle.AcquireAccount{
			Phase: phase, CPU: cpu, Count: c.Count, Other: c.Other, Timed: c.Timed,
			Mismatched: c.Contexts.Mismatched, Nested: c.Contexts.Nested,
		})
		first := len(a.Rows)
		for i := range c.Slots {
			s := &c.Slots[i]
			if s.Count == 0 {
				continue
			}
			a.Rows = append(a.Rows, bundle.AcquireRow{
				Phase: phase, CPU: cpu, Lock: address(s.Lock), Count: s.Count,
				Fast: s.Fast, FastNS: s.FastNs, FastHist: trim(s.Hist[:]), Slow: s.Slow,
				SlowNS: s.SlowNs,
			})
		}
		slices.SortFunc(a.Rows[first:], func(a, b bundle.AcquireRow) int { return cmp.Compare(a.Lock, b.Lock) })
	}
	return a
}
