package selftest

import (
	"context"
	"errors"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
)

// Pending is the slow path and the contention tracepoints seen at once, over the
// same waits for the shared lock. The tracepoints lie within the slow path: what
// it has and they have not is the first waiter in line, who spins on the pending
// bit and passes none (kernel/locking/qspinlock.c queued_spin_lock_slowpath,
// 6.12). With paravirtual spin locks every waiter queues.
type Pending struct {
	CPUs      bundle.CPUSet `json:"cpus"`
	SlowWaits uint64        `json:"slow_waits"` // by fentry
	SlowNS    uint64        `json:"slow_ns"`
	Queued    uint64        `json:"queued"` // of them, by the tracepoints
	QueuedNS  uint64        `json:"queued_ns"`
}

// PendingNS returns the time of the waits that the tracepoints did not see, the
// probe at the tracepoints itself included.
func (p *Pending) PendingNS() int64 { return int64(p.SlowNS) - int64(p.QueuedNS) }

// pending runs the shared load under both probes on each size of two CPUs or
// more.
func pending(ctx context.Context, g *generator, o Options, slow, queued *probe.Wait) (all []Pending, err error) {
	o.progress("both at once")
	if err := slow.Attach(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, slow.Detach()) }()
	if err := queued.Attach(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, queued.Detach()) }()
	time.Sleep(settle)
	outer, inner := &observer{wait: slow}, &observer{wait: queued}
	for _, cpus := range o.sizes()[1:] {
		p, err := both(ctx, g, cpus, time.Duration(o.Rounds)*o.Window, outer, inner)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func both(ctx context.Context, g *generator, cpus bundle.CPUSet, d time.Duration, outer, inner *observer) (Pending,
	error) {
	p := Pending{CPUs: cpus}
	inside, err := inner.open()
	if err != nil {
		return p, err
	}
	var slow Seen
	slow.Load, slow.CPUs = Shared, cpus
	if err := outer.window(ctx, g, &slow, d); err != nil {
		return p, err
	}
	after, err := inner.shut()
	if err != nil {
		return p, err
	}
	locks, err := g.locks()
	if err != nil {
		return p, err
	}
	queued := Seen{CPUs: cpus}
	queued.add(subtract(after, inside), locks)
	p.SlowWaits, p.SlowNS = slow.Waits, slow.WaitNS
	p.Queued, p.QueuedNS = queued.Waits, queued.WaitNS
	return p, nil
}
