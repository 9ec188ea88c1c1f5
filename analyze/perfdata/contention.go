package perfdata

import (
	"context"
	"fmt"
	"slices"
)

// A Wait is one wait for a lock: a lock:contention_begin and its
// lock:contention_end (include/trace/events/lock.h, 5.19).
type Wait struct {
	BeginNS, EndNS   uint64
	PID, TID         int32
	BeginCPU, EndCPU int32
	LockAddr         uint64
	Flags            LockFlags
	Ret              int32    // of contention_end: 0 acquired, -EINTR, -EDEADLK, ...
	Chain            []uint64 // of contention_begin: who waits, leaf first; valid until the callback returns
	Nested           int      // waits of the same task that were open when this began: an interrupt's
}

// WaitNS returns how long the wait was.
func (w *Wait) WaitNS() uint64 { return w.EndNS - w.BeginNS }

// LockFlags says which kind of lock was waited for and how
// (include/trace/events/lock.h LCB_F_*, 6.12).
type LockFlags uint32

// The flags of contention_begin.
const (
	LockSpin   LockFlags = 1 << 0
	LockRead   LockFlags = 1 << 1
	LockWrite  LockFlags = 1 << 2
	LockRT     LockFlags = 1 << 3
	LockPerCPU LockFlags = 1 << 4
	LockMutex  LockFlags = 1 << 5
)

// String returns perf lock's word for the kind: "spinlock", "rwlock:R",
// "mutex", ... (tools/perf/builtin-lock.c lock_type_table, 6.3).
func (f LockFlags) String() string {
	table := [...]struct {
		flags LockFlags
		name  string
	}{
		{0, "semaphore"}, {LockSpin, "spinlock"}, {LockSpin | LockRead, "rwlock:R"}, {LockSpin | LockWrite, "rwlock:W"},
		{LockRead, "rwsem:R"}, {LockWrite, "rwsem:W"}, {LockRT, "rt-mutex"}, {LockRT | LockRead, "rwlock-rt:R"},
		{LockRT | LockWrite, "rwlock-rt:W"}, {LockPerCPU | LockRead, "pcpu-sem:R"}, {LockPerCPU | LockWrite, "pcpu-sem:W"},
		{LockMutex, "mutex"}, {LockMutex | LockSpin, "mutex"},
	}
	for _, t := range table {
		if t.flags == f {
			return t.name
		}
	}
	return fmt.Sprintf("flags %#x", uint32(f))
}

// WaitStats count what pairing met. Begun = Waits + NoEnd + Repeated, Ended =
// Waits + NoBegin.
type WaitStats struct {
	Begun, Ended uint64
	Repeated     uint64 // begun again while waiting for that lock: a mutex that spins, then sleeps
	Waits        uint64 // pairs delivered
	NoEnd        uint64 // begun, never ended: lost, or open at the end of the recording
	NoBegin      uint64 // ended, never begun: lost, or open at its start
	Nested       uint64 // pairs with Wait.Nested > 0
	Samples      Stats
}

// The names perf gives the two events.
const (
	contentionBegin = "lock:contention_begin"
	contentionEnd   = "lock:contention_end"
)

// A waiter tells whose wait it is: a task, or, as every CPU has its own task
// 0, an idle CPU.
type waiter struct {
	tid, cpu int32
}

// maxOpen bounds the waits that one task may have open: more than kernel,
// softirq, hardirq and NMI can nest says that ends were lost.
const maxOpen = 16

// A waitPairer matches begins and ends in order of time.
type waitPairer struct {
	open         map[waiter][]*Wait
	stats        WaitStats
	formats      *Formats
	addr, flags  Field // of begin
	endAddr, ret Field // of end
	begin, end   *Event
	free         []*Wait
	fn           func(*Wait) error
}

// Waits pairs lock:contention_begin with lock:contention_end, per task (per
// CPU for the idle tasks) and lock, and calls fn with each wait in order of its
// end. A task waits for one lock at a time, but an interrupt may wait inside
// it: the innermost open wait for the lock is the one that ends. It returns an
// error if the recording does not have both events with their formats.
func (f *File) Waits(ctx context.Context, opts SampleOptions, fn func(*Wait) error) (WaitStats, error) {
	p, err := f.newWaitPairer(fn)
	if err != nil {
		return WaitStats{}, err
	}
	opts.Ordered, opts.Events = true, []*Event{p.begin, p.end}
	p.stats.Samples, err = f.Samples(ctx, opts, p.sample)
	for _, waits := range p.open {
		p.stats.NoEnd += uint64(len(waits))
	}
	return p.stats, err
}

