package selftest

import (
	"fmt"
	"slices"

	"xfrmscope/collect/probe"
)

// A Verdict is a fact that must hold, or that explains one that does not.
type Verdict struct {
	ID   string           `json:"id"` // "counted", "own", "atomic", "accounts", "shared", "pending", "seen"
	Mode probe.AttachMode `json:"rung,omitempty"`
	OK   bool             `json:"ok"`
	Text string           `json:"text"`
}

// Valid reports whether all that must hold does. Where an attach mode is blind by its
// nature the verdict says so, and another one may see; that none does is not
// valid.
func (r *Result) Valid() bool {
	return !slices.ContainsFunc(r.Verdicts, func(v Verdict) bool { return !v.OK })
}

// Contended reports whether CPUs met at the shared lock while a probe watched.
func (r *Result) Contended() bool {
	return slices.ContainsFunc(r.Modes, func(m Mode) bool {
		return slices.ContainsFunc(m.Seen, func(s Seen) bool { return s.Load == Shared && s.contended() })
	})
}

func (r *Result) judge() {
	r.counted()
	seen := false
	for i := range r.Modes {
		mode := &r.Modes[i]
		if mode.Passed != "" {
			continue
		}
		r.silent(mode, Own, "locks of one CPU each")
		r.silent(mode, Atomic, "a counter without a lock")
		r.accounts(mode)
		seen = r.shared(mode) || seen
	}
	for i := range r.Pending {
		r.pending(&r.Pending[i])
	}
	if r.Attached() && len(r.CPUs) > 1 {
		v := Verdict{ID: "seen", OK: seen, Text: "the waits for a shared lock are seen on this kernel"}
		switch {
		case seen:
		case !r.Contended():
			v.Text = "not told: the CPUs did not run at one time, and so hardly met at the shared lock; " +
				"try again with less other work on them, or longer (--rounds, --window)"
		default:
			v.Text = "no attach mode that works here sees the waits for a shared lock: on this kernel " +
				"no wait is evidence of nothing"
		}
		r.Verdicts = append(r.Verdicts, v)
	}
}

func (r *Result) add(id string, mode *Mode, ok bool, format string, args ...any) {
	v := Verdict{ID: id, OK: ok, Text: fmt.Sprintf(format, args...)}
	if mode != nil {
		v.Mode = mode.Mode
	}
	r.Verdicts = append(r.Verdicts, v)
}

// counted compares what the kernel was asked to do with what the loads counted,
// holding the lock: a lock that did not exclude would lose counts. The kernel
// does more than it was asked for after a signal.
func (r *Result) counted() {
	var asked, done uint64
	ok := true
	for _, seen := range r.all() {
		for i := range seen {
			asked += seen[i].Asked
			done += seen[i].Ops
			ok = ok && seen[i].Ops >= seen[i].Asked && seen[i].Ops > 0
		}
	}
	r.add("counted", nil, ok,
		"%d operations asked for, %d counted by the loads, holding the lock where there is one", asked, done)
}

func (r *Result) all() [][]Seen {
	all := [][]Seen{r.Bare}
	for _, mode := range r.Modes {
		all = append(all, mode.Seen)
	}
	return all
}

// silent says whether a load without waits showed none.
func (r *Result) silent(mode *Mode, load Load, what string) {
	var waits, ops uint64
	extra := 0.0
	for i := range mode.Seen {
		if s := &mode.Seen[i]; s.Load == load {
			waits += s.Waits
			ops += s.Ops
			extra = s.ExtraNS
		}
	}
	if load == Atomic && waits == 0 {
		r.add(string(load), mode, true, "%s: no wait in %d operations, and on %d CPUs each took %+.0f ns "+
			"against one: a line that bounces is not seen", what, ops, len(r.CPUs), extra)
		return
	}
	r.add(string(load), mode, waits == 0, "%s: %d waits in %d operations; there are none to see", what, waits, ops)
}

// contexts is how many waits one CPU may be in (kernel/locking/mcs_spinlock.h
// MAX_NODES, 6.12).
const contexts = 4

// accounts says whether the waits begun have ended or are accounted for.
func (r *Result) accounts(mode *Mode) {
	var begun, ended, lost, open uint64
	for i := range mode.Seen {
		s := &mode.Seen[i]
		begun += s.Begun
		ended += s.Ended
		for _, l := range s.Losses {
			lost += l.Count
		}
		open += uint64(contexts * len(s.CPUs) * r.Rounds)
	}
	difference := max(begun, ended) - min(begun, ended)
	r.add("accounts", mode, difference <= lost+open, "%d waits begun, %d ended, %d lost", begun, ended, lost)
}

// shared says what the attach mode saw of the shared lock.
func (r *Result) shared(mode *Mode) bool {
	sees := false
	for i := range mode.Seen {
		s := &mode.Seen[i]
		if s.Load != Shared || len(s.CPUs) == 1 {
			continue
		}
		if s.Waits > 0 {
			sees = true
			r.add("shared", mode, true, "one lock for CPUs %s: %d waits, %.2g %% of the operations, %.0f "+
				"of the %+.0f ns an operation that sharing costs", s.CPUs, s.Waits, 100*s.Share(),
				s.WaitPerOp(), s.ExtraNS)
			continue
		}
		r.add("shared", mode, true, "one lock for CPUs %s: no wait seen, though sharing costs %+.0f ns an "+
			"operation; %s", s.CPUs, s.ExtraNS, blindness(mode, len(s.CPUs)))
	}
	return sees
}

// blindness explains why an attach mode sees no wait for a lock that is shared.
func blindness(mode *Mode, cpus int) string {
	switch {
	case mode.Mode == probe.Fentry:
		return "its slow path is not run, or is not the function the probe is attached to"
	case cpus == 2:
		return "of two CPUs on a native queued spin lock the waiting one is nearly always the first in line, " +
			"who passes no tracepoint"
	}
	return "the spin locks are test-and-set, or what was seen is another lock's"
}

// pending says how much of the slow path passes the tracepoints: never more than
// all of it.
func (r *Result) pending(p *Pending) {
	ok := p.Queued <= p.SlowWaits && p.QueuedNS <= p.SlowNS
	r.add("pending", nil, ok, "one lock for CPUs %s, both at once: %d waits of %d ns in the slow path, %d of %d "+
		"ns by the tracepoints; the rest, %d ns, is the first waiter in line",
		p.CPUs, p.SlowWaits, p.SlowNS, p.Queued, p.QueuedNS, p.PendingNS())
}
