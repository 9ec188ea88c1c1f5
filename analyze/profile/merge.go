package profile

import (
	"cmp"
	"slices"
)

// A union is what all workers counted, with stacks and tasks under common
// numbers. The numbers depend on the workers; nothing that is made of a union
// does, since stacks and tasks are put in an order of their own.
type union struct {
	parts   []part
	kernel  segments
	user    segments
	stacks  []stackKey
	tasks   []task
	names   []string // of the tasks
	damaged uint64   // chains with a word that is neither address nor marker
}

// A part is one worker's cells, and the common numbers of its own.
type part struct {
	events      []cells
	stack, task []uint32
}

// unite takes over the counters, which must not be used after.
func unite(cs []*counter) *union {
	all := cs[0]
	u := &union{}
	for i, c := range cs {
		p := part{events: c.events, stack: identity(c.stacks.len()), task: identity(len(c.tasks.list))}
		for e := range p.events {
			p.events[e].index.close()
		}
		u.damaged += c.split.damaged
		if i > 0 {
			p.stack, p.task = all.mergeStacks(c), all.mergeTasks(c)
			cs[i] = nil // its tables are free
		}
		u.parts = append(u.parts, p)
	}
	u.kernel, u.user, u.tasks = all.kernel, all.user, all.tasks.list
	u.kernel.index.close()
	u.user.index.close()
	for i := range uint32(all.stacks.len()) {
		u.stacks = append(u.stacks, *all.stacks.at(i))
	}
	for _, t := range u.tasks {
		u.names = append(u.names, all.tasks.tasks.name(t))
	}
	return u
}

// mergeStacks adds the stacks of another counter and returns their numbers
// here.
func (c *counter) mergeStacks(from *counter) []uint32 {
	kernel, user := c.kernel.merge(&from.kernel), c.user.merge(&from.user)
	numbers := make([]uint32, from.stacks.len())
	for i := range numbers {
		k := *from.stacks.at(uint32(i))
		if k.kernel != none {
			k.kernel = kernel[k.kernel]
		}
		if k.user != none {
			k.user = user[k.user]
		}
		numbers[i] = c.internStack(k)
	}
	return numbers
}

func (c *counter) mergeTasks(from *counter) []uint32 {
	numbers := make([]uint32, len(from.tasks.list))
	for i, t := range from.tasks.list {
		numbers[i] = c.tasks.add(t)
	}
	return numbers
}

func identity(n int) []uint32 {
	r := make([]uint32, n)
	for i := range r {
		r[i] = uint32(i)
	}
	return r
}

// merge adds the segments of another table made with the same digester and
// returns their numbers here.
func (t *segments) merge(from *segments) []uint32 {
	numbers := make([]uint32, from.len())
	var words []uint64
	for i, g := range from.index.digests() {
		n := uint32(i)
		words = from.appendTo(words[:0], n)
		numbers[i] = t.intern(g, words, from.index.at(n).first)
	}
	return numbers
}

// order returns the numbers of the segments in the order in which they come
// first in the recording.
func (t *segments) order() []uint32 {
	o := identity(t.len())
	slices.SortFunc(o, func(a, b uint32) int { return cmp.Compare(t.index.at(a).first, t.index.at(b).first) })
	return o
}

// taskOrder returns the numbers of the tasks by name, PID and TID.
func (u *union) taskOrder() []uint32 {
	o := identity(len(u.tasks))
	slices.SortFunc(o, func(a, b uint32) int {
		x, y := u.tasks[a], u.tasks[b]
		return cmp.Or(cmp.Compare(u.names[a], u.names[b]), cmp.Compare(x.pid, y.pid), cmp.Compare(x.tid, y.tid))
	})
	return o
}

// stackOrder returns the numbers of the stacks in the order of their kernel
// segments, then user segments: those without a kernel part last, those
// without a user part before those that have one.
func (u *union) stackOrder(kernelRank, userRank []uint32) []uint32 {
	keys := make([]uint64, len(u.stacks))
	for i, k := range u.stacks {
		kernel, user := uint64(none), uint64(0)
		if k.kernel != none {
			kernel = uint64(kernelRank[k.kernel])
		}
		if k.user != none {
			user = uint64(userRank[k.user]) + 1
		}
		keys[i] = kernel<<32 | user
	}
	o := identity(len(keys))
	slices.SortFunc(o, func(a, b uint32) int { return cmp.Compare(keys[a], keys[b]) })
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
