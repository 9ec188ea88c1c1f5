package probe

import (
	"fmt"
	"strings"

	"xfrmscope/bpf"
	"xfrmscope/collect/bundle"
)

// Wait is the probe of waits for spin locks.
type Wait struct{ *programs }

// Ladder returns the attach modes of the wait probe, best first.
func WaitModes() []AttachMode { return []AttachMode{Fentry, TPBTF, RawTP} }

// Wait loads the wait probe by the best attach mode the kernel allows, and returns
// the attach modes it had to pass over. If it allows none the probe is nil. Loading
// takes long, for the kernel's BTF is read and the programs are verified;
// Attach does not. Needs CAP_BPF and CAP_PERFMON.
func (l *Loader) Wait() (*Wait, []Attempt) { return climb(WaitModes(), l.waitBy) }

// LoadWaitBy loads the wait probe by one attach mode, and attaches it for a moment to
// see that it can.
func LoadWaitBy(mode AttachMode) (*Wait, error) { return NewLoader().waitBy(mode) }

func (l *Loader) waitBy(mode AttachMode) (*Wait, error) {
	spec, err := bpf.LoadWait()
	if err != nil {
		return nil, fmt.Errorf("reading the wait probe: %w", err)
	}
	groups, err := l.waitGroups(mode)
	if err != nil {
		return nil, err
	}
	p, err := l.load(bundle.ProbeWait, mode, 0, spec, groups)
	if err != nil {
		return nil, err
	}
	return &Wait{p}, nil
}

// waitGroups returns the pairs of programs that see a wait end and begin: the
// end is attached first, so that no begin waits for one that nobody sees.
func (l *Loader) waitGroups(mode AttachMode) ([]group, error) {
	pair := func(begin, onBegin, end, onEnd string) group {
		return group{hooks: []hook{{end, onEnd}, {begin, onBegin}}}
	}
	switch mode {
	case TPBTF:
		return []group{pair(bpf.WaitProgBtfBegin, "contention_begin", bpf.WaitProgBtfEnd, "contention_end")},
			nil
	case RawTP:
		return []group{pair(bpf.WaitProgRawBegin, "contention_begin", bpf.WaitProgRawEnd, "contention_end")},
			nil
	}
	spin, err := l.slowPaths()
	if err != nil {
		return nil, err
	}
	var groups []group
	for _, fn := range spin {
		groups = append(groups, pair(bpf.WaitProgSpinBegin, fn, bpf.WaitProgSpinEnd, fn))
	}
	for _, p := range [][3]string{
		{bpf.WaitProgReadBegin, bpf.WaitProgReadEnd, "queued_read_lock_slowpath"},
		{bpf.WaitProgWriteBegin, bpf.WaitProgWriteEnd, "queued_write_lock_slowpath"},
	} {
		if _, err := l.functions(p[2]); err == nil {
			g := pair(p[0], p[2], p[1], p[2])
			g.optional = true
			groups = append(groups, g)
		}
	}
	return groups, nil
}

// Blind returns what the probe cannot see, one clause each.
func (w *Wait) Blind() []string {
	blind := []string{
		"lines that bounce: an acquisition that did not wait is not seen, however slow it was",
		"sleeping locks (mutex, rw_semaphore, the spin locks of PREEMPT_RT)",
	}
	if w.mode != Fentry {
		return append(blind,
			"the first waiter in line of a native queued spin lock, who spins on the pending bit without "+
				"an event: with two CPUs on a lock, nearly all of its waiting",
			"test-and-set spin locks: a guest without paravirtual ones fires no event",
		)
	}
	targets := strings.Join(w.targets(), " ")
	if !strings.Contains(targets, "read_lock") || !strings.Contains(targets, "write_lock") {
		blind = append(blind, "waits for rwlocks: only "+targets+" could be attached")
	}
	return blind
}

// Waits is what the wait probe counted.
type Waits struct {
	Rows     []bundle.LockRow     // sorted by CPU, then lock
	Accounts []bundle.LockAccount // one for each possible CPU, sorted
	Skipped  uint64               // waits that the kernel's recursion guard kept from the probe
}

// Read returns what was counted since the probe was loaded.
func (w *Wait) Read() (*Waits, error) {
	cpus, err := elements[bpf.WaitWaitCpu](w.programs, bpf.WaitMapWaitCpus)
	if err != nil {
		return nil, err
	}
	waits := decodeWaits(cpus)
	waits.Skipped, err = w.Skipped()
	return waits, err
}