func (f *File) newWaitPairer(fn func(*Wait) error) (*waitPairer, error) {
	formats, err := f.Formats()
	if err != nil {
		return nil, err
	}
	p := &waitPairer{open: map[waiter][]*Wait{}, formats: formats, fn: fn}
	for _, want := range []struct {
		name   string
		event  **Event
		fields map[string]*Field
	}{
		{contentionBegin, &p.begin, map[string]*Field{"lock_addr": &p.addr, "flags": &p.flags}},
		{contentionEnd, &p.end, map[string]*Field{"lock_addr": &p.endAddr, "ret": &p.ret}},
	} {
		i := slices.IndexFunc(f.Events, func(e *Event) bool { return e.Name == want.name })
		if i < 0 {
			return nil, fmt.Errorf("pairing lock waits: the recording has no event %s; record with -e %s -e %s", want.name, contentionBegin, contentionEnd)
		}
		*want.event = f.Events[i]
		format := formats.Of(f.Events[i])
		for name, field := range want.fields {
			found := false
			if format != nil {
				*field, found = format.Field(name)
			}
			if !found {
				return nil, fmt.Errorf("pairing lock waits: no format of %s.%s in the recording; record to a file, not with --no-tracing-data", want.name, name)
			}
		}
	}
	return p, nil
}

func (p *waitPairer) sample(s *Sample) error {
	who := waiter{tid: s.TID}
	if s.TID == 0 {
		who.cpu = s.CPU
	}
	if s.Event == p.begin {
		p.begun(who, s)
		return nil
	}
	return p.ended(who, s)
}

// begun opens a wait.
func (p *waitPairer) begun(who waiter, s *Sample) {
	p.stats.Begun++
	raw := s.Raw()
	addr, ok := p.formats.Uint(raw, p.addr)
	flags, ok2 := p.formats.Uint(raw, p.flags)
	if !ok || !ok2 {
		p.stats.NoEnd++
		return
	}
	waits := p.open[who]
	// __mutex_lock_common says begin once when it spins and again when it
	// sleeps, and end once (kernel/locking/mutex.c, 6.12).
	if n := len(waits); n > 0 && waits[n-1].LockAddr == addr {
		p.stats.Repeated++
		waits[n-1].Flags |= LockFlags(flags)
		return
	}
	if len(waits) == maxOpen {
		p.stats.NoEnd++
		p.free = append(p.free, waits[0])
		waits = append(waits[:0], waits[1:]...)
	}
	w := &Wait{}
	if n := len(p.free); n > 0 {
		w, p.free = p.free[n-1], p.free[:n-1]
	}
	*w = Wait{BeginNS: s.TimeNS, PID: s.PID, TID: s.TID, BeginCPU: s.CPU, LockAddr: addr, Flags: LockFlags(flags),
		Chain: append(w.Chain[:0], s.Chain...), Nested: len(waits)}
	p.open[who] = append(waits, w)
}

// ended closes the innermost wait for the lock.
func (p *waitPairer) ended(who waiter, s *Sample) error {
	p.stats.Ended++
	raw := s.Raw()
	addr, ok := p.formats.Uint(raw, p.endAddr)
	ret, _ := p.formats.Uint(raw, p.ret)
	waits := p.open[who]
	i := len(waits) - 1
	for i >= 0 && waits[i].LockAddr != addr {
		i--
	}
	if !ok || i < 0 {
		p.stats.NoBegin++
		return nil
	}
	w := waits[i]
	// What began inside it and did not end never will: its end was lost.
	for _, lost := range waits[i+1:] {
		p.stats.NoEnd++
		p.free = append(p.free, lost)
	}
	if waits = waits[:i]; i == 0 {
		delete(p.open, who)
	} else {
		p.open[who] = waits
	}
	w.EndNS, w.EndCPU, w.Ret = s.TimeNS, s.CPU, int32(ret)
	p.stats.Waits++
	if w.Nested > 0 {
		p.stats.Nested++
	}
	p.free = append(p.free, w)
	return p.fn(w)
}
