package top

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/lockname"
	"xfrmscope/collect/probe"
)

// maxLocks is how many locks a frame has.
const maxLocks = 8

// A LockRate is a lock that was waited for over the time of a Frame.
type LockRate struct {
	Lock   string  `json:"lock"`           // address
	Name   string  `json:"name,omitempty"` // "" if nothing else is known of it
	Waits  float64 `json:"waits_per_s"`
	WaitNS Number  `json:"wait_ns_per_packet"` // sent by the CPUs shown
	MeanNS float64 `json:"mean_wait_ns"`
}

// String names the lock, by its address if nothing else is known of it.
func (l LockRate) String() string {
	return cmp.Or(l.Name, "unnamed "+l.Lock)
}

// locks are those that CPUs waited for longest, that first; packets were sent
// within a second.
func (c *comparison) locks(before, after *probe.Waits, cpus bundle.CPUSet, packets Number) []LockRate {
	if before == nil || after == nil || c.seconds <= 0 {
		return nil
	}
	type sums struct {
		id        bundle.LockID
		count, ns uint64
	}
	add := func(w *probe.Waits) map[string]sums {
		by := map[string]sums{}
		for i := range w.Rows {
			r := &w.Rows[i]
			if cpus.Contains(r.CPU) {
				s := by[r.Lock]
				by[r.Lock] = sums{r.ID, s.count + r.Count, s.ns + r.WaitNS}
			}
		}
		return by
	}
	earlier := add(before)
	rates := []LockRate{} // none, where nil is not measured
	for lock, s := range add(after) {
		was := earlier[lock]
		if s.count <= was.count || s.ns < was.ns {
			continue
		}
		count, ns := float64(s.count-was.count), float64(s.ns-was.ns)
		rates = append(rates, LockRate{Lock: lock, Name: s.id.String(), Waits: count / c.seconds,
			WaitNS: per(known(ns/c.seconds), packets), MeanNS: ns / count})
	}
	slices.SortFunc(rates, func(a, b LockRate) int {
		return cmp.Or(cmp.Compare(b.Waits*b.MeanNS, a.Waits*a.MeanNS), cmp.Compare(a.Lock, b.Lock))
	})
	return rates[:min(len(rates), maxLocks)]
}

// namesEvery is how often the kernel's symbols are read for the names of locks
// that were not waited for before: it takes some 0.1 s of a CPU.
const namesEvery = 10 * time.Second

// lockNames are the names of locks, as far as they are known.
type lockNames struct {
	loader  *probe.Loader
	layouts []bundle.StructLayout
	perCPU  lockname.PerCPU
	ids     map[string]bundle.LockID // of all that were looked for
	next    time.Time
}

// name fills in which lock each row is of. What cannot be told stays without a
// name.
func (l *Live) name(r *Reading) {
	if l.names.ids == nil {
		l.names.ids = map[string]bundle.LockID{}
		l.names.layouts, _ = l.names.loader.Layouts()
		l.names.perCPU, _ = lockname.LocatePerCPU(l.root)
	}
	unknown := map[string]bool{}
	for i := range r.Waits.Rows {
		if _, done := l.names.ids[r.Waits.Rows[i].Lock]; !done {
			unknown[r.Waits.Rows[i].Lock] = true
		}
	}
	if len(unknown) > 0 && !time.Now().Before(l.names.next) {
		l.names.next = time.Now().Add(namesEvery)
		l.lookUp(r, slices.Collect(maps.Keys(unknown)))
	}
	for i := range r.Waits.Rows {
		r.Waits.Rows[i].ID = l.names.ids[r.Waits.Rows[i].Lock]
	}
}

func (l *Live) lookUp(r *Reading, locks []string) {
	var states []probe.State
	for _, f := range []*probe.Lookups{r.Lookups, r.Inbound} {
		if f != nil {
			states = append(states, f.States...)
		}
	}
	n := lockname.New(lockname.Sources{
		Realtime: l.root.ReadTrimmed("/sys/kernel/realtime") == "1", Layouts: l.names.layouts,
		PerCPU: l.names.perCPU, States: states, Namespaces: l.inode, Locks: locks,
	})
	for s, err := range l.root.Symbols() {
		if err != nil {
			break // what they would name stays unnamed
		}
		n.Offer(s)
	}
	for _, lock := range locks {
		l.names.ids[lock] = n.ID(lock)
	}
}
