package profile

import "slices"

// Cut copies what cells use of tables that other profiles share: stack returns one of the stacks, as indexes into the
// tables' locations. The copy is as if the text had held nothing else: entries keep their order.
func Cut(tables *Profile, stacks int, cells []Cell, stack func(int32) Stack) *Profile {
	ofStack, ofComm := newNumbering(stacks), newNumbering(len(tables.Comms))
	for i := range cells {
		ofStack.use(int(cells[i].Stack))
		ofComm.use(int(cells[i].Comm))
	}
	p := &Profile{Comms: kept(tables.Comms, ofComm), Cells: slices.Clone(cells)}
	p.Stacks = make([]Stack, 0, ofStack.assign())
	ofLocation := newNumbering(len(tables.Locations))
	for i, n := range ofStack {
		if n < 0 {
			continue
		}
		s := stack(int32(i))
		for _, l := range s {
			ofLocation.use(int(l))
		}
		p.Stacks = append(p.Stacks, s)
	}
	p.Locations = kept(tables.Locations, ofLocation)
	for _, s := range p.Stacks {
		for i := range s {
			s[i] = ofLocation[s[i]]
		}
	}
	ofFunction, ofMapping := newNumbering(len(tables.Functions)), newNumbering(len(tables.Mappings))
	for _, l := range p.Locations {
		ofFunction.use(l.Function)
		ofMapping.use(l.Mapping)
	}
	p.Functions, p.Mappings = kept(tables.Functions, ofFunction), kept(tables.Mappings, ofMapping)
	for i := range p.Functions {
		p.Functions[i].Mapping = ofMapping.of(p.Functions[i].Mapping)
	}
	for i := range p.Locations {
		l := &p.Locations[i]
		l.Mapping, l.Function = ofMapping.of(l.Mapping), ofFunction.of(l.Function)
	}
	for i := range p.Cells {
		c := &p.Cells[i]
		c.Stack, c.Comm = ofStack[c.Stack], int32(ofComm.of(int(c.Comm)))
	}
	slices.SortFunc(p.Cells, compareCells)
	return p
}

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
