package selftest

import (
	"context"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
)

// settle is left out after attaching, which patches kernel text on all CPUs.
const settle = 50 * time.Millisecond

// An observer is an attach mode of the wait probe, or none, and what it saw so far.
type observer struct {
	wait *probe.Wait // nil: no probe
	seen []Seen      // one for each load and size, in the order they are run
}

// round runs each load on each size once, with the probe attached.
func (ob *observer) round(ctx context.Context, g *generator, o Options) error {
	if ob.wait != nil {
		if err := ob.wait.Attach(); err != nil {
			return err
		}
		defer ob.wait.Detach()
	}
	time.Sleep(settle)
	n := 0
	for _, load := range []Load{Own, Shared, Atomic} {
		for _, cpus := range o.sizes() {
			if n == len(ob.seen) {
				ob.seen = append(ob.seen, Seen{Load: load, CPUs: cpus})
			}
			if err := ob.window(ctx, g, &ob.seen[n], o.Window); err != nil {
				return err
			}
			n++
		}
	}
	return nil
}

// window runs one load and adds what was seen of it.
func (ob *observer) window(ctx context.Context, g *generator, s *Seen, d time.Duration) error {
	before, err := ob.open()
	if err != nil {
		return err
	}
	work, err := g.run(ctx, s.Load, s.CPUs, d)
	if err != nil {
		return err
	}
	after, err := ob.shut()
	if err != nil {
		return err
	}
	locks, err := g.locks()
	if err != nil {
		return err
	}
	mean := ratio(work.ns, work.asked)
	if s.Asked == 0 || mean < s.LowNS {
		s.LowNS = mean
	}
	s.HighNS = max(s.HighNS, mean)
	s.Asked += work.asked
	s.Ops += work.done
	s.Turns += work.turns
	s.ns += work.ns
	s.add(subtract(after, before), locks)
	return nil
}

func (ob *observer) open() (*probe.Waits, error) {
	if ob.wait == nil {
		return &probe.Waits{}, nil
	}
	before, err := ob.wait.Read()
	if err != nil {
		return nil, err
	}
	return before, ob.wait.Open()
}

func (ob *observer) shut() (*probe.Waits, error) {
	if ob.wait == nil {
		return &probe.Waits{}, nil
	}
	if err := ob.wait.Shut(); err != nil {
		return nil, err
	}
	return ob.wait.Read()
}

// add counts the waits of a window on the load's CPUs.
func (s *Seen) add(w *probe.Waits, locks map[string]bool) {
	for _, r := range w.Rows {
		switch {
		case !s.CPUs.Contains(r.CPU):
		case locks[r.Lock]:
			s.Waits += r.Count
			s.WaitNS += r.WaitNS
		default:
			s.Others += r.Count
		}
	}
	for _, a := range w.Accounts {
		if s.CPUs.Contains(a.CPU) {
			s.Begun += a.Begun
			s.Ended += a.Ended
		}
	}
	s.Losses = merge(s.Losses, w.Losses(s.CPUs))
}

// merge adds up the losses that are of one kind.
func merge(sum, more []bundle.Loss) []bundle.Loss {
	for _, l := range more {
		i := indexLoss(sum, l)
		if i < 0 {
			sum = append(sum, l)
			continue
		}
		sum[i].Count += l.Count
		sum[i].Of += l.Of
	}
	return sum
}

func indexLoss(losses []bundle.Loss, l bundle.Loss) int {
	for i := range losses {
		if losses[i].Source == l.Source && losses[i].What == l.What {
			return i
		}
	}
	return -1
}

// subtract returns what was counted between two reads. The longest wait of a
// lock cannot be told apart and is left out.
func subtract(after, before *probe.Waits) *probe.Waits {
	type key struct {
		cpu  int
		lock string
	}
	old := map[key]bundle.LockRow{}
	for _, r := range before.Rows {
		old[key{r.CPU, r.Lock}] = r
	}
	d := &probe.Waits{Skipped: after.Skipped - before.Skipped}
	for _, r := range after.Rows {
		o := old[key{r.CPU, r.Lock}]
		if r.Count > o.Count {
			d.Rows = append(d.Rows, bundle.LockRow{CPU: r.CPU, Lock: r.Lock, Flags: r.Flags,
				Count: r.Count - o.Count, WaitNS: r.WaitNS - o.WaitNS})
		}
	}
	for i, a := range after.Accounts {
		var o bundle.LockAccount
		if i < len(before.Accounts) {
			o = before.Accounts[i]
		}
		d.Accounts = append(d.Accounts, bundle.LockAccount{
			CPU: a.CPU, Begun: a.Begun - o.Begun, Ended: a.Ended - o.Ended,
			Mismatched: a.Mismatched - o.Mismatched, Nested: a.Nested - o.Nested,
			Late: a.Late - o.Late, Overflow: a.Overflow - o.Overflow,
			OverflowNS: a.OverflowNS - o.OverflowNS,
		})
	}
	return d
}
