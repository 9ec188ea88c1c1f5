package perfdata

import "iter"

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
	return &counters{ids: ids, global: make([]uint64, len(ids.slots)), task: map[counterKey]uint64{},
		seen: map[counterKey]struct{}{}}
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

// beginBlock begins the records of a block in the first pass; begun is then what was noted of them.
func (c *counters) beginBlock() {
	clear(c.seen)
	c.begun = nil
}

// pass advances the counters by the READ field of a sample that is not
// delivered.
func (c *counters) pass(rec []byte, l *layout, o order) {
	for v := range l.readValues(rec, o) {
		c.advance(v.id, l.counterTask(rec, o), l.perTask, v.value)
	}
}

// note does so in the first pass, and notes where the counters of the block
// began.
func (c *counters) note(rec []byte, l *layout, o order) {
	tid := l.counterTask(rec, o)
	for v := range l.readValues(rec, o) {
		k := counterKey{c.ids.slot(v.id), tid}
		if k.slot < 0 {
			continue
		}
		if _, again := c.seen[k]; !again {
			c.seen[k] = struct{}{}
			c.begun = append(c.begun, counterValue{k, l.perTask, c.value(k, l.perTask)})
		}
		c.advance(v.id, tid, l.perTask, v.value)
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

// A readValue is one counter in the READ field of a sample, by the id of its event; 0 if the recording does not say.
type readValue struct{ value, id uint64 }

// readEnd returns the end of the READ field that begins at l.fixedEnd, -1 if
// the record is too short for it.
func (l *layout) readEnd(rec []byte, o order) int {
	n := uint64(1)
	if l.readGroup {
		if l.fixedEnd+8 > len(rec) {
			return -1
		}
		n = o.u64(rec[l.fixedEnd:])
	}
	if n > uint64(len(rec)/8) {
		return -1
	}
	end := l.fixedEnd + 8*(l.readHead+int(n)*l.readEntry)
	if end > len(rec) {
		return -1
	}
	return end
}

// readValues yields the counters of a sample in their order. A group has nr
// and the times before the counters; a single counter has its times between
// value and id (struct read_format).
func (l *layout) readValues(rec []byte, o order) iter.Seq[readValue] {
	return func(yield func(readValue) bool) {
		end := l.readEnd(rec, o)
		if end < 0 {
			return
		}
		if !l.readGroup {
			yield(l.readOne(rec[l.fixedEnd:end], o))
			return
		}
		for at := l.fixedEnd + 8*l.readHead; at < end; at += 8 * l.readEntry {
			if !yield(l.readOne(rec[at:end], o)) {
				return
			}
		}
	}
}

// readOne reads the counter at the start of b.
func (l *layout) readOne(b []byte, o order) readValue {
	v := readValue{value: o.u64(b)}
	at := 8
	if !l.readGroup {
		at += 8 * l.readHead
	}
	if l.readID {
		v.id = o.u64(b[at:])
	}
	return v
}
