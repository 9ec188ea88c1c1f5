package profile

import "sync"

// Tables are what all workers count into: every sequence of addresses, stack
// and cell stands in them once, whichever worker meets it. Each table is in
// stripes with a lock of their own, by digest, so that workers seldom meet.
//
// Numbers depend on who came first; what is made of the tables does not, since
// it is put in an order of its own (order.go).
type tables struct {
	kernel segmentTable // kernel addresses
	user   segmentTable // user words, see user.go
	raw    indexTable[uint32]
	stacks indexTable[stackKey]
	tasks  taskList

	events   []*cellTable // by Event.Index; nil without samples
	spare    []*cellTable // of recordings before
	eventsMu sync.Mutex

	freed bool // what only counting needs
}

// cells returns the cells of an event.
func (t *tables) cells(event int) *cellTable {
	t.eventsMu.Lock()
	defer t.eventsMu.Unlock()
	if n := len(t.spare); t.events[event] == nil && n > 0 {
		t.events[event], t.spare = t.spare[n-1], t.spare[:n-1]
	}
	if t.events[event] == nil {
		t.events[event] = new(cellTable)
	}
	return t.events[event]
}

const (
	stripeBits = 5
	stripes    = 1 << stripeBits
)

// stripe returns where a digest stands. The bits are others than those that an
// index looks at.
func (g digest) stripe() int { return int(g.b >> (64 - stripeBits)) }

// number makes the number of an entry, of the one it has in its stripe.
func number(stripe int, n uint32) uint32 { return n<<stripeBits | uint32(stripe) }

// split is the inverse of number.
func split(n uint32) (stripe int, local uint32) { return int(n & (stripes - 1)), n >> stripeBits }

// An indexTable is an index in stripes.
type indexTable[V any] [stripes]struct {
	sync.Mutex
	index[V]
}

// intern returns the number of a digest. v is the value if the digest is new.
func (t *indexTable[V]) intern(g digest, v V) uint32 {
	s := &t[g.stripe()]
	s.Lock()
	defer s.Unlock()
	n, p, isNew := s.index.intern(g)
	if isNew {
		*p = v
	}
	return number(g.stripe(), n)
}

// find returns the value of a digest if there is one.
func (t *indexTable[V]) find(g digest) (v V, ok bool) {
	s := &t[g.stripe()]
	s.Lock()
	defer s.Unlock()
	return s.index.find(g)
}

func (t *indexTable[V]) at(n uint32) *V {
	stripe, local := split(n)
	return t[stripe].index.at(local)
}

// limit returns a number above all numbers.
func (t *indexTable[V]) limit() uint32 {
	most := 0
	for i := range t {
		most = max(most, t[i].len())
	}
	return uint32(most) << stripeBits
}

// len returns how many numbers there are.
func (t *indexTable[V]) len() int {
	n := 0
	for i := range t {
		n += t[i].index.len()
	}
	return n
}

// each calls do with every number.
func (t *indexTable[V]) each(do func(n uint32, v *V)) {
	for i := range t {
		for n := range uint32(t[i].len()) {
			do(number(i, n), t[i].index.at(n))
		}
	}
}

// A segmentTable is segments in stripes.
type segmentTable [stripes]struct {
	sync.Mutex
	segments
}

func (t *segmentTable) intern(g digest, ws []uint64) uint32 {
	s := &t[g.stripe()]
	s.Lock()
	defer s.Unlock()
	return number(g.stripe(), s.segments.intern(g, ws))
}

func (t *segmentTable) appendTo(out []uint64, n uint32) []uint64 {
	stripe, local := split(n)
	return t[stripe].segments.appendTo(out, local)
}

// limit returns a number above all numbers.
func (t *segmentTable) limit() uint32 {
	most := 0
	for i := range t {
		most = max(most, t[i].index.len())
	}
	return uint32(most) << stripeBits
}

// words returns how many words all segments have.
func (t *segmentTable) words() int {
	n := 0
	for i := range t {
		n += t[i].segments.words.n
	}
	return n
}

// A cellTable is the cells of one event in stripes.
type cellTable [stripes]struct {
	sync.Mutex
	cells
}

// A taskList numbers tasks, for all workers.
type taskList struct {
	sync.Mutex
	table[task, task]
}

func (l *taskList) number(t task) uint32 {
	l.Lock()
	defer l.Unlock()
	return uint32(l.add(t, t))
}
