package profile

import (
	"cmp"
	"slices"
)

// A leaf is a segment with its first two words, by which most are told apart.
type leaf struct {
	first, second uint64 // second: 0 if there is only one
	number        uint32
}

// order returns the numbers of the segments, sorted by their words.
func (t *segmentTable) order() []uint32 {
	n := 0
	for i := range t {
		n += t[i].segments.index.len()
	}
	leaves := make([]leaf, 0, n)
	for i := range t {
		s := &t[i].segments
		for n := range uint32(s.index.len()) {
			at := s.index.at(n)
			l := leaf{first: *s.words.at(at.start), number: number(i, n)}
			if at.length > 1 {
				l.second = *s.words.at(at.start + 1)
			}
			leaves = append(leaves, l)
		}
	}
	slices.SortFunc(leaves, func(a, b leaf) int {
		switch {
		case a.first != b.first:
			return cmp.Compare(a.first, b.first)
		case a.second != b.second:
			return cmp.Compare(a.second, b.second)
		}
		return t.compare(a.number, b.number)
	})
	order := make([]uint32, len(leaves))
	for i, l := range leaves {
		order[i] = l.number
	}
	return order
}

// compare compares two segments by their words.
func (t *segmentTable) compare(a, b uint32) int {
	sa, na := split(a)
	sb, nb := split(b)
	x, y := &t[sa].segments, &t[sb].segments
	p, q := x.index.at(na), y.index.at(nb)
	for i := range min(p.length, q.length) {
		if c := cmp.Compare(*x.words.at(p.start + i), *y.words.at(q.start + i)); c != 0 {
			return c
		}
	}
	return cmp.Compare(p.length, q.length)
}

// ranks returns the places of numbers in their order, for numbers below limit.
func ranks(order []uint32, limit uint32) []uint32 {
	r := make([]uint32, limit)
	for i, n := range order {
		r[n] = uint32(i)
	}
	return r
}

// taskOrder returns the numbers of the tasks by name, PID and TID.
func taskOrder(list []task, names []string) []uint32 {
	order := make([]uint32, len(list))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int {
		x, y := list[a], list[b]
		return cmp.Or(cmp.Compare(names[a], names[b]), cmp.Compare(x.pid, y.pid), cmp.Compare(x.tid, y.tid))
	})
	return order
}

// stackOrder returns the numbers of the stacks in the order of their kernel
// segments, then user segments: those without a kernel part last, those
// without a user part before those that have one.
func stackOrder(t *tables, kernelOrder, userOrder []uint32) []uint32 {
	kernels, users := uint32(len(kernelOrder)), uint32(len(userOrder))
	kernelRank, userRank := ranks(kernelOrder, t.kernel.limit()), ranks(userOrder, t.user.limit())
	type place struct{ number, kernel, user uint32 }
	places := make([]place, 0, t.stacks.len())
	t.stacks.each(func(n uint32, k *stackKey) {
		p := place{n, kernels, 0}
		if k.kernel != none {
			p.kernel = kernelRank[k.kernel]
		}
		if k.user != none {
			p.user = userRank[k.user] + 1
		}
		places = append(places, p)
	})
	places = byRank(places, users+1, func(p place) uint32 { return p.user })
	places = byRank(places, kernels+1, func(p place) uint32 { return p.kernel })
	order := make([]uint32, len(places))
	for i, p := range places {
		order[i] = p.number
	}
	return order
}

// byRank sorts a list by ranks below a limit; what has the same rank stays in its order.
func byRank[T any](list []T, limit uint32, rank func(T) uint32) []T {
	at := make([]int, limit+1) // how many come before, by rank
	for _, v := range list {
		at[rank(v)+1]++
	}
	for i := range limit {
		at[i+1] += at[i]
	}
	out := make([]T, len(list))
	for _, v := range list {
		r := rank(v)
		out[at[r]] = v
		at[r]++
	}
	return out
}

// A renumbering maps numbers to others, for one event after the other: begin
// forgets all without touching them.
type renumbering struct {
	to  []int32
	of  []uint32 // the round a number was set in
	now uint32
}

func newRenumbering(n int) renumbering {
	return renumbering{to: make([]int32, n), of: make([]uint32, n)}
}

func (r *renumbering) begin() { r.now++ }

func (r *renumbering) get(n uint32) (int32, bool) { return r.to[n], r.of[n] == r.now }

func (r *renumbering) set(n uint32, to int32) int32 {
	r.to[n], r.of[n] = to, r.now
	return to
}
