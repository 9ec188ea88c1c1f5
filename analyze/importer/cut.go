package importer

import (
	"slices"

	"xfrmscope/analyze/profile"
)

// A numbering is the new number of each entry of a table, -1 for those left
// out. New numbers follow the old order, which is that of the text.
type numbering []int32

func newNumbering(n int) numbering {
	m := make(numbering, n)
	for i := range m {
		m[i] = -1
	}
	return m
}

// use marks an entry; -1 is none.
func (m numbering) use(i int) {
	if i >= 0 {
		m[i] = 0
	}
}

// assign numbers the entries marked, and returns how many they are.
func (m numbering) assign() int {
	next := int32(0)
	for i := range m {
		if m[i] >= 0 {
			m[i] = next
			next++
		}
	}
	return int(next)
}

func (m numbering) of(i int) int {
	if i < 0 {
		return -1
	}
	return int(m[i])
}

// kept returns the entries of a table that have a number.
func kept[T any](table []T, m numbering) []T {
	out := make([]T, 0, m.assign())
	for i, n := range m {
		if n >= 0 {
			out = append(out, table[i])
		}
	}
	return out
}

// cut copies what one event uses of a builder's tables.
func (b *builder) cut(s *samples) *profile.Profile {
	t := &b.tables
	stacks, comms := newNumbering(b.stacks.len()), newNumbering(len(t.Comms))
	for i := range s.cells {
		stacks.use(int(s.cells[i].Stack))
		comms.use(int(s.cells[i].Comm))
	}
	locations, depth := newNumbering(len(t.Locations)), 0
	b.eachStack(stacks, func(k stackKey) {
		depth += k.len()
		for i := range k.len() {
			locations.use(int(k.at(i)))
		}
	})
	functions, mappings := newNumbering(len(t.Functions)), newNumbering(len(t.Mappings))
	p := &profile.Profile{Event: s.event, Comms: kept(t.Comms, comms), Locations: kept(t.Locations, locations)}
	for _, l := range p.Locations {
		functions.use(l.Function)
		mappings.use(l.Mapping)
	}
	p.Functions, p.Mappings = kept(t.Functions, functions), kept(t.Mappings, mappings)
	for i := range p.Functions {
		p.Functions[i].Mapping = mappings.of(p.Functions[i].Mapping)
	}
	for i := range p.Locations {
		l := &p.Locations[i]
		l.Mapping, l.Function = mappings.of(l.Mapping), functions.of(l.Function)
	}
	p.Stacks = b.cutStacks(stacks, depth, locations)
	p.Cells = slices.Clone(s.cells)
	for i := range p.Cells {
		c := &p.Cells[i]
		c.Stack, c.Comm = stacks[c.Stack], int32(comms.of(int(c.Comm)))
	}
	slices.SortFunc(p.Cells, compareCells)
	return p
}

// eachStack calls do for the stacks marked.
func (b *builder) eachStack(stacks numbering, do func(stackKey)) {
	for i, n := range stacks {
		if n >= 0 {
			do(b.stacks.at(int32(i)))
		}
	}
}

// cutStacks returns the stacks marked, which have depth frames in all, and
// numbers them.
func (b *builder) cutStacks(stacks numbering, depth int, locations numbering) []profile.Stack {
	all := make(profile.Stack, 0, depth)
	out := make([]profile.Stack, 0, stacks.assign())
	b.eachStack(stacks, func(k stackKey) {
		start := len(all)
		for i := range k.len() {
			all = append(all, locations[k.at(i)])
		}
		out = append(out, all[start:len(all):len(all)])
	})
	return out
}
