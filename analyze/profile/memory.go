package profile

import "sync"

// Buffers are the memory of Build, for recordings one after the other or side by side:
// that of one is used again for the next. The zero value is ready.
type Buffers struct{ pool sync.Pool } // of *memory

// memory is what Build works with, and no Profile refers to.
type memory struct {
	tables
	counters []*counter
	resolver *resolver // of the recording before, nil if there was none
}

// maxKept bounds what is kept, in words, stacks and cells: a big recording has little
// of its time from memory that was used before.
const maxKept = 1 << 18

func (b *Buffers) take() *memory {
	if b != nil {
		if m, ok := b.pool.Get().(*memory); ok {
			return m
		}
	}
	return new(memory)
}

// release takes back the memory of a recording, unless it was freed.
func (b *Buffers) release(m *memory) {
	if b == nil || m.freed {
		return
	}
	m.tables.reset()
	for _, c := range m.counters {
		c.reset()
	}
	b.pool.Put(m)
}

// counter returns that of a worker.
func (m *memory) counter(worker int, s *shared, t *tasks) *counter {
	for worker >= len(m.counters) {
		m.counters = append(m.counters, new(counter))
	}
	c := m.counters[worker]
	c.shared, c.split.asPerf, c.names.tasks = s, s.asPerf, t
	return c
}

// reset makes a counter ready for the next recording.
func (c *counter) reset() {
	c.shared, c.split.damaged = nil, 0
	c.names = namer{recent: c.names.recent[:0]}
	clear(c.slots.sums)
	for i := range c.held {
		c.held[i].layout = nil
	}
}

// free lets go of what only counting needs, if it is much.
func (t *tables) free() {
	if t.freed = t.kernel.words()+t.user.words()+t.stacks.len() > maxKept; !t.freed {
		return
	}
	t.kernel, t.user, t.raw = segmentTable{}, segmentTable{}, indexTable[uint32]{}
	for _, e := range t.events {
		for i := range stripes {
			if e != nil {
				e[i].index.close()
			}
		}
	}
}

// reset forgets all, and keeps the memory.
func (t *tables) reset() {
	for i := range stripes {
		t.kernel[i].segments.reset()
		t.user[i].segments.reset()
		t.raw[i].index.reset()
		t.stacks[i].index.reset()
	}
	t.tasks.table.reset()
	for _, e := range t.events {
		if e == nil {
			continue
		}
		for i := range e {
			e[i].cells.reset()
		}
		t.spare = append(t.spare, e)
	}
	t.events = nil
}

func (t *segments) reset() {
	t.index.reset()
	t.words.n = 0
}

func (t *cells) reset() {
	t.index.reset()
	t.sums.n = 0
	t.wraps, t.samples, t.fixed, t.variable = nil, 0, 0, false
}
