package perfdata

// A counterKey is one counter a sample reads: an id, and with inherit one
// task of it (tools/perf/util/session.c, perf_sample_id__get_period_storage,
// 6.13; before 6.12 the kernel refuses inherit together with READ).
type counterKey struct {
	slot int32 // of the id in identity.slots
	tid  int32 // 0 unless the counters are per task
}

// counters hold the last value read of every counter. A sample that reads
// counters says how far each had come; the period of each event is how far it
// came since the sample before (tools/perf/util/session.c
// deliver_sample_value, 6.1). An id belongs to one ring, and a ring is in
// order in its stream, so the difference needs the order of the stream, not
// of time.
//
// To let blocks be decoded in any order, the first pass notes for each block
// the value every counter had before it (only of counters the block reads).
type counters struct {
	ids    *identity
	global []uint64                // by slot
	task   map[counterKey]uint64   // counters of single tasks
	seen   map[counterKey]struct{} // read in the current block
	begun  []counterValue
}

// A counterValue is a counter at one moment.
type counterValue struct {
	key     counterKey
	perTask bool
	value   uint64
}

func newCounters(ids *identity) *counters {
	return &counters{ids: ids, global: make([]uint64, len(ids.slots)), task: map[counterKey]uint64{}, seen: map[counterKey]struct{}{}}
}

// advance sets the counter of id to value and returns how far it came; ok is
// false for an id no event has.
func (c *counters) advance(id uint64, tid int32, perTask bool, value uint64) (slot int32, delta uint64, ok bool) {
	slot = c.ids.slot(id)
	if slot < 0 {
		return slot, 0, false
	}
	if !perTask {
		delta = value - c.global[slot]
		c.global[slot] = value
		return slot, delta, true
	}
	k := counterKey{slot, tid}
	delta = value - c.task[k]
	c.task[k] = value
	return slot, delta, true
}

func (c *counters) value(k counterKey, perTask bool) uint64 {
	if perTask {
		return c.task[k]
	}
	return c.global[k.slot]
}

// beginBlock and endBlock bracket the records of a block in the first pass.
func (c *counters) beginBlock() {
	clear(c.seen)
	c.begun = nil
}

func (c *counters) endBlock() []counterValue { return c.begun }

// pass advances the counters by the READ field of a sample that is not
// delivered.
func (c *counters) pass(rec []byte, l *layout, o order) {
	for v := range l.readValues(rec, o) {
		c.advance(v.ID, l.counterTask(rec, o), l.perTask, v.Value)
	}
}

// note does so in the first pass, and notes where the counters of the block
// began.
func (c *counters) note(rec []byte, l *layout, o order) {
	tid := l.counterTask(rec, o)
	for v := range l.readValues(rec, o) {
		k := counterKey{c.ids.slot(v.ID), tid}
		if k.slot < 0 {
			continue
		}
		if _, again := c.seen[k]; !again {
			c.seen[k] = struct{}{}
			c.begun = append(c.begun, counterValue{k, l.perTask, c.value(k, l.perTask)})
		}
		c.advance(v.ID, tid, l.perTask, v.Value)
	}
}

// restore puts the counters to where they stood before a block.
func (c *counters) restore(before []counterValue) {
	for _, v := range before {
		if v.perTask {
			c.task[v.key] = v.value
		} else {
			c.global[v.key.slot] = v.value
		}
	}
}
