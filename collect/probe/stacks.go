package probe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xfrmscope/bpf"
	"xfrmscope/collect/bundle"
)

// Stacks is the probe of who waits: it walks the stack of one wait in so many.
type Stacks struct{ *programs }

// Stacks loads the stacks probe, which takes one wait in DefaultOneIn.
func (l *Loader) Stacks() (*Stacks, []Attempt) { return climb([]AttachMode{Fentry, TPBTF}, l.stacks) }

func (l *Loader) stacks(mode AttachMode) (*Stacks, error) {
	spec, err := bpf.LoadStacks()
	if err != nil {
		return nil, fmt.Errorf("reading the stacks probe: %w", err)
	}
	groups := []group{{hooks: []hook{{bpf.StacksProgBtfStack, "contention_begin"}}}}
	if mode == Fentry {
		slow, err := l.slowPaths()
		if err != nil {
			return nil, err
		}
		groups = nil
		for _, fn := range slow {
			groups = append(groups, group{hooks: []hook{{bpf.StacksProgSpinStack, fn}}})
		}
	}
	p, err := l.load(bundle.ProbeStacks, mode, DefaultOneIn, spec, groups)
	if err != nil {
		return nil, err
	}
	return &Stacks{p}, nil
}

// Blind returns what the probe cannot see, one clause each.
func (s *Stacks) Blind() []string {
	blind := []string{"how long who waits: the walk delays the waiter, so that only shares of callers are meant"}
	if s.mode != Fentry {
		blind = append(blind, "who spins on the pending bit of a native queued spin lock: no event is fired")
	}
	return blind
}

// A StackAccount is what the stacks probe of one CPU saw and missed. Seen is
// about OneIn times the others' sum.
type StackAccount struct {
	CPU    int
	Seen   uint64 // waits
	Taken  uint64 // stacks
	Full   uint64 // not taken: the CPU's records were used up
	Failed uint64 // not taken: the walk failed
}

// StackCounts is what the stacks probe took.
type StackCounts struct {
	Rows     []bundle.StackRow // sorted by CPU, then lock, then count
	Accounts []StackAccount    // one for each possible CPU, sorted
	Skipped  uint64            // waits that the kernel's recursion guard kept from the probe
}

// Read returns what was taken since the probe was loaded. The first frames are
// of the probe itself.
func (s *Stacks) Read() (*StackCounts, error) {
	cpus, err := elements[bpf.StacksStackCpu](s.programs, bpf.StacksMapStackCpus)
	if err != nil {
		return nil, err
	}
	counts := &StackCounts{}
	used := uint32(0)
	for cpu, c := range cpus {
		counts.Accounts = append(counts.Accounts,
			StackAccount{CPU: cpu, Seen: c.Seen, Taken: c.Taken, Full: c.Full, Failed: c.Failed})
		used = max(used, c.Next)
	}
	rows := make(map[string]*bundle.StackRow)
	for n := range used {
		var records []bpf.StacksStackRecord
		if err := s.maps.Maps[bpf.StacksMapStackRecords].Lookup(n, &records); err != nil {
			return counts, fmt.Errorf("reading the stacks probe: %w", err)
		}
		for cpu := range records {
			if n < cpus[cpu].Next {
				addStack(rows, cpu, &records[cpu])
			}
		}
	}
	for _, row := range rows {
		counts.Rows = append(counts.Rows, *row)
	}
	slices.SortFunc(counts.Rows, func(a, b bundle.StackRow) int {
		return cmp.Or(cmp.Compare(a.CPU, b.CPU), cmp.Compare(a.Lock, b.Lock), cmp.Compare(b.Count, a.Count),
			slices.Compare(a.Frames, b.Frames))
	})
	counts.Skipped, err = s.Skipped()
	return counts, err
}

// addStack adds a record to the row of its CPU, lock and frames.
func addStack(rows map[string]*bundle.StackRow, cpu int, r *bpf.StacksStackRecord) {
	n := min(int(r.Size)/8, len(r.Frames))
	if n <= 0 {
		return // the walk failed
	}
	frames := make([]string, n)
	for i, addr := range r.Frames[:n] {
		frames[i] = address(addr)
	}
	key := fmt.Sprint(cpu, r.Lock, strings.Join(frames, ","))
	if rows[key] == nil {
		rows[key] = &bundle.StackRow{CPU: cpu, Lock: address(r.Lock), Frames: frames}
	}
	rows[key].Count++
}
