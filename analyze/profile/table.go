package profile

import (
	"cmp"
	"slices"
	"unsafe"
)

// A table numbers distinct values from 0 in the order they are added.
type table[V any, K comparable] struct {
	list  []V
	index map[K]int32
}

func (t *table[V, K]) add(k K, v V) int32 {
	i, ok := t.index[k]
	if !ok {
		if t.index == nil {
			t.index = map[K]int32{}
		}
		i = int32(len(t.list))
		t.list = append(t.list, v)
		t.index[k] = i
	}
	return i
}

// reset forgets all, and keeps the memory.
func (t *table[V, K]) reset() {
	t.list = t.list[:0]
	clear(t.index)
}

// A tableBuilder makes a Profile of samples that come one by one with their
// names, as an importer reads them.
type tableBuilder struct {
	p         *Profile
	mappings  table[Mapping, Mapping]
	functions table[Function, Function]
	locations table[Location, Location]
	stacks    map[string]int32 // by the bytes of the Stack
	comms     table[string, string]
	cells     []Cell // Stack and Comm as added
}

func newTableBuilder(e Event) *tableBuilder {
	return &tableBuilder{p: &Profile{Event: e}, stacks: map[string]int32{}}
}

func (b *tableBuilder) mapping(m Mapping) int     { return int(b.mappings.add(m, m)) }
func (b *tableBuilder) function(f Function) int   { return int(b.functions.add(f, f)) }
func (b *tableBuilder) location(l Location) int32 { return b.locations.add(l, l) }
func (b *tableBuilder) comm(name string) int32    { return b.comms.add(name, name) }

// add counts a cell, whose Stack is set here and whose Comm is one of comm's
// numbers. PeriodSq is estimated if 0.
func (b *tableBuilder) add(s Stack, c Cell) {
	key := stackBytes(s)
	n, ok := b.stacks[string(key)]
	if !ok {
		n = int32(len(b.p.Stacks))
		b.p.Stacks = append(b.p.Stacks, slices.Clone(s))
		b.stacks[string(key)] = n
	}
	c.Stack = n
	if c.PeriodSq == 0 && c.Count > 0 {
		c.PeriodSq = float64(c.Period) * float64(c.Period) / float64(c.Count)
	}
	b.cells = append(b.cells, c)
}

// stackBytes returns the memory of a stack, to be used as a map key at once.
func stackBytes(s Stack) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s)*4)
}

// profile returns what was added: comms sorted, cells sorted and each once.
func (b *tableBuilder) profile() *Profile {
	p := b.p
	p.Mappings, p.Functions, p.Locations = b.mappings.list, b.functions.list, b.locations.list
	p.Comms = slices.Sorted(slices.Values(b.comms.list))
	for i := range b.cells {
		if c := &b.cells[i]; c.Comm >= 0 {
			n, _ := slices.BinarySearch(p.Comms, b.comms.list[c.Comm])
			c.Comm = int32(n)
		}
	}
	slices.SortStableFunc(b.cells, compareCells)
	for _, c := range b.cells {
		if n := len(p.Cells); n > 0 && compareCells(p.Cells[n-1], c) == 0 {
			last := &p.Cells[n-1]
			last.Count += c.Count
			last.Period += c.Period
			last.PeriodSq += c.PeriodSq
			continue
		}
		p.Cells = append(p.Cells, c)
	}
	return p
}

// compareCells is the order of Profile.Cells.
func compareCells(a, b Cell) int {
	return cmp.Or(cmp.Compare(a.CPU, b.CPU), cmp.Compare(a.Comm, b.Comm), cmp.Compare(a.PID, b.PID),
		cmp.Compare(a.TID, b.TID), cmp.Compare(a.Stack, b.Stack))
}
