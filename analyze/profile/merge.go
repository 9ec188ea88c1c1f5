package profile

import (
	"cmp"
	"slices"
)

// A union is what all workers counted, with segments and tasks under common
// numbers. The numbers depend on the workers; nothing that is made of a union
// does, since segments and tasks are put in an order of their own.
type union struct {
	parts   []part
	kernel  segments
	user    segments
	tasks   []task
	names   []string // of the tasks
	damaged uint64   // chains with an undefined marker
}

// A part is one worker's cells, and the common numbers of its own.
type part struct {
	events             []cells
	kernel, user, task renumbering
}

// A renumbering maps a worker's numbers to the common ones.
type renumbering []uint32

func (r renumbering) of(n uint32) uint32 {
	if n == none {
		return none
	}
	return r[n]
}

// unite takes over the counters, which must not be used after.
func unite(cs []*counter) *union {
	u := &union{kernel: cs[0].kernel, user: cs[0].user}
	all := cs[0].tasks
	for i, c := range cs {
		p := part{events: c.events}
		if i > 0 {
			p.kernel, p.user = u.kernel.merge(&c.kernel), u.user.merge(&c.user)
		} else {
			p.kernel, p.user = identity(c.kernel.len()), identity(c.user.len())
		}
		for _, t := range c.tasks.list {
			p.task = append(p.task, all.add(t))
		}
		u.damaged += c.split.damaged
		u.parts = append(u.parts, p)
		cs[i] = nil // its tables are free
	}
	u.tasks = all.list
	for _, t := range u.tasks {
		u.names = append(u.names, all.tasks.name(t))
	}
	return u
}

func identity(n int) renumbering {
	r := make(renumbering, n)
	for i := range r {
		r[i] = uint32(i)
	}
	return r
}

// merge adds the segments of another table made with the same digester.
func (t *segments) merge(from *segments) renumbering {
	r := make(renumbering, from.len())
	for i := range r {
		n := uint32(i)
		r[i] = t.intern(from.digests[i], from.at(n), from.first[i])
	}
	return r
}

// order returns the numbers of the segments in the order in which they come
// first in the recording.
func (t *segments) order() []uint32 {
	o := []uint32(identity(t.len()))
	slices.SortFunc(o, func(a, b uint32) int { return cmp.Compare(t.first[a], t.first[b]) })
	return o
}

// taskOrder returns the numbers of the tasks by name, PID and TID.
func (u *union) taskOrder() []uint32 {
	o := []uint32(identity(len(u.tasks)))
	slices.SortFunc(o, func(a, b uint32) int {
		x, y := u.tasks[a], u.tasks[b]
		return cmp.Or(cmp.Compare(u.names[a], u.names[b]), cmp.Compare(x.pid, y.pid), cmp.Compare(x.tid, y.tid))
	})
	return o
}

// ranks is the inverse of an order.
func ranks(order []uint32) []uint32 {
	r := make([]uint32, len(order))
	for i, n := range order {
		r[n] = uint32(i)
	}
	return r
}
